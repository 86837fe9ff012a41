"""Readings of a crop and its mirror image become one of the photo, and those of photos one of a person."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.arkit import ARKIT_INDEX
from core.capture.crop import SquareCrop
from core.errors import BadInput
from core.scene.camera import head_rotation
from core.scene.lighting import turned_light
from models.crops import crop_view
from models.face_reading import FaceReading, fuse_identity, join_expressions, join_faces
from models.mirror import Mirror
from tests.models.networks import ALBEDO, IDENTITY, MIRROR


def truth(seed: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    return {
        "identity": rng.standard_normal(IDENTITY).astype(np.float32),
        "expression": rng.random(52).astype(np.float32),
        "albedo": rng.standard_normal(ALBEDO).astype(np.float32),
        "rotation": head_rotation(*rng.uniform(-0.6, 0.6, 3).tolist()).numpy().astype(np.float32),
        "translation": rng.uniform([-0.2, -0.2, 0.5], [0.2, 0.2, 2]).astype(np.float32),
        "sh": rng.standard_normal((9, 3)).astype(np.float32),
    }


def both_looks(
    known: dict[str, np.ndarray], crop: SquareCrop, camera: np.ndarray, mirror: Mirror = MIRROR
) -> dict[str, np.ndarray]:
    """What a network without errors says of the crop and of its mirror image, as the data engine labels."""
    lens, rotation, translation = crop_view(crop, camera, known["rotation"], known["translation"])
    seen = known | {
        "rotation": rotation, "translation": translation, "sh": turned_light(known["sh"], crop.angle),
    }  # fmt: skip
    other = mirror.labels(seen | {"camera": lens})
    return {name: np.stack([seen[name], other[name]]) for name in seen}


@settings(max_examples=25, deadline=None)
@given(
    st.integers(0, 1000), st.floats(-3, 3), st.floats(40, 900),
    st.tuples(st.floats(0, 1000), st.floats(0, 1000)),
)  # fmt: skip
def test_a_network_without_errors_gives_back_the_truth_from_any_crop(
    seed: int, angle: float, side: float, centre: tuple[float, float]
) -> None:
    known, crop, camera = truth(seed), SquareCrop(centre, side, angle), np.array([900.0, 900, 480, 510])
    reading = join_faces(both_looks(known, crop, camera), MIRROR, crop, camera)
    for name, value in known.items():
        np.testing.assert_allclose(getattr(reading, name), value, atol=2e-6, err_msg=name)
    np.testing.assert_array_equal(reading.camera, camera.astype(np.float32))
    assert reading.identity_std is None and reading.rotation_std is None


def test_errors_of_the_two_looks_are_halved() -> None:
    known, crop, camera = truth(1), SquareCrop((300.0, 200.0), 200.0, 0.3), np.array([900.0, 900, 480, 510])
    looks = both_looks(known, crop, camera)
    looks["translation"][0, 0] += 0.02
    looks["identity"][0] += 0.4
    looks["expression"][1, ARKIT_INDEX["eyeBlinkLeft"]] = known["expression"][
        ARKIT_INDEX["eyeBlinkRight"]
    ] + (step := 0.1)
    turn = 0.2
    c, s = math.cos(turn), math.sin(turn)
    looks["rotation"][0] = np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]]) @ looks["rotation"][0]
    reading = join_faces(looks, MIRROR, crop, camera)
    off = reading.translation - known["translation"]
    np.testing.assert_allclose(off, 0.01 * np.array([math.cos(0.3), math.sin(0.3), 0]), atol=1e-6)
    np.testing.assert_allclose(reading.identity, known["identity"] + 0.2, atol=1e-6)
    unit = ARKIT_INDEX["eyeBlinkRight"]
    assert reading.expression[unit] == pytest.approx(min(known["expression"][unit] + step / 2, 1), abs=1e-6)
    angle = math.acos((np.trace(reading.rotation @ known["rotation"].T) - 1) / 2)
    assert angle == pytest.approx(turn / 2, abs=1e-3)
    np.testing.assert_allclose(reading.rotation @ reading.rotation.T, np.eye(3), atol=1e-6)


def test_identities_that_a_model_cannot_mirror_are_those_of_the_crop() -> None:
    lacking = Mirror(MIRROR.identity, 0.2, MIRROR.albedo)
    known, crop, camera = truth(2), SquareCrop((300.0, 200.0), 200.0), np.array([900.0, 900, 480, 510])
    looks = both_looks(known, crop, camera)
    looks["identity"][1] = 9
    np.testing.assert_array_equal(join_faces(looks, lacking, crop, camera).identity, known["identity"])


def test_spreads_go_along_into_the_photo() -> None:
    known, camera = truth(3), np.array([900.0, 900, 480, 510])
    crop = SquareCrop((300.0, 200.0), 200.0, math.pi / 2)  # its x is the photo's y
    looks = both_looks(known, crop, camera)
    sure = np.linspace(0.1, 0.6, IDENTITY)
    looks["identity_spread"] = np.stack([sure, sure @ np.abs(MIRROR.identity)])
    looks["expression_spread"] = np.full((2, 52), 0.1)
    looks["expression_spread"][0, ARKIT_INDEX["mouthSmileLeft"]] = 0.3
    looks["expression_spread"][1, ARKIT_INDEX["mouthSmileRight"]] = 0.3
    looks["rotation_spread"] = np.tile([0.1, 0.2, 0.3], (2, 1))
    reading = join_faces(looks, MIRROR, crop, camera)
    assert reading.identity_std is not None and reading.rotation_std is not None
    assert reading.expression_std is not None
    np.testing.assert_allclose(reading.identity_std, sure, rtol=1e-5)
    assert reading.expression_std[ARKIT_INDEX["mouthSmileLeft"]] == pytest.approx(0.3)
    assert np.sort(reading.expression_std)[-2] == pytest.approx(0.1)
    np.testing.assert_allclose(reading.rotation_std, [0.2, 0.1, 0.3], rtol=1e-5)


def test_one_look_at_an_expression_is_itself() -> None:
    said = np.linspace(0, 1, 52, dtype=np.float32)[None]
    reading = join_expressions(said, None)
    np.testing.assert_array_equal(reading.expression, said[0])
    assert reading.expression_std is None


def photo(mean: list[float], spread: list[float] | None) -> FaceReading:
    sure = None if spread is None else np.array(spread, np.float32)
    zero = np.zeros(3, np.float32)
    return FaceReading(
        np.array(mean, np.float32), np.zeros(52, np.float32), zero, np.eye(3, dtype=np.float32), zero,
        np.zeros((9, 3), np.float32), np.ones(4, np.float32), sure,
    )  # fmt: skip


def test_photos_of_one_person_share_one_prior() -> None:
    mean, spread = fuse_identity([photo([0.6, -1.0], [0.5, 0.8])])
    np.testing.assert_allclose(mean, [0.6, -1.0], rtol=1e-6)
    np.testing.assert_allclose(spread, [0.5, 0.8], rtol=1e-6)
    # 1/s² = 4 and 2: precision 1 + 3 + 1 = 5, shift 0.6·4 + 0.3·2 = 3
    mean, spread = fuse_identity([photo([0.6], [0.5]), photo([0.3], [math.sqrt(0.5)])])
    np.testing.assert_allclose(mean, [0.6], rtol=1e-6)
    np.testing.assert_allclose(spread, [1 / math.sqrt(5)], rtol=1e-6)


def test_photos_whose_errors_go_together_count_less() -> None:
    two = [photo([0.6], [0.5]), photo([0.6], [0.5])]
    # evidence 3 + 3 over 1 + 0.5, shift 2.4 + 2.4 over the same
    mean, spread = fuse_identity(two, correlation=0.5)
    np.testing.assert_allclose(mean, [3.2 / 5], rtol=1e-6)
    np.testing.assert_allclose(spread, [1 / math.sqrt(5)], rtol=1e-6)
    same, sure = fuse_identity(two, correlation=1.0)
    np.testing.assert_allclose((same[0], sure[0]), (0.6, 0.5), rtol=1e-6)


def test_a_photo_that_tells_no_more_than_the_prior_adds_nothing() -> None:
    mean, spread = fuse_identity([photo([0.6], [0.5]), photo([3.0], [1.2])])
    np.testing.assert_allclose((mean[0], spread[0]), (0.6, 0.5), rtol=1e-6)
    mean, spread = fuse_identity([photo([3.0], [1.0])])
    np.testing.assert_allclose((mean[0], spread[0]), (0, 1))


def test_readings_that_cannot_be_joined_are_refused() -> None:
    for readings in (
        [], [photo([1.0], None)], [photo([1.0], [0.5]), photo([1.0, 2.0], [0.5, 0.5])],
    ):  # fmt: skip
        with pytest.raises(BadInput):
            fuse_identity(readings)
    with pytest.raises(BadInput):
        fuse_identity([photo([1.0], [0.5])], correlation=1.5)
