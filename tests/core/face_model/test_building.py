from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from core.face_model import building
from core.geometry.alignment import fit_rigid
from tests.core.face_model.small_heads import head_mesh

coordinate = st.floats(-0.1, 0.1)
point = st.tuples(coordinate, coordinate, coordinate).map(np.array)


@given(st.floats(0.05, 0.6), st.floats(-0.05, 0.05), st.floats(-0.05, 0.05))
def test_hinge_is_where_a_jaw_turns(angle: float, y: float, z: float) -> None:
    points = np.random.default_rng(0).normal(0, 0.03, (50, 3))
    hinge = np.array([0.0, y, z])
    turned = Rotation.from_euler("x", angle).apply(points - hinge) + hinge
    rotation, translation = fit_rigid(points, turned)
    np.testing.assert_allclose(building.hinge_point(rotation, translation), hinge, atol=1e-7)


@given(point, st.floats(0.5, 2.0), point)
def test_joint_follows_scaling_and_moving(target: np.ndarray, scale: float, move: np.ndarray) -> None:
    vertices, _, _ = head_mesh()
    weights = building.affine_weights(vertices, target)
    assert weights.sum() == pytest.approx(1.0)
    np.testing.assert_allclose(weights @ (scale * vertices + move), scale * target + move, atol=1e-9)


def test_mirror_twins_are_each_other_and_lie_mirrored() -> None:
    vertices, _, region = head_mesh()
    twice = np.concatenate([vertices, vertices])  # coincident vertices, as lids and lashes have
    part = np.r_[region, region]
    twin = building.mirror_map(twice, part, building.MIRRORED_REGIONS[:3])
    np.testing.assert_array_equal(twin[twin], np.arange(len(twice)))
    np.testing.assert_allclose(twice[twin], twice * [-1, 1, 1], atol=1e-9)
    np.testing.assert_array_equal(part[twin], building.MIRRORED_REGIONS[part])


def test_vertex_without_twin_is_its_own() -> None:
    vertices = np.array([[0.01, 0, 0], [-0.01, 0, 0], [0.05, 0, 0]])
    twin = building.mirror_map(vertices, np.zeros(3, np.int64), np.array([0]))
    assert twin.tolist() == [1, 0, 2]


@pytest.mark.parametrize(
    ("action", "side", "towards"),
    [
        ("In", "Left", (-1, 0)), ("Out", "Left", (1, 0)), ("In", "Right", (1, 0)), ("Out", "Right", (-1, 0)),
        ("Up", "Left", (0, 1)), ("Down", "Right", (0, -1)),
    ],
)  # fmt: skip
def test_gaze_turns_the_pupil_the_named_way(action: str, side: str, towards: tuple[int, int]) -> None:
    pupil = building.gaze_rotation(action, side).apply([0.0, 0.0, 1.0])
    np.testing.assert_array_equal(np.sign(np.round(pupil[:2], 6)), towards)


def test_hinge_weights_are_the_share_of_the_motion() -> None:
    vertices, _, _ = head_mesh()
    rotation = Rotation.from_euler("x", 0.4).as_matrix()
    share = np.linspace(0, 1, len(vertices))
    delta = share[:, None] * (vertices @ rotation.T - vertices)
    found = building.hinge_weights(vertices, delta, rotation, np.zeros(3))
    assert np.abs(found[delta.any(axis=1)] - share[delta.any(axis=1)]).max() < 0.15
    assert (np.diff(found[np.linalg.norm(delta, axis=1) > 1e-3]) > -1e-6).all()


def test_cylinder_layout_keeps_triangles_whole() -> None:
    vertices, quads, _ = head_mesh()
    triangles = np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]])
    uv = building.cylinder_uv(vertices, triangles)
    assert uv.min() >= 0 and uv.max() <= 1
    skin = triangles[:, 0] < 18 * 24
    assert np.ptp(uv.reshape(-1, 3, 2)[skin], axis=1).max() < 0.12


def test_inside_polygon_and_distance() -> None:
    square = np.array([[0.0, 0], [1, 0], [1, 1], [0, 1]])
    inside = building.inside_polygon(np.array([[0.5, 0.5], [1.5, 0.5], [-0.1, 0.2]]), square)
    assert inside.tolist() == [True, False, False]
    line = np.array([[0.0, 0, 0], [1, 0, 0], [1, 1, 0]])
    distance = building.distance_to_line(np.array([[0.5, 0.2, 0], [2, 1, 0], [-3, 4, 0]]), line)
    np.testing.assert_allclose(distance, [0.2, 1.0, 5.0])
