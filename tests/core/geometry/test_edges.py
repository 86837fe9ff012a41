"""Edge loops and the parts of a mesh that they divide."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from core.geometry.edges import quad_sides, select_vertices, side_of_loop, walk_edge_loop
from tests.core.geometry.tubes import tube


def test_walking_a_loop_and_its_sides_on_a_tube() -> None:
    around, rings = 8, 5
    quads = tube(around, rings)
    loop = walk_edge_loop(quads, (2 * around, 2 * around + 1))
    assert sorted(loop) == list(range(2 * around, 3 * around))
    assert all(abs(a - b) in (1, around - 1) for a, b in pairwise(loop))
    assert side_of_loop(quads, loop, 0).sum() == 2 * around


def test_a_loop_that_meets_a_pole_is_an_error() -> None:
    quads = np.array([[0, 1, 2, 3], [1, 4, 5, 2]])
    with pytest.raises(ValueError, match="does not close"):
        walk_edge_loop(quads, (0, 1))


def test_inner_sides_come_twice_in_both_directions() -> None:
    sides = quad_sides(tube(8, 5))
    undirected, uses = np.unique(np.sort(sides, axis=1), axis=0, return_counts=True)
    assert len(np.unique(sides, axis=0)) == len(sides)
    assert (uses == 1).sum() == 2 * 8 and (uses == 2).sum() == len(undirected) - 2 * 8


def test_vertices_without_a_polygon_are_left_out() -> None:
    kept, polygons = select_vertices(np.array([[9, 4, 7, 2], [4, 9, 12, 7]]))
    assert kept.tolist() == [2, 4, 7, 9, 12]
    np.testing.assert_array_equal(kept[polygons], [[9, 4, 7, 2], [4, 9, 12, 7]])
