"""Heads without shape keys get the rig's."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from core.arkit import ARKIT_INDEX
from core.deformation.eyelids import find_eyelids, fit_eyeball
from core.errors import Cancelled, LandmarksMissing, MeshUnusable
from core.face_model.model import FaceModel
from core.progress import Progress
from core.retarget.keyless.landmarks import NAMED, NEEDED
from core.retarget.keyless.make import EXPECTED_SECONDS, ShapeKeys, make_shape_keys
from core.retarget.keyless.mesh import TargetMesh
from core.rig import Rig
from tests.core.retarget.keyless.conftest import SCALE, SHIFT, Z_UP, character
from tests.core.retarget.keyless.meshes import ball
from tests.lids import lid_gap


@pytest.fixture(scope="module")
def own(anny: FaceModel, rig: Rig) -> tuple[ShapeKeys, np.ndarray, TargetMesh]:
    """The rig's own head, Z up, 37 times as large, its seams doubled: the truth is the rig's own shapes."""
    mesh, of_vertex = character(anny, anny.template)
    return make_shape_keys(rig, mesh), of_vertex, mesh


def test_a_turned_scaled_copy_gets_its_own_shapes_back(
    anny: FaceModel, own: tuple[ShapeKeys, np.ndarray, TargetMesh]
) -> None:
    made, of_vertex, _ = own
    back = made.offsets @ Z_UP / SCALE
    truth = anny.expression_deltas[:, of_vertex]
    size = np.linalg.norm(truth, axis=(1, 2))
    error = np.linalg.norm(back - truth, axis=(1, 2)) / size
    assert np.median(error) < 0.1
    assert error.max() < 0.45, sorted(zip(error, ARKIT_INDEX, strict=True))[-3:]
    assert made.warnings == ()


def test_what_the_rig_keeps_still_stays(
    anny: FaceModel, own: tuple[ShapeKeys, np.ndarray, TargetMesh]
) -> None:
    made, of_vertex, _ = own
    crown = anny.template[of_vertex, 1] > 0.09
    assert crown.any() and not made.offsets[:, crown].any()
    blink = made.offsets[ARKIT_INDEX["eyeBlinkLeft"]]
    assert not blink[anny.region_mask("skin")[of_vertex] & (anny.template[of_vertex, 0] < -0.01)].any()


def test_seams_stay_shut_and_eyes_turn_about_their_centres(
    anny: FaceModel, own: tuple[ShapeKeys, np.ndarray, TargetMesh]
) -> None:
    made, of_vertex, mesh = own
    twins = np.arange(anny.vertex_count, len(of_vertex))
    np.testing.assert_array_equal(made.offsets[:, twins], made.offsets[:, of_vertex[twins]])
    ball = np.flatnonzero(anny.region_mask("eye_left")[of_vertex])
    rest = (mesh.vertices[ball] - SHIFT) @ Z_UP / SCALE
    centre = fit_eyeball(rest).centre
    moved = rest + made.offsets[ARKIT_INDEX["eyeLookOutLeft"], ball] @ Z_UP / SCALE
    turn = np.degrees(np.arctan2(*((moved[rest[:, 2].argmax()] - centre)[[0, 2]])))
    assert 30 < turn < 48
    radius = np.linalg.norm(rest - centre, axis=1)
    np.testing.assert_allclose(np.linalg.norm(moved - centre, axis=1), radius, atol=1e-5)


def test_a_real_detector_finds_the_landmarks(
    anny: FaceModel, own: tuple[ShapeKeys, np.ndarray, TargetMesh]
) -> None:
    found = (own[0].landmarks.positions - SHIFT) @ Z_UP / SCALE
    assert own[0].landmarks.known.all() and set(own[0].landmarks.named) == set(NAMED)
    error = np.linalg.norm(found - anny.landmarks(anny.template), axis=1)
    assert np.median(error) < 2e-3


def test_another_person_in_triangles_with_bad_edges_without_eyes_and_with_points_by_hand(
    anny: FaceModel, rig: Rig
) -> None:
    rng = np.random.default_rng(3)
    head = anny.neutral((0.5 * rng.standard_normal(len(anny.identity_basis))).astype(np.float32))
    skin = anny.region_mask("skin", "eye_socket", "mouth_interior")[anny.triangles].all(axis=1)
    triangles = anny.triangles[skin].astype(np.int64)
    fin = np.r_[triangles[100, :2], anny.vertex_count]  # a third triangle on one edge
    triangles = np.r_[triangles, [fin], [triangles[200]], [[5, 5, 6]]]  # one twice, one without area
    vertices = np.r_[head.astype(np.float64), [head[triangles[100, 0]] + 0.002]]
    starts = np.arange(0, triangles.size, 3)
    mesh = TargetMesh(vertices, triangles.ravel(), starts, np.zeros(len(vertices), np.int64))
    places = anny.landmarks(head).astype(np.float64)
    points = {name: places[index] for name, index in NAMED.items()}
    made = make_shape_keys(rig, mesh, points)
    assert np.isfinite(made.offsets).all()
    moved = made.offsets[:, : anny.vertex_count]
    jaw, truth = moved[ARKIT_INDEX["jawOpen"]], anny.expression_deltas[ARKIT_INDEX["jawOpen"]]
    chin = np.linalg.norm(head - places[152], axis=1) < 0.01
    np.testing.assert_allclose(jaw[chin].mean(axis=0), truth[chin].mean(axis=0), atol=6e-3)
    for lids, side in zip(find_eyelids(anny), ("Left", "Right"), strict=True):
        ball = fit_eyeball(head[lids.eyeball])
        rest = lid_gap(lids, ball, head)
        shut = lid_gap(lids, ball, head + moved[ARKIT_INDEX[f"eyeBlink{side}"]])
        assert np.median(np.abs(shut)) < 0.25 * np.median(rest)
    assert any("No eyeballs" in line for line in made.warnings)
    np.testing.assert_allclose(made.landmarks.positions[NAMED["nose_tip"]], points["nose_tip"])


def test_a_mesh_without_a_face_asks_for_landmarks(rig: Rig) -> None:
    mesh = ball()
    with pytest.raises(LandmarksMissing, match="by hand"):
        make_shape_keys(rig, mesh, {name: np.zeros(3) for name in NEEDED[:4]})


def test_cancelling_stops_it(anny: FaceModel, rig: Rig) -> None:
    calls = []

    def cancelled() -> bool:
        calls.append(1)
        return len(calls) > 3

    with pytest.raises(Cancelled):
        make_shape_keys(
            rig, character(anny, anny.template)[0], None, Progress(EXPECTED_SECONDS, cancelled=cancelled)
        )


def _broken(fault: str) -> TargetMesh:
    mesh = ball()
    vertices = mesh.vertices.copy()
    if fault == "empty":
        return replace(mesh, polygon_starts=mesh.polygon_starts[:0])
    if fault == "far":
        return replace(mesh, polygon_vertices=mesh.polygon_vertices + len(vertices))
    if fault == "nan":
        vertices[7, 1] = np.nan
    else:
        vertices[:, 2] = 0.0
    return replace(mesh, vertices=vertices)


@pytest.mark.parametrize(
    ("fault", "says"), [("empty", "empty"), ("nan", "no numbers"), ("flat", "flat"), ("far", "not there")]
)
def test_meshes_that_cannot_be_used_are_refused(rig: Rig, fault: str, says: str) -> None:
    with pytest.raises(MeshUnusable, match=says):
        make_shape_keys(rig, _broken(fault))
