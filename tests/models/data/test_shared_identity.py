"""Heads of another model become anny's nearest heads, where the camera saw them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from core.errors import OutputFailed
from core.face_model.model import FaceModel
from core.face_model.registry import add_model, load_model, model_info
from core.fitting.face_surface import face_weight
from core.geometry.alignment import align_similarity
from core.geometry.closest import closest_points
from models.data import shared_identity
from models.data.shared_identity import SharedIdentity, learn_shared_identity, load_shared_identity
from tests.real_data import real_data

OWN = 20
TURN = Rotation.from_euler("xyz", (6, 1, -2), degrees=True).as_matrix()
SIZE, SHIFT = 1.1, np.array([0.002, -0.01, 0.004])


@pytest.fixture(scope="module")
def moved(anny: FaceModel) -> FaceModel:
    """Anny's first modes in another order, all of it larger, turned and shifted."""
    return replace(
        anny,
        template=(SIZE * anny.template @ TURN.T + SHIFT).astype(np.float32),
        identity_basis=(SIZE * anny.identity_basis[:OWN][::-1] @ TURN.T).astype(np.float32),
    )


@pytest.fixture(scope="module")
def to_itself(anny: FaceModel, moved: FaceModel) -> SharedIdentity:
    return learn_shared_identity(anny, moved)


@pytest.fixture(scope="session")
def ict() -> FaceModel:
    if model_info("ict").state != "ready":
        add_model("ict", real_data("face_models/ict-facekit.tar.xz"))
    return load_model("ict")


@pytest.fixture(scope="session")
def of_ict(ict: FaceModel) -> SharedIdentity:
    return load_shared_identity()


def test_a_model_that_is_anny_in_disguise_is_seen_through(
    anny: FaceModel, moved: FaceModel, to_itself: SharedIdentity
) -> None:
    own = np.random.default_rng(1).standard_normal((5, OWN)).astype(np.float32)
    np.testing.assert_allclose(to_itself.rotation, TURN, atol=1e-4)
    face = face_weight(anny) > 0.5
    for code in own:
        mapped = anny.neutral(to_itself.identity(code))
        shown = to_itself.points(moved.neutral(code), code)
        assert 1e3 * np.median(np.linalg.norm(mapped - shown, axis=1)[face]) < 0.25
        assert to_itself.scale(code) == pytest.approx(1 / SIZE, rel=0.03)
        # the code itself, in anny's order, as far as the face alone shows it
        assert np.corrcoef(to_itself.identity(code)[:OWN], code[::-1])[0, 1] > 0.7


def test_the_posed_head_is_seen_in_the_same_pixels(to_itself: SharedIdentity, moved: FaceModel) -> None:
    rng = np.random.default_rng(2)
    own = rng.standard_normal((3, OWN)).astype(np.float32)
    rotation = Rotation.random(3, random_state=3).as_matrix().astype(np.float32)
    translation = np.array([[0.1, 0.02, 0.7], [0, 0, 0.4], [-0.1, 0.1, 1.5]], np.float32)
    turned, shift = to_itself.pose(rotation, translation, own)
    for index, code in enumerate(own):
        points = moved.landmarks(moved.neutral(code))
        before = points @ rotation[index].T + translation[index]
        after = to_itself.points(points, code) @ turned[index].T + shift[index]
        np.testing.assert_allclose(after, before * to_itself.scale(code), atol=1e-5)
    np.testing.assert_allclose(np.linalg.det(turned), 1, atol=1e-5)


def test_one_code_or_many(to_itself: SharedIdentity) -> None:
    own = np.random.default_rng(4).standard_normal((2, 3, OWN)).astype(np.float32)
    points = np.random.default_rng(5).standard_normal((2, 3, 7, 3)).astype(np.float32)
    assert to_itself.identity(own).shape == (2, 3, 120) and to_itself.scale(own).shape == (2, 3)
    np.testing.assert_allclose(to_itself.identity(own)[1, 2], to_itself.identity(own[1, 2]), atol=1e-5)
    np.testing.assert_allclose(
        to_itself.points(points, own)[1, 2], to_itself.points(points[1, 2], own[1, 2]), atol=1e-5
    )


def test_coefficients_that_the_other_face_shows_are_the_surer_ones(to_itself: SharedIdentity) -> None:
    assert (to_itself.spread > 0).all() and (to_itself.spread <= 1).all()
    assert to_itself.spread[:OWN].mean() < 0.75 * to_itself.spread[-OWN:].mean()


def _distance(truth: np.ndarray, face: np.ndarray, head: np.ndarray, triangles: np.ndarray) -> float:
    """Median in millimetres from a face's vertices to a head's surface."""
    return 1e3 * float(np.median(closest_points(truth[face], head, triangles).distance))


def test_ict_heads_are_half_as_far_from_their_anny_heads_as_from_the_mean(
    anny: FaceModel, ict: FaceModel, of_ict: SharedIdentity
) -> None:
    """In place, without any alignment but for the mean head, which gets the best one of its landmarks."""
    own = np.random.default_rng(6).standard_normal((6, 100)).astype(np.float32)
    face = face_weight(ict) > 0.9
    skin = anny.triangles[anny.region_mask("skin")[anny.triangles].all(axis=1)]
    mapped, mean = [], []
    for code in own:
        truth = of_ict.points(ict.neutral(code), code)
        mapped.append(_distance(truth, face, anny.neutral(of_ict.identity(code)), skin))
        scale, turn, shift = align_similarity(
            anny.landmarks(anny.template), ict.landmarks(truth), np.ones(478)
        )
        mean.append(_distance(truth, face, scale * anny.template @ turn.T + shift, skin))
    assert np.mean(mapped) < 0.75
    assert np.mean(mapped) < 0.6 * np.mean(mean)


def test_mapped_coefficients_are_those_of_usual_heads(of_ict: SharedIdentity) -> None:
    mapped = of_ict.identity(np.random.default_rng(7).standard_normal((400, 100)))
    assert 0.6 < np.sqrt(np.square(mapped).mean()) < 1.2
    assert np.abs(mapped).max() < 7


def test_what_is_kept_is_used_and_damage_is_repaired(
    anny: FaceModel, to_itself: SharedIdentity, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = []

    def learn(*models: FaceModel) -> SharedIdentity:
        made.append(models)
        return to_itself

    monkeypatch.setattr(shared_identity, "learn_shared_identity", learn)
    monkeypatch.setattr(shared_identity, "load_model", lambda name: anny)
    monkeypatch.setenv("SEMBLANCE_CACHE", str(tmp_path))
    load_shared_identity("ict")
    again = load_shared_identity("ict")
    assert len(made) == 1
    for name, array in vars(to_itself).items():
        np.testing.assert_array_equal(getattr(again, name), array)
    file = tmp_path / "models" / "shared-identity-ict.npz"
    file.write_bytes(file.read_bytes()[:-400])
    load_shared_identity("ict")
    assert len(made) == 2


def test_a_cache_that_cannot_be_written_is_told(
    anny: FaceModel, to_itself: SharedIdentity, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "models").write_text("a file where the folder should be")
    monkeypatch.setattr(shared_identity, "learn_shared_identity", lambda *models: to_itself)
    monkeypatch.setattr(shared_identity, "load_model", lambda name: anny)
    monkeypatch.setenv("SEMBLANCE_CACHE", str(tmp_path))
    with pytest.raises(OutputFailed, match="shared-identity"):
        load_shared_identity("ict")
