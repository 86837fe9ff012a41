"""Landmark embeddings that ship with the project, computed for models whose files anybody may fetch."""

from __future__ import annotations

from importlib.resources import files

import numpy as np
from jaxtyping import Float32, Int32
from numpy import ndarray

from core.face_model.model import LANDMARK_COUNT, FaceModel


def packaged_landmarks(
    name: str,
) -> tuple[Int32[ndarray, "478"], Float32[ndarray, "478 3"]]:
    """Triangles and barycentrics of MediaPipe's landmarks from ``data/<name>_landmarks.npz``.

    Without such a file the barycentrics are NaN, so that nobody mistakes them for landmarks;
    :func:`has_landmarks` tells, and ``embedding.embed_landmarks`` computes them.
    """
    file = files("core.face_model").joinpath("data", f"{name}_landmarks.npz")
    if not file.is_file():
        return absent_landmarks()
    with file.open("rb") as stream, np.load(stream, allow_pickle=False) as arrays:
        return arrays["triangles"].astype(np.int32), arrays["barycentrics"].astype(np.float32)


def absent_landmarks() -> tuple[Int32[ndarray, "478"], Float32[ndarray, "478 3"]]:
    """The embedding of a model whose landmarks are not computed yet: NaN."""
    return np.zeros(LANDMARK_COUNT, np.int32), np.full((LANDMARK_COUNT, 3), np.nan, np.float32)


def has_landmarks(model: FaceModel) -> bool:
    """Whether the model's landmark embedding is computed."""
    return bool(np.isfinite(model.landmark_barycentrics).all())


def landmark_vertices(model: FaceModel) -> Int32[ndarray, "478"]:
    """The vertex nearest to each landmark, of the corners of its triangle."""
    nearest = model.landmark_barycentrics.argmax(axis=1)
    corners = model.triangles[model.landmark_triangles]
    return np.take_along_axis(corners, nearest[:, None], axis=1)[:, 0]
