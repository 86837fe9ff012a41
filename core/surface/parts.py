"""Teeth, gums, tongue, the inside of the mouth and eye sockets: plausible colours of their own."""

from __future__ import annotations

import cv2
import numpy as np
from jaxtyping import Float, Float32
from numpy import ndarray

from core.face_model.model import FaceModel
from core.scene.shading import LUMINANCE
from core.surface.atlas import Atlas
from core.surface.noise import value_noise

_TOOTH = np.array([0.78, 0.71, 0.60])
_GUM = np.array([0.36, 0.115, 0.105])
_TONGUE = np.array([0.36, 0.125, 0.115])
_MOUTH_FRONT = np.array([0.26, 0.075, 0.07])
_MOUTH_BACK = np.array([0.060, 0.012, 0.011])
LASH_COLOUR = np.array([0.012, 0.009, 0.007])
_SOCKET = np.array([0.42, 0.19, 0.16])
_BAND_VERTICES = 200  # rows of teeth with fewer vertices have no single teeth modelled
_TOOTH_ANGLE = 0.27  # radians of the dental arch that a tooth takes
_COLOURFUL = 0.3  # log(red / blue) of a skin tone from which on a photo counts as colour
_GUM_SHARE = 0.30  # of a row of teeth's height, where no finer hint is
_DEPTH = 0.035  # metres behind the lips where the mouth is darkest


def part_colours(
    model: FaceModel, neutral: Float32[ndarray, "vertices 3"], skin_tone: Float[ndarray, "3"]
) -> Float[ndarray, "vertices 3"]:
    """Linear colour of every vertex that photos do not tell; skin vertices get ``skin_tone``."""
    colours = np.tile(skin_tone, (model.vertex_count, 1))
    depth = _depth_behind_lips(model, neutral)[:, None]
    mouth = _MOUTH_FRONT * (1 - depth) + _MOUTH_BACK * depth
    inside = model.region_mask("mouth_interior")
    colours[inside] = mouth[inside]
    tongue = model.region_mask("tongue")
    colours[tongue] = (_TONGUE * (1 - 0.7 * depth))[tongue]
    colours[model.region_mask("eye_socket")] = 0.35 * _SOCKET + 0.65 * skin_tone * (1.0, 0.8, 0.75)
    for name, upwards in (("teeth_upper", True), ("teeth_lower", False)):
        own = model.region_mask(name)
        if own.any():
            colours[own] = _teeth(neutral[own], upwards) * (1 - 0.4 * depth[own])
    # flesh is as colourful as the photos: grey ones give a grey mouth
    colourful = np.clip(np.log(skin_tone[0] / skin_tone[2]) / _COLOURFUL, 0, 1)
    grey = colours @ LUMINANCE[:, None]
    return grey + colourful * (colours - grey)


def paint_parts(
    atlas: Atlas, image: Float32[ndarray, "size size 3"], colours: Float[ndarray, "vertices 3"]
) -> None:
    """Paint the vertices' colours, slightly mottled, into the charts of teeth, tongue, mouth and sockets."""
    inside = atlas.covers("teeth_upper", "teeth_lower", "tongue", "mouth_interior", "eye_socket")
    for box in chart_boxes(inside):
        part = atlas.part(box)
        own = inside[box]
        painted = part.paint_vertices(np.column_stack([colours, atlas.model.template]))[own]
        gaps = _tooth_gaps(part, own, painted[:, 3:])
        mottle = value_noise(painted[:, 3:] * np.float32(900)) + value_noise(
            painted[:, 3:] * np.float32(2300)
        )
        image[box][own] = painted[:, :3] * (gaps * (1 + 0.05 * mottle))[:, None]


def _tooth_gaps(atlas: Atlas, own: ndarray, points: ndarray) -> ndarray:
    """Darkening between teeth where the model has one smooth band for a whole row; else 1."""
    factor = np.ones(len(points), np.float32)
    for name in ("teeth_upper", "teeth_lower"):
        vertices = atlas.model.template[atlas.model.region_mask(name)]
        texels = atlas.covers(name)[own]
        if not texels.any() or len(vertices) > _BAND_VERTICES:
            continue
        # an arch of even teeth round its middle; the midline is a gap
        middle = 0.5 * (vertices[:, 2].min() + vertices[:, 2].max())
        turn = np.arctan2(points[texels, 0], points[texels, 2] - middle) / _TOOTH_ANGLE
        from_gap = np.abs(turn - np.round(turn))
        factor[texels] = 1 - 0.5 * np.exp(-((from_gap / 0.09) ** 2))
    return factor


def _depth_behind_lips(model: FaceModel, neutral: ndarray) -> Float[ndarray, "vertices"]:
    lips = neutral[model.triangles[model.landmark_triangles[[13, 14]], 0]].mean(axis=0)
    return np.clip((lips[2] - neutral[:, 2]) / _DEPTH, 0, 1)


def _teeth(points: ndarray, upwards: bool) -> ndarray:
    """Gum on the side of the jaw, off-white towards the edge."""
    height = points[:, 1] if upwards else -points[:, 1]
    low, high = height.min(), height.max()
    share = (height - low) / max(float(high - low), 1e-6)
    gum = np.clip((share - (1 - _GUM_SHARE)) / 0.15, 0, 1)[:, None]
    return _TOOTH * (1 - gum) + _GUM * gum


def chart_boxes(mask: ndarray) -> list[tuple[slice, slice]]:
    """Bounding boxes of a mask's islands, so that small charts cost little."""
    joined = cv2.dilate(mask.astype(np.uint8), np.ones((9, 9), np.uint8))
    count, _, stats, _ = cv2.connectedComponentsWithStats(joined)
    boxes = []
    for left, top, width, height, _ in stats[1:count]:
        boxes.append((slice(top, top + height), slice(left, left + width)))
    return boxes
