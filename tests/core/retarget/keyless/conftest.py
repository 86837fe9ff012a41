"""The default head as a rig and as a character: loose parts, doubled seams, other axes, another unit."""

from __future__ import annotations

import numpy as np
import pytest
from numpy import ndarray
from scipy.spatial.transform import Rotation

from core.face_model.model import FaceModel
from core.retarget.keyless.mesh import TargetMesh
from core.rig import Rig
from tests.rigs import model_rig

Z_UP = Rotation.from_euler("x", 90, degrees=True).as_matrix()
SCALE = 37.0
SHIFT = np.array([3.0, -140.0, 11.0])


@pytest.fixture(scope="session")
def rig(anny: FaceModel) -> Rig:
    return model_rig(anny)


def character(model: FaceModel, head: ndarray) -> tuple[TargetMesh, ndarray]:
    """The head with its halves cut apart along the middle, Z up, large and far away.

    Returns:
        the mesh, and the model's vertex of each of its vertices.
    """
    corners = model.polygon_vertices.astype(np.int64).copy()
    sizes = np.diff(np.append(model.polygon_starts, len(corners)))
    of_polygon = np.repeat(np.arange(len(sizes)), sizes)
    on_right = np.bincount(of_polygon, head[corners, 0]) < 0
    on_seam = np.abs(head[:, 0]) < 1e-4
    doubled = np.flatnonzero(on_seam)
    twin = np.arange(len(head))
    twin[doubled] = len(head) + np.arange(len(doubled))
    corners = np.where(on_right[of_polygon], twin[corners], corners)
    own = np.r_[np.arange(len(head)), doubled]
    lashes = model.region_mask("lashes").astype(np.int64)[own]
    vertices = SCALE * head[own].astype(np.float64) @ Z_UP.T + SHIFT
    starts = model.polygon_starts.astype(np.int64)
    return TargetMesh(vertices, corners, starts, lashes, ("body", "Lashes")), own
