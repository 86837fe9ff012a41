"""A person's expressions on the default head."""

from __future__ import annotations

import numpy as np
import pytest
from numpy import ndarray

from core.arkit import ARKIT_INDEX, ARKIT_NAMES, mirrored_name
from core.deformation.expressions import personalise_expressions
from core.deformation.eyelids import Eyelids, find_eyelids, fit_eyeball
from core.deformation.interior import settle_neutral
from core.face_model.model import FaceModel
from tests.lids import lid_gap

EYES = ("eye_left", "eye_right")


def person(model: FaceModel, seed: int) -> ndarray:
    rng = np.random.default_rng(seed)
    neutral = model.neutral((0.6 * rng.standard_normal(len(model.identity_basis))).astype(np.float32))
    return settle_neutral(model, neutral, neutral)


@pytest.fixture(scope="module", params=[1, 2, 3])
def someone(request: pytest.FixtureRequest, anny: FaceModel) -> tuple[ndarray, ndarray]:
    """A random neutral and its expressions."""
    neutral = person(anny, request.param)
    return neutral, personalise_expressions(anny, neutral)


@pytest.fixture(scope="module")
def own(anny: FaceModel) -> ndarray:
    """The expressions of the template."""
    return personalise_expressions(anny, anny.template)


def fitted_to_eyes(name: str) -> bool:
    return name.startswith(("eye", "cheekSquint"))


def test_the_template_gets_its_own_expressions_back(anny: FaceModel, own: ndarray) -> None:
    off = np.abs(own - anny.expression_deltas).max(axis=(1, 2))
    for name, distance in zip(ARKIT_NAMES, off, strict=True):
        if not fitted_to_eyes(name):
            assert distance < 5e-5, name
    outside = ~anny.region_mask("skin", "eye_socket", "lashes", *EYES)
    assert np.abs(own - anny.expression_deltas)[:, outside].max() < 5e-5


def test_a_scaled_head_gets_scaled_expressions(anny: FaceModel, own: ndarray) -> None:
    scaled = personalise_expressions(anny, anny.template * np.float32(1.15))
    for name in ARKIT_NAMES:
        # the clearance of the lids is the same for small and for large heads
        allowed = 3e-4 if fitted_to_eyes(name) else 5e-5
        assert np.abs(scaled - 1.15 * own)[ARKIT_INDEX[name]].max() < allowed, name


def test_what_is_still_on_the_template_is_still(anny: FaceModel, someone: tuple[ndarray, ndarray]) -> None:
    still = (anny.expression_deltas == 0).all(axis=2)
    assert (someone[1][still] == 0).all()


def test_a_symmetric_head_gets_symmetric_expressions(anny: FaceModel, own: ndarray) -> None:
    paired = anny.mirror[anny.mirror] == np.arange(anny.vertex_count)
    lone = (anny.mirror == np.arange(anny.vertex_count)) & (np.abs(anny.template[:, 0]) > 1e-4)
    known = paired & ~lone
    for name in ARKIT_NAMES:
        here, there = (own[ARKIT_INDEX[n]] for n in (name, mirrored_name(name)))
        own_asymmetry = np.abs(
            anny.expression_deltas[ARKIT_INDEX[mirrored_name(name)]][anny.mirror[known]] * [-1, 1, 1]
            - anny.expression_deltas[ARKIT_INDEX[name]][known]
        ).max()
        assert np.abs(there[anny.mirror[known]] * [-1, 1, 1] - here[known]).max() < own_asymmetry + 1e-4, name


def test_blinks_close_on_this_persons_eyes(anny: FaceModel, someone: tuple[ndarray, ndarray]) -> None:
    neutral, deltas = someone
    for lids, side in zip(find_eyelids(anny), ("Left", "Right"), strict=True):
        eyeball = fit_eyeball(neutral[lids.eyeball])
        open_by = lid_gap(lids, eyeball, neutral)
        closed = neutral + deltas[ARKIT_INDEX[f"eyeBlink{side}"]]
        assert np.median(open_by) > 4e-3
        assert np.abs(lid_gap(lids, eyeball, closed)).max() < 1e-4


