"""Small operations on polygon meshes that the providers share."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
from jaxtyping import Bool, Int, Int32
from numpy import ndarray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components


def quad_sides(quads: Int[ndarray, "quads 4"]) -> Int[ndarray, "sides 2"]:
    """The four sides of every quad, in its own direction; a side of two quads comes twice."""
    return np.concatenate([quads[:, [k, (k + 1) % 4]] for k in range(4)])


def walk_edge_loop(quads: Int[ndarray, "quads 4"], start: tuple[int, int]) -> list[int]:
    """Vertices of the closed edge loop that runs through the edge ``start``.

    At a vertex with four edges the loop leaves by the edge that shares no face with the one it came by.

    Raises:
        ValueError: the loop meets a vertex without exactly four edges before it closes.
    """
    neighbours: dict[int, set[int]] = defaultdict(set)
    faces_of_edge: dict[tuple[int, int], set[int]] = defaultdict(set)
    for face, corners in enumerate(quads.tolist()):
        for a, b in zip(corners, corners[1:] + corners[:1], strict=True):
            neighbours[a].add(b)
            neighbours[b].add(a)
            faces_of_edge[min(a, b), max(a, b)].add(face)

    loop = list(start)
    while True:
        before, here = loop[-2:]
        arrived_by = faces_of_edge[min(before, here), max(before, here)]
        onward = [
            n
            for n in neighbours[here]
            if n != before and not faces_of_edge[min(here, n), max(here, n)] & arrived_by
        ]
        if len(neighbours[here]) != 4 or len(onward) != 1:
            raise ValueError(f"the edge loop through {start} does not close: it ends at vertex {here}")
        if onward[0] == loop[0]:
            return loop
        loop.append(onward[0])


def side_of_loop(
    quads: Int[ndarray, "quads 4"], loop: list[int], inside_vertex: int
) -> Bool[ndarray, "quads"]:
    """Quads that can be reached from ``inside_vertex`` without crossing an edge of the loop."""
    cut = {(min(a, b), max(a, b)) for a, b in zip(loop, loop[1:] + loop[:1], strict=True)}
    face_of_edge: dict[tuple[int, int], int] = {}
    pairs: list[tuple[int, int]] = []
    for face, corners in enumerate(quads.tolist()):
        for a, b in zip(corners, corners[1:] + corners[:1], strict=True):
            edge = (min(a, b), max(a, b))
            if edge in cut:
                continue
            if edge in face_of_edge:
                pairs.append((face_of_edge[edge], face))
            face_of_edge[edge] = face
    rows, columns = np.array(pairs).T
    graph = coo_matrix((np.ones(len(rows)), (rows, columns)), shape=(len(quads), len(quads)))
    label = connected_components(graph, directed=False)[1]
    return label == label[np.flatnonzero((quads == inside_vertex).any(axis=1))[0]]


def select_vertices(
    polygons: Int[ndarray, "polygons corners"],
) -> tuple[Int32[ndarray, "kept"], Int32[ndarray, "polygons corners"]]:
    """The vertices that polygons use, and the polygons renumbered to them."""
    kept, renumbered = np.unique(polygons, return_inverse=True)
    return kept.astype(np.int32), renumbered.reshape(polygons.shape).astype(np.int32)
