"""Where points of a head lie on the face: what skins are painted by, at vertices or at texels alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Bool, Float, Float32, Int32
from numpy import ndarray
from scipy.spatial import cKDTree

from core.face_model.model import FaceModel
from core.landmark_topology import (
    BROW_LEFT,
    BROW_RIGHT,
    EYE_LEFT,
    EYE_RIGHT,
    LIPS_INNER,
    LIPS_OUTER,
)
from core.surface.atlas import Atlas, triangle_regions
from models.data.skins import closed_line, dense_line, middle_line

_FOLD_RIGHT: Final = (129, 203, 206, 216, 212)  # from the wing of the nose past the corner of the mouth
_FOLD_LEFT: Final = (358, 423, 426, 436, 432)
_CHEEKS: Final = (50, 280)
_FAR: Final = 1.0  # metres


@dataclass(frozen=True)
class Surface:
    """Points of the template and their places on the face; lengths in metres.

    Attributes:
        points: positions on the template.
        region: index into ``REGIONS``.
        skin: points of the skin.
        lips, brows, lids, folds: distance to the red of the lips, the middle line of the nearer brow, the
            rims of the eyes, the folds between nose and mouth.
        along_brow: 0 at the nearer brow's inner end to 1 at its outer end.
        above_brow: height above that brow's middle line.
        above_eye: height above the nearer eye's corners.
        cheek, nose: distance to the nearer cheek's middle, the tip of the nose.
        beard: depth below the upper edge of a full beard; negative outside it.
        hair: depth behind the hairline; negative on the face, ears and neck.
        corner: distance to the nearer outer corner of the eye, and the angle round it (radians, 0 outwards).
    """

    points: Float32[ndarray, "points 3"]
    region: Int32[ndarray, "points"]
    skin: Bool[ndarray, "points"]
    lips: Float32[ndarray, "points"]
    brows: Float32[ndarray, "points"]
    along_brow: Float32[ndarray, "points"]
    above_brow: Float32[ndarray, "points"]
    lids: Float32[ndarray, "points"]
    above_eye: Float32[ndarray, "points"]
    folds: Float32[ndarray, "points"]
    cheek: Float32[ndarray, "points"]
    nose: Float32[ndarray, "points"]
    beard: Float32[ndarray, "points"]
    hair: Float32[ndarray, "points"]
    corner: Float32[ndarray, "points 2"]


def vertex_surface(model: FaceModel) -> Surface:
    """All vertices of the template."""
    ears = model.masks.get("ears", np.zeros(model.vertex_count, np.float32))
    return _surface(model, model.template, model.region.astype(np.int32), ears)


def texel_surface(atlas: Atlas) -> Surface:
    """All texels of a layout that charts cover, row after row."""
    model = atlas.model
    ears = model.masks.get("ears", np.zeros(model.vertex_count, np.float32))
    covered = atlas.triangle >= 0
    values = atlas.paint_vertices(np.column_stack([model.template, ears]))[covered]
    region = triangle_regions(model)[atlas.triangle[covered]].astype(np.int32)
    return _surface(model, np.ascontiguousarray(values[:, :3]), region, values[:, 3])


def _surface(
    model: FaceModel,
    points: Float32[ndarray, "points 3"],
    region: Int32[ndarray, "points"],
    ears: Float32[ndarray, "points"],
) -> Surface:
    marks = model.landmarks(model.template)
    lips = _red_of_lips(marks)
    lids = np.concatenate([closed_line(marks[list(ring)]) for ring in (EYE_LEFT, EYE_RIGHT)])
    folds = np.concatenate([dense_line(marks[list(line)]) for line in (_FOLD_LEFT, _FOLD_RIGHT)])
    spine, along = _brow_spine(marks)
    to_brow, nearest = cKDTree(spine).query(points)
    corners = marks[[EYE_LEFT[0], EYE_RIGHT[0]]]
    to_corner, side = cKDTree(corners).query(points)
    off = points - corners[side]
    angle = np.arctan2(off[:, 1], off[:, 0] * np.where(side == 0, 1.0, -1.0))
    return Surface(
        points=points,
        region=region,
        skin=region == 0,
        lips=_distance(lips, points),
        brows=to_brow.astype(np.float32),
        along_brow=along[nearest].astype(np.float32),
        above_brow=(points[:, 1] - spine[nearest, 1]).astype(np.float32),
        lids=_distance(lids, points),
        above_eye=(points[:, 1] - corners[side, 1]).astype(np.float32),
        folds=_distance(folds, points),
        cheek=_distance(marks[list(_CHEEKS)], points),
        nose=_distance(marks[[4]], points),
        beard=_beard(marks, points),
        hair=np.where(ears > 0.3, -_FAR, hair_depth(marks, points)).astype(np.float32),
        corner=np.column_stack([to_corner, angle]).astype(np.float32),
    )


def _distance(
    line: Float[ndarray, "line 3"], points: Float32[ndarray, "points 3"]
) -> Float32[ndarray, "points"]:
    return cKDTree(line).query(points)[0].astype(np.float32)


def _red_of_lips(marks: Float[ndarray, "478 3"]) -> Float[ndarray, "red 3"]:
    """Points between the outer and the inner outline of the lips, under a millimetre apart."""
    outer, inner = (closed_line(marks[list(ring)])[::4] for ring in (LIPS_OUTER, LIPS_INNER))
    return np.concatenate([outer + share * (inner - outer) for share in np.linspace(0, 1, 10)])


def _brow_spine(marks: Float[ndarray, "478 3"]) -> tuple[Float[ndarray, "line 3"], Float[ndarray, "line"]]:
    """Middle lines of both brows, and how far from the inner end their points are, 0-1."""
    lines = [middle_line(marks[list(brow)])[::-1] for brow in (BROW_LEFT, BROW_RIGHT)]
    lines = [line[np.argsort(np.abs(line[:, 0]), kind="stable")] for line in lines]
    along = [np.linspace(0, 1, len(line)) for line in lines]
    return np.concatenate(lines), np.concatenate(along)


def _beard(
    marks: Float[ndarray, "478 3"], points: Float32[ndarray, "points 3"]
) -> Float32[ndarray, "points"]:
    """Depth below the line from the ears' front to the nose, as far as the jaw's underside and the ears."""
    ear, under_nose, chin = np.abs(marks[234]), marks[2], marks[152]
    across = np.clip(np.abs(points[:, 0]) / ear[0], 0, 1)
    edge = under_nose[1] - 0.028 * np.sin(np.pi * across**0.8) + (marks[234, 1] - under_nose[1]) * across**4
    below = edge - points[:, 1]
    neck = points[:, 1] - (chin[1] - 0.03) + 0.6 * (points[:, 2] - chin[2]).clip(-0.03, 0)
    front = points[:, 2] - (marks[234, 2] - 0.004)
    return np.minimum.reduce([below, neck, front]).astype(np.float32)


def hair_depth(
    marks: Float[ndarray, "478 3"], points: Float32[ndarray, "points 3"]
) -> Float32[ndarray, "points"]:
    """Depth behind the hairline: from the top of the forehead to above the ears, then down to the nape."""
    front = marks[10] + (0, 0.010, 0)
    ear = marks[234]
    above_ear = np.array([0.0, ear[1] + 0.020, ear[2] - 0.022])
    down = above_ear[1:] - front[1:]
    normal = np.array([-down[1], down[0]])
    normal *= np.sign(normal[0])  # upwards
    upper = (points[:, 1:] - front[1:]) @ (normal / np.linalg.norm(normal))
    nape = np.minimum(above_ear[2] - 0.012 - points[:, 2], points[:, 1] - (marks[152, 1] + 0.02))
    return np.maximum(upper, nape).astype(np.float32)
