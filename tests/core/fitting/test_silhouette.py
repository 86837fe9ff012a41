from __future__ import annotations

import numpy as np
import torch

from core.face_model.model import FaceModel
from core.fitting.face_surface import face_weight
from core.fitting.silhouette import PhotoOutline, head_outline
from core.scene.camera import portrait_camera, project


def disc(radius: float, side: int = 200) -> np.ndarray:
    rows, columns = np.indices((side, side)) + 0.5
    away = np.hypot(columns - side / 2, rows - side / 2)
    return np.clip(radius - away + 0.5, 0, 1).astype(np.float32)


def test_a_mask_ends_where_it_is_half_and_looks_outwards() -> None:
    outline = PhotoOutline.of_mask(disc(60), left=30.0, top=10.0, scale=0.5)
    away = outline.points - [30 + 200, 10 + 200]
    radius = np.linalg.norm(away, axis=1)
    assert abs(np.median(radius) - 120) < 2
    assert ((away / radius[:, None]) * outline.normals).sum(axis=1).min() > 0.9


def test_borders_of_the_picture_are_no_outline() -> None:
    mask = np.zeros((100, 100), np.float32)
    mask[50:] = 1
    outline = PhotoOutline.of_mask(mask, 0.0, 0.0, 1.0)
    assert len(outline.points) and np.abs(outline.points[:, 1] - 50.5).max() < 1


def test_only_points_that_look_the_same_way_are_near() -> None:
    outline = PhotoOutline.of_mask(disc(60), 0.0, 0.0, 1.0)
    at = np.array([[165.0, 100.0], [165.0, 100.0]])
    nearest, far = outline.nearest(at, np.array([[1.0, 0.0], [-1.0, 0.0]]))
    assert abs(far[0] - 5) < 1 and np.isinf(far[1]) and abs(nearest[0, 0] - 160) < 1


def test_without_a_person_nothing_is_near() -> None:
    outline = PhotoOutline.of_mask(np.zeros((50, 50), np.float32), 0.0, 0.0, 1.0)
    assert np.isinf(outline.nearest(np.ones((3, 2)), np.ones((3, 2)))[1]).all()


def test_the_outline_of_a_head_lies_on_its_face(anny: FaceModel) -> None:
    camera, rotation, translation = portrait_camera(256, 0.24, 1.4, target=(0.0, -0.03, 0.03))
    turned = anny.template @ rotation.numpy().T + translation.numpy()
    face = face_weight(anny).astype(np.float64)
    outline = head_outline(turned.astype(np.float32), anny.triangles, camera, face)
    assert len(outline.pixels) > 100 and outline.weights.min() > 0
    places = torch.from_numpy(outline.on(anny.template).astype(np.float32))
    shown = project(places, camera, rotation.float(), translation.float()).numpy()
    assert np.abs(shown - outline.pixels).max() < 1
    nose = anny.landmarks(anny.template)[1]
    assert np.linalg.norm(places.numpy() - nose, axis=1).min() < 0.006  # it goes over the tip of the nose
