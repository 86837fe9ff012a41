"""Distances that are known before they are measured."""

from __future__ import annotations

import numpy as np
import pytest

from core.face_model.model import FaceModel
from models.evaluation.marks import INNER, MARKS, SEVEN, marks_of, metres_per_unit
from models.evaluation.mesh_error import (
    Pool,
    Scan,
    aligned,
    now_crop,
    root_mean_square,
    shape_error,
    surface_distance,
)
from models.evaluation.prediction import skin_triangles
from models.evaluation.scan_runs import plane_error
from tests.models.evaluation.truths import bumpy, moved, person


@pytest.fixture(scope="module")
def head(anny: FaceModel) -> np.ndarray:
    return person(anny, 3)


def _scan(model: FaceModel, head: np.ndarray, vertices: np.ndarray) -> Scan:
    marks = marks_of(model.landmarks(head.astype(np.float32))).astype(np.float64)[list(SEVEN)]
    skin = vertices[np.unique(skin_triangles(model))]
    return Scan(skin, marks, np.array(SEVEN)).near(*now_crop(marks))


def test_a_head_elsewhere_and_of_another_size_has_no_error(anny: FaceModel, head: np.ndarray) -> None:
    scan = _scan(anny, head, head)
    marks = marks_of(anny.landmarks(head.astype(np.float32))).astype(np.float64)
    found = shape_error(
        scan.points, scan.marks, moved(head, 2.0), skin_triangles(anny), moved(marks, 2.0)[list(SEVEN)]
    )
    assert len(found) > 1000 and found.max() < 2e-5


def test_a_millimetre_along_the_normals_is_a_millimetre(anny: FaceModel, head: np.ndarray) -> None:
    scan = _scan(anny, head, bumpy(head, anny.triangles))
    marks = marks_of(anny.landmarks(head.astype(np.float32))).astype(np.float64)
    found = shape_error(
        scan.points, scan.marks, moved(head, 0.7), skin_triangles(anny), moved(marks, 0.7)[list(SEVEN)]
    )
    assert np.median(found) == pytest.approx(1e-3, rel=0.05)
    rmse = plane_error(scan, moved(head, 0.7), skin_triangles(anny), moved(marks, 0.7))
    assert rmse == pytest.approx(1e-3, rel=0.12)


def test_another_person_is_farther_than_the_bumps(anny: FaceModel, head: np.ndarray) -> None:
    scan, other = _scan(anny, head, head), person(anny, 4)
    marks = marks_of(anny.landmarks(other.astype(np.float32))).astype(np.float64)[list(SEVEN)]
    found = shape_error(scan.points, scan.marks, other, skin_triangles(anny), marks)
    assert 0.3e-3 < np.median(found) < 5e-3


def test_only_a_free_scale_forgets_wrong_landmarks(anny: FaceModel, head: np.ndarray) -> None:
    """Landmarks 4 % too far apart: closest points put the size right where they may, else it stays."""
    scan = _scan(anny, head, head)
    own = marks_of(anny.landmarks(head.astype(np.float32))).astype(np.float64)[list(SEVEN)]
    wide = scan.marks.mean(axis=0) + 1.04 * (scan.marks - scan.marks.mean(axis=0))
    errors = [
        root_mean_square(
            surface_distance(
                scan.points,
                aligned(scan.points, wide, head, skin_triangles(anny), own, refine_scale=free),
                skin_triangles(anny),
            )
        )
        for free in (True, False)
    ]
    assert errors[0] < 0.3e-3 < 0.6e-3 < errors[1]


def test_distances_to_a_plane_leave_out_what_lies_along_it() -> None:
    corners = np.array([[0.0, 0, 0], [1, 0, 0], [0, 1, 0]])
    beside = np.array([[2.0, 0, 0.3], [0.2, 0.2, -0.4]])
    triangles = np.array([[0, 1, 2]])
    assert surface_distance(beside, corners, triangles) == pytest.approx([np.hypot(1, 0.3), 0.4])
    assert surface_distance(beside, corners, triangles, to_plane=True) == pytest.approx([0.3, 0.4])
    assert surface_distance(beside[:0], corners, triangles).shape == (0,)
    assert np.isnan(root_mean_square(np.zeros(0)))


def test_a_pool_of_parts_gives_the_figures_of_the_whole() -> None:
    distances = np.random.default_rng(1).gamma(2.0, 0.6e-3, 30_001)
    pool = Pool()
    for part in np.array_split(distances, 7):
        pool.add(part)
    median, mean, deviation = pool.figures()
    assert median == pytest.approx(np.median(distances), abs=5e-6)
    assert (mean, deviation) == pytest.approx((distances.mean(), distances.std()))
    assert np.isnan(Pool().figures()).all()


@pytest.mark.parametrize("per_metre", [1.0, 10.0, 100.0, 1000.0])
def test_the_unit_of_a_scan_is_told_by_its_eyes(per_metre: float) -> None:
    for apart in (0.075, 0.105):
        unit = metres_per_unit(np.zeros(3), np.array([apart * per_metre, 0, 0]))
        assert unit == pytest.approx(1 / per_metre)


def test_the_68_lie_where_their_names_say(anny: FaceModel) -> None:
    """Of every pair of sides the right one lies at smaller x, and rows run in order."""
    assert len(MARKS) == 68 and len(set(MARKS)) == 68 and len(INNER) == 51
    marks = marks_of(anny.landmarks(anny.template))
    pairs = [(k, 16 - k) for k in range(8)] + [(17 + k, 26 - k) for k in range(5)]
    pairs += [(36, 45), (37, 44), (39, 42), (41, 46), (31, 35), (48, 54), (50, 52), (60, 64), (67, 65)]
    for right, left in pairs:
        assert marks[right, 0] < 0 < marks[left, 0]
        assert abs(marks[right, 1] - marks[left, 1]) < 6e-3
    assert (np.diff(marks[:9, 1]) < 2e-3).all() and (np.diff(marks[27:31, 1]) < 0).all()
    assert marks[30, 2] == marks[:, 2].max()
    assert marks[51, 1] > marks[62, 1] > marks[66, 1] > marks[57, 1] > marks[8, 1]
