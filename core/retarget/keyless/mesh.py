"""The mesh that gets shape keys: polygons of one or more objects, checked and prepared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Final

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy import ndarray
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import connected_components

from core.documents import DAMAGE, check_arrays, unpack_arrays
from core.errors import MeshUnusable
from core.face_model.building import vertex_neighbours
from core.geometry.polygons import fan_corners

MOST_VERTICES: Final = 2_000_000
_FLATTEST: Final = 0.02  # thinnest over longest side of a mesh that can be a head
_ARRAYS: Final[dict[str, tuple[str, tuple[int | str, ...]]]] = {
    "vertices": ("f", ("V", 3)),
    "polygon_vertices": ("iu", ("C",)),
    "polygon_starts": ("iu", ("P",)),
    "object_of_vertex": ("iu", ("V",)),
    "object_names": ("U", ("O",)),
}
_COLOURS: Final[dict[str, tuple[str, tuple[int | str, ...]]]] = {"colours": ("f", ("V", 3))}
_HINT: Final = "Choose the mesh of a whole face, or clean it up first."


@dataclass(frozen=True)
class TargetMesh:
    """A head without shape keys, in any unit; +Y up and +Z out of the face where the sender knows.

    Attributes:
        polygon_vertices, polygon_starts: polygon after polygon, three corners or more each.
        object_of_vertex: index into ``object_names`` of each vertex.
        colours: albedo of each vertex, linear RGB in [0, 1], where the mesh has any.
    """

    vertices: Float[ndarray, "vertices 3"]
    polygon_vertices: Int[ndarray, "corners"]
    polygon_starts: Int[ndarray, "polygons"]
    object_of_vertex: Int[ndarray, "vertices"]
    object_names: Sequence[str] = ("mesh",)
    colours: Float[ndarray, "vertices 3"] | None = field(default=None)

    @cached_property
    def triangles(self) -> Int[ndarray, "triangles 3"]:
        """Fan triangles of the polygons; those that name a vertex twice are left out."""
        corners = fan_corners(self.polygon_starts.astype(np.int32), len(self.polygon_vertices))
        found = self.polygon_vertices[corners].astype(np.int64)
        a, b, c = found.T
        return found[(a != b) & (b != c) & (c != a)]


@dataclass(frozen=True)
class Surface:
    """A triangle mesh without seams: what registration and transfer work on.

    Attributes:
        vertices: welded positions.
        triangles: over them.
        of_vertex: the welded vertex of each vertex of the mesh it was made from.
        component: number of the connected part of each welded vertex.
    """

    vertices: Float[ndarray, "welded 3"]
    triangles: Int[ndarray, "triangles 3"]
    of_vertex: Int[ndarray, "vertices"]
    component: Int[ndarray, "welded"]

    @cached_property
    def around(self) -> csr_array:
        """(welded, welded): averages over the neighbours of each vertex."""
        corners = self.triangles.ravel().astype(np.int32)
        starts = np.arange(0, len(corners), 3, dtype=np.int32)
        return vertex_neighbours(corners, starts, len(self.vertices))


def read_mesh(path: Path) -> TargetMesh:
    """A mesh from the ``.npz`` that Blender's side writes.

    Raises:
        MeshUnusable: the file is damaged, or see :func:`check_mesh`.
    """
    try:
        content = path.read_bytes()
        arrays = unpack_arrays(content, path.name, _ARRAYS, _COLOURS)
        check_arrays(arrays, _ARRAYS)
    except DAMAGE as error:
        raise MeshUnusable(f"The mesh {path.name} cannot be read: {error}.", _HINT) from error
    mesh = TargetMesh(
        vertices=arrays["vertices"].astype(np.float64).reshape(-1, 3),
        polygon_vertices=arrays["polygon_vertices"].astype(np.int64),
        polygon_starts=arrays["polygon_starts"].astype(np.int64),
        object_of_vertex=arrays["object_of_vertex"].astype(np.int64),
        object_names=tuple(arrays["object_names"].tolist()),
        colours=arrays["colours"].astype(np.float64) if "colours" in arrays else None,
    )
    check_mesh(mesh)
    return mesh


def check_mesh(mesh: TargetMesh) -> None:
    """
    Raises:
        MeshUnusable: the mesh is empty or flat, has coordinates that are no numbers, or polygons that name
            vertices that are not there. Edges of three polygons, holes and loose parts are no error.
    """
    count = len(mesh.vertices)
    if count < 4 or not len(mesh.polygon_starts):
        raise MeshUnusable("The mesh is empty.", _HINT)
    if count > MOST_VERTICES:
        raise MeshUnusable(f"The mesh has {count} vertices; at most {MOST_VERTICES} are taken.", _HINT)
    if not np.isfinite(mesh.vertices).all():
        raise MeshUnusable("The mesh has vertices whose coordinates are no numbers.", _HINT)
    if mesh.polygon_vertices.min() < 0 or mesh.polygon_vertices.max() >= count:
        raise MeshUnusable("A polygon of the mesh names a vertex that is not there.", _HINT)
    sizes = np.diff(np.append(mesh.polygon_starts, len(mesh.polygon_vertices)))
    if mesh.polygon_starts[0] != 0 or sizes.min() < 3:
        raise MeshUnusable("A polygon of the mesh has fewer than three corners.", _HINT)
    names = mesh.object_of_vertex
    if len(names) != count or names.min() < 0 or names.max() >= len(mesh.object_names):
        raise MeshUnusable("The vertices of the mesh do not say which object they are of.", _HINT)
    if mesh.colours is not None and mesh.colours.shape != mesh.vertices.shape:
        raise MeshUnusable("The colours of the mesh do not fit its vertices.", _HINT)
    used = mesh.vertices[np.unique(mesh.polygon_vertices)]
    std = np.sqrt(np.maximum(np.linalg.eigvalsh(np.cov(used.T)), 0)) if len(used) > 3 else np.zeros(3)
    if not np.isfinite(std).all() or std[0] <= _FLATTEST * std[2]:
        raise MeshUnusable("The mesh is flat: it cannot be a head.", _HINT)


def weld(mesh: TargetMesh) -> Surface:
    """Join what only UV seams, hard edges or flat shading cut apart.

    Exporters double the vertices there. Doubles are vertices of one object in the same place whose edges have
    a polygon on one side only; lips and lids that touch are not, where they go on inside.
    """
    triangles = mesh.triangles
    edges = np.sort(triangles[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2), axis=1)
    unique, uses = np.unique(edges, axis=0, return_counts=True)
    border = np.unique(unique[uses == 1])
    step = 1e-6 * max(float(np.ptp(mesh.vertices, axis=0).max()), 1e-12)
    place = np.c_[mesh.object_of_vertex[border], np.round(mesh.vertices[border] / step).astype(np.int64)]
    _, first, same = np.unique(place, axis=0, return_index=True, return_inverse=True)
    representative = np.arange(len(mesh.vertices))
    representative[border] = border[first][same.ravel()]
    kept, of_vertex = np.unique(representative, return_inverse=True)
    welded = of_vertex[triangles]
    a, b, c = welded.T
    welded = welded[(a != b) & (b != c) & (c != a)]
    component = connected_components(_adjacency(welded, len(kept)), directed=False)[1]
    vertices = mesh.vertices[kept]
    return Surface(vertices, _outwards(vertices, welded, component), of_vertex, component)


def border_vertices(triangles: Int[ndarray, "triangles 3"], count: int) -> Bool[ndarray, "vertices"]:
    """Vertices on edges that only one triangle uses."""
    edges = np.sort(triangles[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2), axis=1)
    unique, uses = np.unique(edges, axis=0, return_counts=True)
    border = np.zeros(count, bool)
    border[unique[uses == 1]] = True
    return border


def _adjacency(triangles: ndarray, count: int) -> coo_array:
    a, b = triangles.ravel(), triangles[:, [1, 2, 0]].ravel()
    return coo_array((np.ones(len(a)), (a, b)), shape=(count, count))


def _outwards(vertices: ndarray, triangles: ndarray, component: ndarray) -> ndarray:
    """Triangles turned so that each connected part faces away from its own middle, as a whole."""
    part = component[triangles[:, 0]]
    corners = vertices[triangles]
    count = np.bincount(component)
    middle = np.stack(
        [np.bincount(component, vertices[:, k]) / np.maximum(count, 1) for k in range(3)], axis=1
    )
    normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    volume = np.bincount(part, (normal * (corners.mean(axis=1) - middle[part])).sum(axis=1), len(count))
    return np.where((volume < 0)[part][:, None], triangles[:, ::-1], triangles)
