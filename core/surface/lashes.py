"""Lashes: hairs drawn on the model's cards."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float32
from numpy import ndarray
from scipy.spatial import cKDTree

from core.face_model.model import FaceModel
from core.surface.atlas import Atlas
from core.surface.noise import value_noise
from core.surface.parts import chart_boxes


def lash_alpha(atlas: Atlas, neutral: Float32[ndarray, "vertices 3"]) -> Float32[ndarray, "size size"]:
    """Opacity: 1 but on lashes, where hairs are drawn from the lid outwards, thinning to their tips."""
    model = atlas.model
    alpha = np.ones((atlas.size, atlas.size), np.float32)
    lashes = model.region_mask("lashes")
    if not lashes.any():
        return alpha
    inside = atlas.covers("lashes")
    along, across = _lash_coordinates(model, neutral, lashes)
    values = np.zeros((model.vertex_count, 2))
    values[lashes] = np.column_stack([along, across])
    for box in chart_boxes(inside):
        part = Atlas(model, atlas.size, atlas.triangle[box], atlas.barycentrics[box])
        own = inside[box]
        t, s = part.paint_vertices(values)[own].T
        alpha[box][own] = _hairs(t, s)
    return alpha


def _lash_coordinates(model: FaceModel, neutral: ndarray, lashes: ndarray) -> tuple[ndarray, ndarray]:
    """For each lash vertex: 0 at the lid to 1 at the tip, and metres along the lid."""
    skin = neutral[model.region_mask("skin", "eye_socket")]
    distance, _ = cKDTree(skin).query(neutral[lashes])
    reach = max(float(np.quantile(distance, 0.95)), 1e-6)
    joints = model.joints(neutral)[3:]
    points = neutral[lashes]
    eye = joints[np.linalg.norm(points[:, None] - joints, axis=2).argmin(axis=1)]
    away = points - eye
    radius = float(np.median(np.linalg.norm(away, axis=1)))
    return np.clip(distance / reach, 0, 1), np.arctan2(away[:, 0], np.maximum(away[:, 2], 1e-6)) * radius


def _hairs(t: ndarray, s: ndarray) -> ndarray:
    """Two sets of hairs a fraction of a millimetre apart, bent and of random length."""
    alpha = np.zeros(len(t), np.float32)
    for pitch, bend, seed in ((0.75e-3, 0.5, 0.0), (0.9e-3, -0.35, 31.0)):
        place = s / pitch + bend * t * t + seed
        cell = np.floor(place)
        random = value_noise(np.stack([cell + 0.001, np.full_like(cell, seed), np.zeros_like(cell)], 1).astype("f"))
        length = 0.8 + 0.25 * random
        half = 0.30 * (1 - t / np.maximum(length, 0.1)) + 0.04
        off = np.abs(place - cell - 0.5 - 0.12 * random)
        hair = np.clip((half - off) / 0.14 + 0.5, 0, 1) * (t < length)
        alpha = np.maximum(alpha, hair.astype(np.float32))
    return alpha * np.clip((1.02 - t) / 0.15, 0, 1)