@pytest.mark.parametrize("share", [0.25, 0.5, 0.75, 1.0])
@pytest.mark.parametrize("shape", ["eyeBlink", "eyeSquint", "eyeWide", "eyeLookUp", "eyeLookDown"])
def test_lids_stay_outside_the_eyeball(
    anny: FaceModel, someone: tuple[ndarray, ndarray], shape: str, share: float
) -> None:
    neutral, deltas = someone
    for lids, side in zip(find_eyelids(anny), ("Left", "Right"), strict=True):
        moved = neutral + share * deltas[ARKIT_INDEX[f"{shape}{side}"]]
        at_rest = min(clearance(lids, neutral, neutral), 0.0)
        assert clearance(lids, neutral, moved) > at_rest - 2e-4


def clearance(lids: Eyelids, neutral: ndarray, vertices: ndarray) -> float:
    eyeball = fit_eyeball(neutral[lids.eyeball])
    return float(np.linalg.norm(vertices[lids.outside] - eyeball.centre, axis=1).min() - eyeball.radius)


def test_eyeballs_turn_about_their_centres(anny: FaceModel, someone: tuple[ndarray, ndarray]) -> None:
    neutral, deltas = someone
    for eye, side in zip(EYES, ("Left", "Right"), strict=True):
        part = anny.region_mask(eye)
        centre = fit_eyeball(neutral[part]).centre
        before = neutral[part] - centre
        for look in ("Up", "Down", "In", "Out"):
            delta = deltas[ARKIT_INDEX[f"eyeLook{look}{side}"]][part]
            after = before + delta
            # at full turn it is rigid: all distances stay
            np.testing.assert_allclose(
                np.linalg.norm(after[:, None] - after[None], axis=2),
                np.linalg.norm(before[:, None] - before[None], axis=2),
                atol=1e-6,
            )
            np.testing.assert_allclose(
                np.linalg.norm(after, axis=1), np.linalg.norm(before, axis=1), atol=1e-6
            )
            assert np.linalg.norm(delta, axis=1).max() > 2e-3
            assert (deltas[ARKIT_INDEX[f"eyeLook{look}{side}"]][anny.region_mask(*EYES) & ~part] == 0).all()


def test_lower_teeth_keep_their_shape_with_the_jaw(anny: FaceModel, someone: tuple[ndarray, ndarray]) -> None:
    neutral, deltas = someone
    teeth = anny.region_mask("teeth_lower")
    before = neutral[teeth]
    after = before + deltas[ARKIT_INDEX["jawOpen"]][teeth]
    size = np.linalg.norm(before[:, None] - before[None], axis=2)
    np.testing.assert_allclose(np.linalg.norm(after[:, None] - after[None], axis=2), size, atol=1e-3)


def test_mouth_close_undoes_jaw_open_at_the_lips(anny: FaceModel, someone: tuple[ndarray, ndarray]) -> None:
    neutral, deltas = someone
    upper, lower = 13, 14  # MediaPipe's landmarks in the middle of the inner lips
    opened = neutral + deltas[ARKIT_INDEX["jawOpen"]]
    closed = opened + deltas[ARKIT_INDEX["mouthClose"]]

    def gap(vertices: ndarray) -> float:
        points = anny.landmarks(vertices.astype(np.float32))
        return float(np.linalg.norm(points[upper] - points[lower]))

    on_template = anny.template + anny.expression_deltas[
        [ARKIT_INDEX["jawOpen"], ARKIT_INDEX["mouthClose"]]
    ].sum(0)
    assert gap(opened) > 0.015
    assert gap(closed) - gap(neutral) < gap(on_template) - gap(anny.template) + 2e-4
