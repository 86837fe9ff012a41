"""Irises measured in the photos and eyes painted from them."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Float32
from numpy import ndarray

from core.face_model.model import JOINTS
from core.fitting.types import FittedHead
from core.geometry.smooth import smoothstep
from core.images import fill_polygon
from core.landmark_topology import EYE_LEFT, EYE_RIGHT, IRIS_LEFT, IRIS_RIGHT
from core.scene.shading import LUMINANCE
from core.surface.atlas import Atlas
from core.surface.noise import value_noise
from core.surface.view import View

IRIS_RADIUS = 5.85e-3  # metres; human irises hardly differ (11.7 mm across, give or take 0.5)
_RADIUS_RANGE = (5.3e-3, 6.4e-3)
_DEFAULT_IRIS = np.array([0.090, 0.048, 0.026])  # brown, the most common
_SCLERA = np.array([0.62, 0.585, 0.555])
_PUPIL, _LIMBUS = 0.36, 0.86  # of the iris radius
_LID_SHADE = 1.3  # lids and lashes keep light from the iris
_IRIS_LEVELS = (0.030, 0.30)  # luminance of the darkest and lightest irises
_DIFFERENT = 0.7  # log distance between the two irises' colours where they are taken for really different


def measure_iris(view: View, gain: Float[ndarray, "3"], left: bool) -> Float[ndarray, "3"] | None:
    """Linear albedo of an iris: the middle of the pixels between pupil and limbus, without highlights, lashes
    and lids; none where fewer than 12 pixels show it."""
    centre, *rim = view.landmarks[list(IRIS_LEFT if left else IRIS_RIGHT)]
    radius = float(np.mean(np.linalg.norm(np.array(rim) - centre, axis=1)))
    height, width = view.image.shape[:2]
    y, x = np.mgrid[0:height, 0:width] + 0.5
    distance = np.hypot(x - centre[0], y - centre[1]) / max(radius, 1e-6)
    opening = np.zeros((height, width), np.uint8)
    outline = view.landmarks[list(EYE_LEFT if left else EYE_RIGHT)]
    fill_polygon(opening, outline)
    inside = (distance > 0.45) & (distance < 0.85) & (opening > 0)
    # the upper lid shades the top of the iris
    inside &= y > centre[1] - 0.3 * radius
    if inside.sum() < 12:
        return None
    colours = view.image[inside]
    order = np.argsort(colours.sum(axis=1))
    kept = colours[order[int(0.15 * len(order)) : int(0.75 * len(order)) + 1]]
    colour = np.maximum(np.median(kept, axis=0) * gain * _LID_SHADE, 1e-3)
    level = float(colour @ LUMINANCE)
    return colour * np.clip(level, *_IRIS_LEVELS) / level


def agree_on_irises(
    left: list[Float[ndarray, "3"]], right: list[Float[ndarray, "3"]]
) -> tuple[Float[ndarray, "3"], Float[ndarray, "3"]]:
    """Colours of the two irises from all photos: one for both unless they differ clearly and repeatedly."""
    if not left and not right:
        return _DEFAULT_IRIS, _DEFAULT_IRIS
    if not left or not right:
        only = np.median(np.array(left or right), axis=0)
        return only, only
    a, b = np.median(np.array(left), axis=0), np.median(np.array(right), axis=0)
    if min(len(left), len(right)) >= 3 and np.abs(np.log(a / b)).max() > _DIFFERENT:
        return a, b
    both = np.median(np.array(left + right), axis=0)
    return both, both


def iris_radius(head: FittedHead, views: list[View]) -> float:
    """Metres on this head, from the irises' size in the photos; near 5.85 mm."""
    seen = []
    for view in views:
        for iris in (IRIS_LEFT, IRIS_RIGHT):
            rim = view.landmarks[list(iris[1:])]
            # the wider pair of opposite points: turning the head and lids only make irises look smaller
            across = max(np.linalg.norm(rim[0] - rim[2]), np.linalg.norm(rim[1] - rim[3]))
            seen.append(0.5 * float(across) / view.pixels_per_metre)
    measured = float(np.median(seen)) if seen else IRIS_RADIUS
    return float(np.clip(0.5 * (measured + IRIS_RADIUS), *_RADIUS_RANGE))


def paint_eyes(
    atlas: Atlas,
    neutral: Float32[ndarray, "vertices 3"],
    image: Float32[ndarray, "size size 3"],
    radius: float,
    irises: tuple[Float[ndarray, "3"], Float[ndarray, "3"]],
) -> None:
    """Paint sclera, iris and pupil of both eyes into ``image`` (linear), round the +Z axis through each
    eyeball's centre, where eyes look in neutral gaze."""
    joints = atlas.model.joints(neutral)
    for name, iris in zip(("eye_left", "eye_right"), irises, strict=True):
        rows, columns = np.nonzero(atlas.covers(name))
        if not len(rows):
            continue
        box = slice(rows.min(), rows.max() + 1), slice(columns.min(), columns.max() + 1)
        part = atlas.part(box)
        inside = part.covers(name)
        points = part.paint_vertices(neutral - joints[JOINTS.index(name)])[inside]
        image[box][inside] = _eye_colour(points, radius, iris)


def _eye_colour(
    points: Float32[ndarray, "points 3"], radius: float, iris: Float[ndarray, "3"]
) -> Float32[ndarray, "points 3"]:
    """Colour of points given from the eyeball's centre."""
    from_axis = np.hypot(points[:, 0], points[:, 1]) / radius
    from_axis = np.where(points[:, 2] > 0, from_axis, 9.0)
    turn = np.arctan2(points[:, 1], points[:, 0])

    # fibres: noise on a cylinder round the axis, stretched along the radius
    around = np.stack([np.cos(turn) * 14, np.sin(turn) * 14, from_axis * 2.5], axis=1)
    fibre = value_noise(around.astype(np.float32)) + 0.6 * value_noise((2.3 * around + 7).astype(np.float32))
    collarette = np.exp(-(((from_axis - 0.55 - 0.03 * fibre) / 0.12) ** 2))
    tone = 1 + 0.28 * fibre + 0.25 * collarette - 0.25 * smoothstep(from_axis, 0.6, 1.0)
    inner = np.exp(-(((from_axis - 0.42) / 0.14) ** 2))[:, None] * np.array([0.25, 0.08, -0.05])
    coloured = iris * np.maximum(tone, 0.2)[:, None] * (1 + inner)
    coloured *= (1 - 0.72 * smoothstep(from_axis, _LIMBUS, 1.0))[:, None]

    outer = points / np.maximum(np.linalg.norm(points, axis=1, keepdims=True), 1e-9)
    rim = smoothstep(1 - outer[:, 2], 0.35, 1.0)[:, None]  # pinker towards the lids
    cloud = 1 + 0.02 * value_noise((points * 600).astype(np.float32))
    white = _SCLERA * (1 - rim * np.array([0.06, 0.20, 0.22])) * cloud[:, None]
    blend = smoothstep(from_axis, 0.93, 1.06)[:, None]
    colour = coloured * (1 - blend) + white * blend
    pupil = smoothstep(from_axis, _PUPIL - 0.03, _PUPIL + 0.03)[:, None]
    return (0.006 * (1 - pupil) + colour * pupil).astype(np.float32)
