"""Lashes: hairs drawn on the model's cards."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float32
from numpy import ndarray
from scipy.spatial import cKDTree

from core.face_model.model import FaceModel
from core.surface.atlas import Atlas, pad_charts
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
    values = np.zeros((model.vertex_count, 3))
    values[lashes] = _lash_coordinates(model, neutral, lashes)
    for box in chart_boxes(inside):
        part = atlas.part(box)
        own = inside[box]
        t, s, lower = part.paint_vertices(values)[own].T
        alpha[box][own] = _hairs(t, s, lower > 0.5)
    return pad_charts(alpha, atlas.triangle >= 0)


def _lash_coordinates(model: FaceModel, neutral: ndarray, lashes: ndarray) -> ndarray:
    """For each lash vertex: 0 at the lid to 1 at the tip, metres along the lid, and 1 on lower lids."""
    skin = neutral[model.region_mask("skin", "eye_socket")]
    points = neutral[lashes]
    distance, _ = cKDTree(skin).query(points)
    reach = max(float(np.quantile(distance, 0.95)), 1e-6)
    eyes = model.joints(neutral)[3:]
    away = points - eyes[np.linalg.norm(points[:, None] - eyes, axis=2).argmin(axis=1)]
    radius = float(np.median(np.linalg.norm(away, axis=1)))
    along = np.arctan2(away[:, 0], np.maximum(away[:, 2], 1e-6)) * radius
    return np.column_stack([np.clip(distance / reach, 0, 1), along, away[:, 1] < -2e-3])


def _hairs(t: ndarray, s: ndarray, lower: ndarray) -> ndarray:
    """Two sets of hairs under a millimetre apart, bent and of random length; shorter on lower lids."""
    alpha = np.zeros(len(t), np.float32)
    for pitch, bend, seed in ((0.8e-3, 0.6, 0.0), (1.05e-3, -0.45, 31.0)):
        place = s / pitch + bend * t * t + seed
        cell = np.floor(place)
        random = value_noise(
            np.stack([cell + 0.001, np.full_like(cell, seed), np.zeros_like(cell)], axis=1).astype(np.float32)
        )
        length = (0.8 + 0.25 * random) * np.where(lower, 0.55, 1.0)
        half = 0.17 * (1 - t / np.maximum(length, 0.1)) + 0.02
        off = np.abs(place - cell - 0.5 - 0.2 * random)
        hair = np.clip((half - off) / 0.16 + 0.5, 0, 1) * (t < length) * np.where(lower, 0.6, 0.9)
        alpha = np.maximum(alpha, hair.astype(np.float32))
    return alpha * np.clip((1.02 - t) / 0.15, 0, 1)
