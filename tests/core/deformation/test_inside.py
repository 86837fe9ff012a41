"""What lies inside a head stays inside: lips, lids, teeth and lining of heads of the model."""

from __future__ import annotations

import numpy as np
import pytest
from numpy import ndarray

from core.arkit import ARKIT_INDEX
from core.deformation.expressions import personalise_expressions
from core.deformation.interior import settle_neutral
from core.deformation.lid_contact import LidContact
from core.deformation.lips import LipSeal
from core.deformation.posed_contact import keep_inside
from core.face_model.model import FaceModel
from core.geometry.crossings import crossing_pairs
from tests.benchmarks.heads_support.penetrations import penetrations


def person(model: FaceModel, seal: LipSeal, seed: int) -> tuple[ndarray, ndarray]:
    """Head of the basis with closed lips, and the basis' own."""
    code = 0.8 * np.random.default_rng(seed).standard_normal(len(model.identity_basis))
    head = model.template + np.tensordot(
        code.astype(np.float32), seal.sealed(model.identity_basis), axes=1
    ).astype(np.float32)
    return seal.closed(head), head


@pytest.fixture(scope="module")
def seal(anny: FaceModel) -> LipSeal:
    return LipSeal(anny)


@pytest.mark.parametrize("seed", range(4))
def test_lips_and_lids_of_a_person_cross_nothing(anny: FaceModel, seal: LipSeal, seed: int) -> None:
    closed, base = person(anny, seal, seed)
    settled = settle_neutral(anny, closed, base)
    counts = penetrations(settled, anny)
    assert counts["lips"] == counts["eyeballs"] == 0


def test_lids_within_an_eyeball_are_pushed_off_it_and_no_further(anny: FaceModel) -> None:
    contact = LidContact(anny)
    eye = anny.template[anny.region_mask("eye_left")].mean(axis=0)
    away = np.linalg.norm(anny.template - eye - (0, 0.009, 0.013), axis=1)
    dent = np.exp(-0.5 * (away / 0.006) ** 2)[:, None] * np.array([0, 0, -0.003], np.float32)
    head = np.where(anny.region_mask("skin")[:, None], anny.template + dent, anny.template).astype(float)
    balls = anny.triangles[anny.region_mask("eye_left", "eye_right")[anny.triangles].all(axis=1)]
    moves = contact.pushed(head)
    assert len(crossing_pairs(head, balls, contact.outer_skin())) > 0
    assert len(crossing_pairs(head + moves, balls, contact.outer_skin())) == 0
    assert np.linalg.norm(moves, axis=1).max() < 3.5e-3
    right = anny.template[:, 0] < 0
    assert np.abs(moves[right]).max() < 1e-4


def test_expressions_together_keep_the_inside_in(anny: FaceModel, seal: LipSeal) -> None:
    closed, base = person(anny, seal, 5)
    neutral = settle_neutral(anny, closed, base)
    deltas = personalise_expressions(anny, neutral)
    shown = np.zeros((3, 52))
    for row, units in enumerate(
        (
            {"jawOpen": 0.5, "mouthLeft": 0.4, "mouthRollUpper": 0.4},
            {"eyeSquintLeft": 0.8, "eyeBlinkLeft": 0.4, "cheekSquintLeft": 0.6, "browDownLeft": 0.5},
            {"mouthSmileLeft": 0.7, "mouthSmileRight": 0.7, "mouthPressLeft": 0.4, "mouthStretchLeft": 0.4},
        )
    ):
        for name, value in units.items():
            shown[row, ARKIT_INDEX[name]] = value
    kept, shapes = keep_inside(anny, neutral, deltas, list(shown))
    posed = [kept, *(kept + np.tensordot(e.astype(np.float32), shapes, axes=1) for e in shown)]
    for head in posed:
        counts = penetrations(head, anny)
        assert {name: count for name, count in counts.items() if count and name != "lips"} == {}
    unused = ~shown.any(axis=0)
    np.testing.assert_array_equal(shapes[unused], deltas[unused])
    visible = anny.region_mask("skin")
    assert np.linalg.norm((kept - neutral)[visible], axis=1).max() == 0
