"""Landmarks of true faces that come without any."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

from core.errors import DataUnreadable, MeshUnusable
from core.face_model.model import FaceModel
from core.geometry.closest import closest_points
from core.retarget.keyless.detect import find_face
from core.retarget.keyless.mesh import TargetMesh, check_mesh, weld
from models.evaluation.marks import INNER, MARKS, NOSE_TIP, metres_per_unit
from models.evaluation.mesh_error import Scan


@dataclass(frozen=True)
class SurfaceMarks:
    """Landmarks as places on a mesh's triangles, for all meshes of its topology.

    Attributes:
        which: their places among the 68.
        triangles, barycentrics: where they are.
        vertex_count: of the topology.
    """

    which: Int[ndarray, "marks"]
    triangles: Int[ndarray, "marks 3"]
    barycentrics: Float[ndarray, "marks 3"]
    vertex_count: int

    def scan(
        self, vertices: Float[ndarray, "vertices 3"], triangles: Int[ndarray, "triangles 3"], path: Path
    ) -> Scan:
        """A mesh of the topology as a scan in metres.

        Raises:
            DataUnreadable: it is of another topology; the message names ``path``.
        """
        if len(vertices) != self.vertex_count or self.triangles.max() >= len(vertices):
            raise DataUnreadable(
                f"{path} has {len(vertices)} vertices, the first mesh {self.vertex_count}.",
                "All meshes of this dataset share one topology.",
            )
        marks = np.einsum("mk,mkd->md", self.barycentrics, vertices[self.triangles])
        named = dict(zip(self.which.tolist(), marks, strict=True))
        unit = metres_per_unit(named[36], named[45])
        return Scan(unit * vertices[np.unique(triangles)], unit * marks, self.which)


def find_marks(
    vertices: Float[ndarray, "vertices 3"],
    triangles: Int[ndarray, "triangles 3"],
    model: FaceModel,
    path: Path,
) -> SurfaceMarks:
    """Look at a mesh from several sides and read its landmarks as those of a photo.

    The outline's landmarks are left out: what a view shows as outline lies elsewhere on another head.

    Raises:
        DataUnreadable: no face is seen on the mesh; the message names ``path``.
    """
    corners = triangles.reshape(-1)
    mesh = TargetMesh(vertices, corners, np.arange(0, len(corners), 3), np.zeros(len(vertices), np.int64))
    try:
        check_mesh(mesh)
    except MeshUnusable as error:
        raise DataUnreadable(f"{path}: {error.message}", "Fetch it again.") from error
    surface = weld(mesh)
    sight = find_face(surface, np.ones(len(surface.triangles), bool), None, model)
    needed = [MARKS[mark] for mark in (36, 45, NOSE_TIP)]
    if sight is None or not sight.landmarks.known[needed].all():
        raise DataUnreadable(f"No face is seen on {path}.", "Check that it shows a face, in any unit.")
    which = np.array([mark for mark in INNER if sight.landmarks.known[MARKS[mark]]])
    points = sight.landmarks.positions[[MARKS[mark] for mark in which]]
    on = closest_points(points, vertices, triangles)
    return SurfaceMarks(which, triangles[on.triangle], on.barycentrics, len(vertices))
