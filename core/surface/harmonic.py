"""Smooth fields on the mesh: they cross the borders of charts, so no seam can show."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from scipy.sparse import coo_matrix, csr_matrix, diags
from scipy.sparse.linalg import factorized

from core.face_model.laplacian import edges_laplacian, mesh_laplacian
from core.face_model.model import FaceModel

_LANDMARK_STIFFNESS = 0.3  # of the field between landmarks, against one landmark's pull
_RETURN = 5e-3  # pull to no offset, so that the field dies away behind the ears


def harmonic_fill(
    laplacian: csr_matrix,
    values: Float[ndarray, "vertices channels"],
    trust: Float[ndarray, "vertices"],
    fallback: Float[ndarray, "channels"] | Float[ndarray, "vertices channels"],
    pull: float,
) -> Float[ndarray, "vertices channels"]:
    """Smooth values that follow ``values`` where trusted and drift to ``fallback`` far from there.

    Args:
        trust: 0 for unknown; about 10 nails a vertex to its value.
        pull: of the fallback; its reach is about 1 / sqrt(pull) edges.
    """
    solve = factorized((laplacian + diags(trust + pull)).tocsc())
    right = trust[:, None] * values + pull * np.broadcast_to(fallback, values.shape)
    return np.stack([solve(right[:, channel]) for channel in range(values.shape[1])], axis=1)


def spread_landmark_offsets(
    model: FaceModel, offsets: Float[ndarray, "478 2"], trust: Float[ndarray, "478"]
) -> Float[ndarray, "vertices 2"]:
    """Offsets of landmarks as a smooth field over all vertices, 0 far from any trusted landmark."""
    count = model.vertex_count
    corners = model.triangles[model.landmark_triangles]
    rows = np.repeat(np.arange(len(corners)), 3)
    places = coo_matrix(
        (model.landmark_barycentrics.ravel(), (rows, corners.ravel())), shape=(len(corners), count)
    ).tocsr()
    weighted = places.T @ diags(trust)
    system = weighted @ places + _LANDMARK_STIFFNESS * mesh_laplacian(model) + _RETURN * diags(np.ones(count))
    solve = factorized(system.tocsc())
    right = weighted @ offsets
    return np.stack([solve(right[:, axis]) for axis in range(2)], axis=1)


def close_seams(
    model: FaceModel, error: Float[ndarray, "corners channels"], reach: float = 6.0
) -> Float[ndarray, "corners channels"]:
    """A correction for every corner that cancels ``error`` at chart borders and dies away inside.

    Args:
        error: what to take off at corners on a seam, so that all charts agree; other corners' is ignored.
        reach: edges over which the correction falls by a factor e.
    """
    keys = np.column_stack([model.polygon_vertices, np.round(model.uv * 1e5).astype(np.int64)])
    _, node = np.unique(keys, axis=0, return_inverse=True)
    node = node.ravel()
    count = int(node.max()) + 1
    charts_at = np.zeros(model.vertex_count, np.int64)
    vertex_of = np.zeros(count, np.int64)
    vertex_of[node] = model.polygon_vertices
    np.add.at(charts_at, vertex_of, 1)
    seam = charts_at[vertex_of] > 1
    target = np.zeros((count, error.shape[1]))
    target[node] = -error
    t = node[model.triangle_corners]
    laplacian = edges_laplacian(np.concatenate([t[:, [0, 1]], t[:, [1, 2]], t[:, [2, 0]]]), count)
    held = harmonic_fill(laplacian, target, np.where(seam, 1e4, 0.0), np.zeros(error.shape[1]), reach**-2)
    return held[node]
