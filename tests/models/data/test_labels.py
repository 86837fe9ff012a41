"""Labels agree with the pixels."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.capture.crop import SquareCrop
from core.face_model.model import FaceModel
from core.landmark_topology import IRIS_LEFT, IRIS_RIGHT
from core.scene.lighting import random_lighting, shade, turned_light
from core.scene.shading import LINEAR_OF_BYTE
from models.crops import SIDE, project_points
from models.data.albedo import AlbedoBasis
from models.data.augment import cropped, exposed
from models.data.expressions import ExpressionSampler
from models.data.performance import Performer
from models.data.scene import Difficulty, PeopleRenderer, Rendered
from models.data.textures import TexturePainter
from models.mirror import Mirror, learn_mirror

FRAMES = 3


@pytest.fixture(scope="module")
def free(anny: FaceModel, basis: AlbedoBasis, painter: TexturePainter) -> list[Rendered]:
    """Two people, nothing before their faces, little turned, by a clean camera."""
    easy = Difficulty(dressed=False, turned=0.3, camera=False)
    performer = Performer(ExpressionSampler())
    renderer = PeopleRenderer(anny, basis, performer, 21, painter=painter, seen=True, difficulty=easy)
    return [renderer.person(number, FRAMES) for number in range(2)]


@pytest.fixture(scope="module")
def mirror(anny: FaceModel, basis: AlbedoBasis) -> Mirror:
    return learn_mirror(anny, basis.mirrored)


def _frames(people: list[Rendered]) -> list[tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]]:
    return [
        (image, skin, {name: array[row] for name, array in person.labels.items()})
        for person in people
        for row, (image, skin) in enumerate(zip(person.images, person.skins, strict=True))
    ]


def _reprojected(model: FaceModel, labels: dict[str, np.ndarray]) -> np.ndarray:
    """Landmarks from the other labels alone."""
    posed = model.neutral(labels["identity"].astype(np.float32))
    posed = posed + np.tensordot(labels["expression"], model.expression_deltas, axes=1)
    points = model.landmarks(posed.astype(np.float32))
    return project_points(points, labels["camera"], labels["rotation"], labels["translation"])


def test_mediapipe_sees_the_true_landmarks(free: list[Rendered]) -> None:
    """Within a few per cent of the eye distance, no matter which way."""
    medians, offsets = [], []
    for _, _, labels in _frames(free):
        assert labels["presence"] > 0.9
        off = labels["seen"][:, :2] - labels["landmarks"][:, :2]
        eyes = np.linalg.norm(np.subtract(*labels["landmarks"][[IRIS_LEFT[0], IRIS_RIGHT[0]], :2]))
        medians.append(np.median(np.linalg.norm(off, axis=1)) / eyes)
        offsets.append(off.mean(axis=0) / eyes)
    assert np.median(medians) < 0.045 and max(medians) < 0.08
    np.testing.assert_allclose(np.mean(offsets, axis=0), 0, atol=0.015)


def test_the_face_is_upright_in_the_middle(free: list[Rendered]) -> None:
    for _, _, labels in _frames(free):
        marks = labels["landmarks"][:, :2]
        extent = np.ptp(marks, axis=0).max()
        assert 0.5 * SIDE < extent < 0.85 * SIDE
        np.testing.assert_allclose((marks.min(0) + marks.max(0)) / 2, SIDE / 2, atol=0.09 * SIDE)


def test_the_mask_covers_the_skin_of_the_face_but_not_its_eyes(free: list[Rendered]) -> None:
    for _, skin, labels in _frames(free):
        marks = np.rint(labels["landmarks"][:, :2] - 0.5).astype(int).clip(0, SIDE - 1)
        for cheek in (50, 280, 151, 152, 4):
            assert skin[marks[cheek, 1], marks[cheek, 0]] == 255
        if labels["expression"][8:10].max() < 0.3:
            for iris in (IRIS_LEFT[0], IRIS_RIGHT[0]):
                assert skin[marks[iris, 1], marks[iris, 0]] == 0
        assert skin[0, 0] == 0


def test_light_and_albedo_explain_the_picture(
    free: list[Rendered], basis: AlbedoBasis, anny: FaceModel
) -> None:
    """Albedo × light of the labels, against the pixels under the cheeks' and forehead's landmarks."""
    expected, found = [], []
    for image, skin, labels in _frames(free):
        neutral = anny.neutral(labels["identity"])
        corners = anny.triangles[anny.landmark_triangles]
        a, b, c = (neutral[corners[:, k]] for k in range(3))
        normals = np.cross(b - a, c - a)
        normals = normals / np.linalg.norm(normals, axis=1, keepdims=True) @ labels["rotation"].T
        colour = np.einsum("lk,lkc->lc", anny.landmark_barycentrics, basis.decode(labels["albedo"])[corners])
        lit = colour * shade(_tensor(normals), _tensor(labels["sh"])).numpy()
        marks = np.rint(labels["landmarks"][:, :2] - 0.5).astype(int).clip(0, SIDE - 1)
        smooth = cv2.GaussianBlur(image, (0, 0), 1.5)
        for mark in (50, 280, 151, 9, 101, 330, 108, 337):
            if normals[mark, 2] < -0.6 and skin[marks[mark, 1], marks[mark, 0]]:
                expected.append(lit[mark].mean())
                found.append(LINEAR_OF_BYTE[smooth[marks[mark, 1], marks[mark, 0]]].mean())
    assert len(found) > 20
    ratio = np.array(found) / np.array(expected)
    assert 0.7 < np.median(ratio) < 1.3
    assert np.corrcoef(np.log(found), np.log(np.maximum(expected, 1e-3)))[0, 1] > 0.7


def _tensor(values: np.ndarray):  # type: ignore[no-untyped-def]
    import torch

    return torch.from_numpy(np.asarray(values, np.float32))


@settings(max_examples=15, deadline=None)
@given(st.floats(-0.1, 0.1), st.floats(-0.1, 0.1), st.floats(0.8, 1.25), st.floats(-0.4, 0.4))
def test_labels_reproject_to_the_landmarks_after_any_crop(
    free: list[Rendered], anny: FaceModel, x: float, y: float, zoom: float, turn: float
) -> None:
    image, skin, labels = _frames(free)[0]
    crop = SquareCrop((SIDE / 2, SIDE / 2), float(SIDE)).moved((x, y), zoom, turn)
    _, _, changed = cropped(image, skin, labels, crop)
    np.testing.assert_allclose(_reprojected(anny, changed), changed["landmarks"], atol=0.02)
    if max(abs(x), abs(y), abs(turn)) > 0.01:
        assert np.abs(changed["landmarks"] - labels["landmarks"]).max() > 0.1


def test_pixels_move_with_the_landmarks(free: list[Rendered]) -> None:
    """A white dot on a landmark is found where the crop's label says."""
    image, skin, labels = _frames(free)[0]
    crop = SquareCrop((SIDE / 2, SIDE / 2), float(SIDE)).moved((0.05, -0.03), 1.1, 0.3)
    for mark in (4, 50, 280, 152):
        dotted = np.zeros_like(image)
        cv2.circle(dotted, *_shifted(labels["landmarks"][mark, :2]), (255, 255, 255), -1, shift=4)
        moved, _, changed = cropped(dotted, skin, labels, crop)
        rows, columns = np.nonzero(moved[..., 0] > 128)
        np.testing.assert_allclose(
            (columns.mean() + 0.5, rows.mean() + 0.5), changed["landmarks"][mark, :2], atol=0.5
        )


