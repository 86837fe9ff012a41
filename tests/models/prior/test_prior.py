"""The shipped network."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from jaxtyping import Float32
from numpy import ndarray

from core.arkit import ARKIT_INDEX, ARKIT_NAMES
from core.errors import BadInput, ModelMissing, ModelUnreadable
from core.face_model.model import FaceModel
from core.scene.lighting import ambient_light, directional_light
from models.data.heads import LandmarkReader, draw, projected_landmarks, random_shot
from models.data.skins import SkinPainter
from models.prior.features import SWAP, mirror_landmarks
from models.prior.prior import SHIPPED, LandmarkPrior


@pytest.fixture(scope="module")
def prior() -> LandmarkPrior:
    return LandmarkPrior()


@pytest.fixture(scope="module")
def film(anny: FaceModel) -> Film:
    return Film(anny)


class Film:
    """One person who is rendered and read by the landmark network, frame by frame."""

    def __init__(self, anny: FaceModel) -> None:
        rng = np.random.default_rng(5)
        self.model, self.reader = anny, LandmarkReader()
        self.albedo = SkinPainter(anny).paint(rng)
        self.triangles = anny.opaque_triangles
        self.neutral = anny.neutral(0.7 * rng.standard_normal(120).astype(np.float32))

    def __call__(self, yaw: float = 5.0, **coefficients: float) -> Float32[ndarray, "1 478 3"]:
        vertices = self.neutral
        for name, value in coefficients.items():
            vertices = vertices + np.float32(value) * self.model.expression_deltas[ARKIT_INDEX[name]]
        shot = random_shot(np.random.default_rng(1), yaw, 3.0, 2.0, 20.0)
        light = ambient_light(np.full(3, 0.5)) + directional_light(
            np.array([0.3, -0.5, -0.8]), np.full(3, 0.5)
        )
        picture = draw(vertices, self.triangles, self.albedo, shot, light, np.full(3, 0.2))
        about = projected_landmarks(self.model, vertices, shot)
        looks, _ = self.reader.look(picture.round().astype(np.uint8), about)
        return looks.mean(axis=0)[None]


def test_the_reference_itself_is_nearly_without_expression(prior: LandmarkPrior, film: Film) -> None:
    still = film()
    coefficients, _ = prior(still, prior.reference(still))
    assert coefficients.mean() < 0.03
    assert coefficients.max() < 0.1


@pytest.mark.parametrize(
    "names",
    [
        ("jawOpen",),
        ("mouthSmileLeft", "mouthSmileRight"),
        ("browOuterUpLeft", "browOuterUpRight", "browInnerUp"),
        ("eyeBlinkLeft", "eyeBlinkRight"),
        ("mouthPucker",),
    ],
)
def test_a_strong_unit_is_seen(prior: LandmarkPrior, film: Film, names: tuple[str, ...]) -> None:
    reference = prior.reference(film())
    still, _ = prior(film(), reference)
    moved, _ = prior(film(**dict.fromkeys(names, 0.8)), reference)
    rise = moved[0] - still[0]
    for name in names:
        assert rise[ARKIT_INDEX[name]] > 0.25, name
    assert ARKIT_NAMES[int(rise.argmax())] in names


def test_a_mirrored_face_gets_mirrored_coefficients(prior: LandmarkPrior, film: Film) -> None:
    seen = film(mouthSmileLeft=0.8, browDownRight=0.5, eyeBlinkLeft=0.6)
    reference = prior.reference(film())
    plain, deviation = prior(seen, reference)
    mirrored, mirrored_deviation = prior(mirror_landmarks(seen), mirror_landmarks(reference))
    np.testing.assert_allclose(mirrored, plain[:, SWAP], atol=2e-3)
    np.testing.assert_allclose(mirrored_deviation, deviation[:, SWAP], atol=2e-3)


def test_place_and_size_in_the_picture_do_not_matter(prior: LandmarkPrior, film: Film) -> None:
    still, seen = film(), film(jawOpen=0.6)
    here, _ = prior(seen, prior.reference(still))
    there, _ = prior(2.5 * seen - 400, prior.reference(2.5 * still - 400))
    np.testing.assert_allclose(there, here, atol=2e-3)


def test_a_batch_gives_what_single_frames_give(prior: LandmarkPrior, film: Film) -> None:
    frames = np.concatenate([film(jawOpen=k / 5) for k in range(6)])
    reference = prior.reference(frames)
    whole, deviation = prior(frames, reference)
    single = np.concatenate([prior(frame[None], reference)[0] for frame in frames])
    np.testing.assert_allclose(single, whole, atol=1e-4)
    assert whole.shape == deviation.shape == (6, 52)
    assert (deviation > 0).all() and np.isfinite(deviation).all()
    assert prior(frames[:0], reference)[0].shape == (0, 52)


def test_landmarks_that_are_no_numbers_are_refused(prior: LandmarkPrior, film: Film) -> None:
    frames = film()
    frames[0, 7] = np.nan
    with pytest.raises(BadInput, match="finite"):
        prior(frames, prior.mean_face)
    with pytest.raises(BadInput, match="one frame"):
        prior.reference(frames[:0])


def test_missing_and_damaged_files_are_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(ModelMissing, match=r"none\.onnx"):
        LandmarkPrior(tmp_path / "none.onnx")
    (tmp_path / "torn.onnx").write_bytes(SHIPPED.read_bytes()[:2000])
    with pytest.raises(ModelUnreadable, match=r"torn\.onnx"):
        LandmarkPrior(tmp_path / "torn.onnx")


def test_a_file_that_is_not_the_checked_one_is_refused(tmp_path: Path) -> None:
    copy = tmp_path / "copy.onnx"
    copy.write_bytes(SHIPPED.read_bytes())
    LandmarkPrior(copy)
    copy.with_suffix(".sha256").write_text("0" * 64)
    with pytest.raises(ModelUnreadable, match=r"copy\.sha256"):
        LandmarkPrior(copy)
