from __future__ import annotations

import numpy as np
import pytest

from core.arkit import ARKIT_INDEX
from core.face_model.anny_uv import chart_numbers
from core.face_model.model import JOINTS, REGIONS, FaceModel
from core.face_model.registry import load_model
from core.landmark_topology import EYE_LEFT, IRIS_LEFT, IRIS_RIGHT, LIPS_INNER
from tests.core.geometry.tubes import tube


@pytest.fixture(scope="module")
def anny() -> FaceModel:
    return load_model("anny")


def test_the_head_is_cropped_at_one_clean_loop(anny: FaceModel) -> None:
    quads = anny.polygon_vertices.reshape(-1, 4)
    assert 4_500 < anny.vertex_count < 5_500
    skin = anny.region_mask("skin", "mouth_interior", "eye_socket")
    own = quads[skin[quads].all(axis=1)]
    edges = np.sort(np.concatenate([own[:, [k, (k + 1) % 4]] for k in range(4)]), axis=1)
    unique, count = np.unique(edges, axis=0, return_counts=True)
    rim = unique[count == 1]
    low = rim[anny.template[rim[:, 0], 1] < -0.08]
    assert len(low) == 42  # the neck's loop: every vertex of the rim has two neighbours on it
    assert (np.bincount(low.ravel())[np.unique(low)] == 2).all()


def test_every_region_is_there_and_eyes_are_on_their_sides(anny: FaceModel) -> None:
    assert set(np.unique(anny.region)) == set(range(len(REGIONS)))
    left = anny.template[anny.region_mask("eye_left")].mean(axis=0)
    right = anny.template[anny.region_mask("eye_right")].mean(axis=0)
    assert left[0] > 0.02 and right[0] < -0.02
    assert np.allclose(left + right, 0, atol=1e-3)  # the origin lies midway


def test_the_basis_keeps_nearly_all_variance_and_falls_off(anny: FaceModel) -> None:
    assert anny.identity_variance > 0.99
    size = np.linalg.norm(anny.identity_basis, axis=(1, 2))
    assert size[0] > 4 * size[-1]


def test_sided_actions_move_their_side(anny: FaceModel) -> None:
    for name, side in (("eyeBlinkLeft", 1), ("mouthSmileRight", -1), ("browDownLeft", 1)):
        moved = np.linalg.norm(anny.expression_deltas[ARKIT_INDEX[name]], axis=1)
        assert (moved * anny.template[:, 0]).sum() * side > 0


def test_an_open_jaw_takes_lower_teeth_and_tongue_along(anny: FaceModel) -> None:
    jaw = np.linalg.norm(anny.expression_deltas[ARKIT_INDEX["jawOpen"]], axis=1)
    assert jaw[anny.region_mask("teeth_lower")].mean() > 0.02
    assert jaw[anny.region_mask("tongue")].mean() > 0.015
    assert jaw[anny.region_mask("teeth_upper")].max() < 0.002


def test_joints_and_weights(anny: FaceModel) -> None:
    joints = dict(zip(JOINTS, anny.joints(anny.template), strict=True))
    assert joints["neck"][1] < joints["head"][1] < 0
    assert joints["eye_left"][0] > 0 > joints["eye_right"][0]
    assert np.allclose(anny.skin_weights.sum(axis=1), 1, atol=1e-5)
    moved = anny.joints(anny.template + np.float32(0.1))
    assert np.allclose(moved - anny.joints(anny.template), 0.1, atol=1e-4)  # joints follow the head


def test_texture_charts_fill_the_square_without_flips(anny: FaceModel) -> None:
    uv = anny.uv.reshape(-1, 4, 2)
    assert uv.min() >= 0 and uv.max() <= 1
    across, down = uv[:, 2] - uv[:, 0], uv[:, 3] - uv[:, 1]
    area = 0.5 * (across[:, 0] * down[:, 1] - across[:, 1] * down[:, 0])
    assert (area < 0).mean() < 0.001
    assert np.abs(area).sum() > 0.5


def test_landmarks_lie_where_their_names_say(anny: FaceModel) -> None:
    points = anny.landmarks(anny.template)
    eye = anny.template[anny.region_mask("eye_left")].mean(axis=0)
    assert np.linalg.norm(points[list(EYE_LEFT)].mean(axis=0)[:2] - eye[:2]) < 0.006
    assert points[1, 2] == points[:468, 2].max()  # the nose tip is the front
    assert np.ptp(points[list(LIPS_INNER), 1]) < 0.02
    for iris, region in ((IRIS_LEFT, "eye_left"), (IRIS_RIGHT, "eye_right")):
        corners = anny.triangles[anny.landmark_triangles[list(iris)]]
        assert anny.region_mask(region)[corners].all()


def test_a_tube_of_quads_is_one_chart() -> None:
    assert len(np.unique(chart_numbers(tube(8, 5)))) == 1
