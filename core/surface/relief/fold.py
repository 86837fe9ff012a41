"""Draws the usual folds of a face as heights over its surface."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Float, Float32, Int
from numpy import ndarray
from scipy.interpolate import make_interp_spline
from scipy.spatial import cKDTree

from core.geometry.smooth import smoothstep
from core.images import look_up
from core.landmark_topology import MIRROR
from core.surface.atlas import Atlas, landmark_uv
from core.surface.noise import value_noise
from core.surface.relief.lines import FOLDS, Anchor, Dimples, Line

_STEP = 4e-4  # metres between the samples of a curve
_REACH = 5.0  # widths from the fold where nothing of it is left
_RIDGE, _RIDGE_WIDTH = 0.40, 2.2  # skin pushed out beside a fold: share of its depth, and of its width
_TAPER = 0.28  # of a line's length, over which it fades in and out
_UNEVEN = 0.35  # share by which depth changes along a line


@dataclass(frozen=True)
class Surface:
    """The texels that folds are drawn into.

    Attributes:
        points: of every texel, metres; far away where there is no skin.
        anchors: of the landmarks, (column, row) in texels.
        seed: another one gives lines that wander and break otherwise.
    """

    points: Float32[ndarray, "size size 3"]
    anchors: Float32[ndarray, "478 2"]
    seed: int

    @classmethod
    def of(cls, atlas: Atlas, neutral: Float32[ndarray, "vertices 3"], seed: int) -> Surface:
        """The skin of a head."""
        points = atlas.paint_vertices(neutral)
        points[~atlas.covers("skin")] = 1e3
        return cls(points, atlas.texels(landmark_uv(atlas.model)), seed)

    def place(self, anchor: Anchor, mirror: bool) -> Float[ndarray, "2"]:
        """Where an anchor is, (column, row)."""
        shares = np.array(list(anchor.values()))
        marks = np.array(list(anchor))
        return shares @ self.anchors[MIRROR[marks] if mirror else marks]


def draw_folds(surface: Surface) -> dict[str, Float32[ndarray, "size size"]]:
    """Heights in metres of every wrinkle at full strength."""
    return {
        name: _draw(surface, folds, name.rpartition("_")[2], 97 * index)
        for index, (name, folds) in enumerate(FOLDS.items())
    }


def _draw(
    surface: Surface, folds: Sequence[Line | Dimples], side: str, salt: int
) -> Float32[ndarray, "size size"]:
    heights = np.zeros(surface.points.shape[:2], np.float32)
    for index, fold in enumerate(folds):
        if isinstance(fold, Dimples):
            _add_dimples(heights, surface, fold, salt + index)
            continue
        sides = (False, True) if fold.mirrored else (False,)
        if side in ("left", "right"):
            sides = (side == "left",)
        for mirror in sides:
            _add_line(heights, surface, fold, mirror, salt + 2 * index + mirror)
    return heights


def _add_line(heights: ndarray, surface: Surface, line: Line, mirror: bool, salt: int) -> None:
    curve = _curve(surface, line, mirror)
    width = line.width * 1e-3
    points = look_up(surface.points, curve[None].astype(np.float32))[0]
    known = np.abs(points).max(axis=1) < 10
    if known.sum() < 3:
        return
    curve, points = curve[known], points[known]
    along = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1))])
    length = along[-1]
    dense = np.arange(0, length, _STEP)
    points = np.column_stack([np.interp(dense, along, axis) for axis in points.T])
    curve = np.column_stack([np.interp(dense, along, axis) for axis in curve.T])

    near = _beside(surface, curve, _REACH * width + 2e-3 * line.wander)
    texels = surface.points[near]
    # a line strays because the skin it is drawn on is shifted by smooth noise
    stray = np.stack([_noise(texels, 0.009, surface.seed + salt + 7919 * axis) for axis in range(3)], axis=-1)
    moved = texels + 1e-3 * line.wander * stray
    distance, nearest = cKDTree(points).query(moved)
    t = dense[nearest] / max(float(length), _STEP)
    depth = smoothstep(np.minimum(t, 1 - t), 0.0, _TAPER) * (
        1 + _UNEVEN * _noise(moved, 0.006, surface.seed + salt + 31)
    )
    d = distance / width
    profile = _RIDGE * np.exp(-0.5 * (d / _RIDGE_WIDTH) ** 2) - (1 + _RIDGE) * np.exp(-0.5 * d * d)
    heights[near] += (1e-3 * line.depth * depth * profile).astype(np.float32)


def _beside(
    surface: Surface, curve: Float[ndarray, "samples 2"], reach: float
) -> tuple[Int[ndarray, "texels"], Int[ndarray, "texels"]]:
    """Rows and columns of the texels that may lie within ``reach`` metres of a curve."""
    # samples are a step apart on the skin; the layout may be stretched across them
    texel = float(np.linalg.norm(np.diff(curve, axis=0), axis=1).mean()) / _STEP
    radius = int(1.5 * reach * texel) + 2
    low = np.maximum(np.floor(curve.min(axis=0)).astype(int) - radius, 0)
    high = np.ceil(curve.max(axis=0)).astype(int) + radius
    box = (slice(low[1], high[1]), slice(low[0], high[0]))
    drawn = np.full(surface.points[box].shape[:2], 255, np.uint8)
    cv2.polylines(drawn, [np.round(curve - low).astype(np.int32)], False, (0,), 1)
    close = cv2.distanceTransform(drawn, cv2.DIST_L2, cv2.DIST_MASK_3) <= radius
    rows, columns = np.nonzero(close & (surface.points[box][..., 0] < 10))
    return rows + low[1], columns + low[0]


def _curve(surface: Surface, line: Line, mirror: bool) -> Float[ndarray, "samples 2"]:
    """A smooth curve through the anchors, (column, row)."""
    places = np.array([surface.place(anchor, mirror) for anchor in line.anchors])
    apart = np.linalg.norm(np.diff(places, axis=0), axis=1)
    places = places[np.append(True, apart > 1e-6)]
    t = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(places, axis=0), axis=1))])
    smooth = make_interp_spline(t, places, k=min(3, len(places) - 1))
    return smooth(np.linspace(0, t[-1], 400))


def _add_dimples(heights: ndarray, surface: Surface, dimples: Dimples, salt: int) -> None:
    middle = surface.place(dimples.around, mirror=False).astype(np.float32)
    centre = look_up(surface.points, middle[None, None])[0, 0]
    away = np.linalg.norm(surface.points - centre, axis=2) / (dimples.reach * 1e-3)
    rows, columns = (np.flatnonzero((away < 3).any(axis=axis)) for axis in (1, 0))
    if not len(rows):
        return
    box = (slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1))
    texels = surface.points[box]
    spacing = dimples.spacing * 1e-3
    bumps = _noise(texels, spacing, surface.seed + salt) + 0.4 * _noise(
        texels, spacing / 2, surface.seed + salt + 5
    )
    heights[box] += (1e-3 * dimples.depth * bumps * np.exp(-0.5 * away[box] ** 2)).astype(np.float32)


def _noise(points: ndarray, scale: float, seed: int) -> Float32[ndarray, "..."]:
    """Smooth noise between -1 and 1 with features of ``scale`` metres."""
    shift = np.random.default_rng(seed).uniform(0, 100, 3)
    flat = (points.reshape(-1, 3) / scale + shift).astype(np.float32)
    return value_noise(flat).reshape(points.shape[:-1])