def _shifted(point: np.ndarray) -> tuple[tuple[int, int], int]:
    x, y = np.rint((point - 0.5) * 16).astype(int)
    return (int(x), int(y)), 4 * 16


def test_mirrored_labels_are_of_the_mirrored_picture(
    free: list[Rendered], anny: FaceModel, mirror: Mirror
) -> None:
    assert mirror.identity_known and mirror.residual < 0.02
    for _, _, labels in _frames(free):
        turned = mirror.labels(labels)
        assert np.linalg.det(turned["rotation"]) == pytest.approx(1, abs=1e-4)
        apart = np.abs(_reprojected(anny, turned)[:, :2] - turned["landmarks"][:, :2])
        assert np.median(apart) < 0.5 and apart.max() < 3  # no face model is quite symmetric


def test_mirroring_twice_gives_the_same(free: list[Rendered], anny: FaceModel, mirror: Mirror) -> None:
    for _, _, labels in _frames(free)[:2]:
        again = mirror.labels(mirror.labels(labels))
        for name in labels.keys() - {"identity"}:
            np.testing.assert_allclose(again[name], labels[name], atol=2e-3, err_msg=name)
        # least squares, twice: coefficients of little effect may differ, the shape hardly
        shapes = [anny.neutral(which["identity"].astype(np.float32)) for which in (labels, again)]
        assert np.abs(shapes[0] - shapes[1]).max() < 1e-3


@given(st.integers(0, 10_000), st.floats(-3, 3))
def test_light_turns_with_the_camera(seed: int, angle: float) -> None:
    rng = np.random.default_rng(seed)
    sh, normal = random_lighting(rng), rng.standard_normal((5, 3))
    normal /= np.linalg.norm(normal, axis=1, keepdims=True)
    about = np.eye(3)
    about[:2, :2] = SquareCrop((0.0, 0.0), 1.0, angle).axes.T
    before = shade(_tensor(normal), _tensor(sh)).numpy()
    after = shade(_tensor(normal @ about.T), _tensor(turned_light(sh, angle))).numpy()
    np.testing.assert_allclose(after, before, atol=1e-4)


def test_exposure_scales_picture_and_light_alike(free: list[Rendered]) -> None:
    image, _, labels = _frames(free)[0]
    gain = np.array([0.6, 0.7, 0.8])
    darker, changed = exposed(image, labels, gain)
    np.testing.assert_allclose(changed["sh"], labels["sh"] * gain, rtol=1e-5)
    seen = image[100:120, 100:120].astype(float).mean((0, 1)) / 255
    now = darker[100:120, 100:120].astype(float).mean((0, 1)) / 255
    np.testing.assert_allclose((now / seen) ** 2.3, gain, rtol=0.1)


def test_the_albedo_basis_keeps_most_of_its_skins(basis: AlbedoBasis, painter: TexturePainter) -> None:
    from models.data.skin_recipe import SkinRecipe

    rng = np.random.default_rng(5)
    skins = [painter.vertex_albedo(SkinRecipe.draw(rng)) for _ in range(12)]
    off = [np.square(basis.decode(basis.encode(skin)) - skin).mean() for skin in skins]
    assert np.mean(off) < 0.1 * np.square(skins - basis.mean).mean()
    assert (np.diff(basis.kept) >= 0).all() and 0.9 < basis.kept[-1] <= 1.0001
    twin = skins[0][painter.model.mirror]
    np.testing.assert_allclose(basis.encode(twin), basis.encode(skins[0]) * basis.mirrored, atol=0.05)
