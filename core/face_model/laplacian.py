"""Graph Laplacians of meshes."""

from __future__ import annotations

import numpy as np
from jaxtyping import Int
from numpy import ndarray
from scipy.sparse import coo_matrix, csr_matrix, diags

from core.face_model.model import FaceModel


def edges_laplacian(edges: Int[ndarray, "edges 2"], count: int) -> csr_matrix:
    """Graph Laplacian with unit weights of undirected edges (repeated ones count once)."""
    pairs = np.unique(np.sort(edges, axis=1), axis=0)
    ones = np.ones(2 * len(pairs))
    rows = np.concatenate([pairs[:, 0], pairs[:, 1]])
    columns = np.concatenate([pairs[:, 1], pairs[:, 0]])
    adjacency = coo_matrix((ones, (rows, columns)), shape=(count, count)).tocsr()
    return (diags(np.asarray(adjacency.sum(axis=1)).ravel()) - adjacency).tocsr()


def from_neighbours(laplacian: csr_matrix) -> csr_matrix:
    """Takes values to their differences from the mean of the neighbours; a vertex without any has none."""
    return csr_matrix(diags(1 / np.maximum(laplacian.diagonal(), 1)) @ laplacian)


def mesh_laplacian(model: FaceModel) -> csr_matrix:
    """Graph Laplacian over the triangles' edges."""
    t = model.triangles
    return edges_laplacian(np.concatenate([t[:, [0, 1]], t[:, [1, 2]], t[:, [2, 0]]]), model.vertex_count)
