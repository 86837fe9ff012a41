"""A head's outline laid onto that of a photo: first guesses of the pose of a face seen from the side.

Beyond about 75 degrees of yaw no landmarks are found, or wrong ones. But a profile is all outline: forehead,
nose, lips and chin end against what lies behind them. Outlines of the head at even steps of yaw are moved,
turned and scaled in the picture until they lie on the photo's (iterated closest points, Besl and McKay 1992,
of which the worst fifth is left out). From the side yaw changes an outline little, so that several guesses
remain, which the skin must tell apart.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Float, Float32, Int
from numpy import ndarray

from core.fitting.silhouette import HeadOutline, PhotoOutline, head_outline
from core.scene.camera import Camera, head_rotation

_YAWS: Final = np.radians([-105, -90, -75, -60, 60, 75, 90, 105])
_ROLLS: Final = np.radians([-20, 0, 20])
_BOXES: Final = (0.13, 0.18)  # metres that a detector's box may be wide
_DISTANCE: Final = 1.3  # metres at which the head is drawn
_SIDE: Final = 320  # pixels of the drawing, of a millimetre each
_ROUNDS: Final = 20
_KEPT: Final = 0.8  # of the points, the nearest
_FEWEST: Final = 30
_SCALES: Final = (0.6, 1.6)  # that a guess may end at, times what it began with


@dataclass(frozen=True)
class Guess:
    """A pose whose outline lies on the photo's.

    Attributes:
        apart: distance in metres below which four fifths of the outline's points lie.
        rotation, translation: head → camera.
    """

    apart: float
    rotation: Float[ndarray, "3 3"]
    translation: Float[ndarray, "3"]


def profile_guesses(
    head: Float32[ndarray, "vertices 3"],
    triangles: Int[ndarray, "triangles 3"],
    face: Float[ndarray, "vertices"],
    outline: PhotoOutline,
    centre: Float[ndarray, "2"],
    side: float,
    camera: Camera,
) -> list[Guess]:
    """The best guess at each yaw, the nearest outlines first.

    Args:
        triangles: solid ones.
        face: weight of the vertices whose outline is looked for.
        centre, side: of the box in which a detector saw the face, pixels of the photo.
        camera: of the photo.
    """
    middle = head[face > 0.5].mean(axis=0)
    best = []
    for yaw in _YAWS:
        drawn = _drawn(head - middle, triangles, face, float(yaw))
        found = list(_laid(drawn, outline, centre, side, float(yaw), middle, camera))
        if found:
            best.append(min(found, key=lambda guess: guess.apart))
    return sorted(best, key=lambda guess: guess.apart)


def _drawn(head: ndarray, triangles: ndarray, face: ndarray, yaw: float) -> HeadOutline:
    """The outline at a yaw, a millimetre a pixel, the head's middle at the origin."""
    turned = head @ head_rotation(yaw).double().numpy().T + np.array([0, 0, _DISTANCE])
    focal = 1000 * _DISTANCE
    camera = Camera(focal, focal, _SIDE / 2, _SIDE / 2, _SIDE, _SIDE)
    found = head_outline(turned.astype(np.float32), triangles, camera, face)
    return HeadOutline(
        found.corners, found.barycentrics, found.pixels - _SIDE / 2, found.normals, found.weights
    )


def _laid(
    drawn: HeadOutline,
    outline: PhotoOutline,
    centre: ndarray,
    side: float,
    yaw: float,
    middle: ndarray,
    camera: Camera,
) -> Iterator[Guess]:
    """The drawn outline laid onto the photo's from several starts."""
    if len(drawn.pixels) < _FEWEST:
        return
    fx, _, cx, cy = camera.intrinsics
    for roll in _ROLLS:
        for width in _BOXES:
            scale = side / (1000 * width)
            start = scale * np.array([[np.cos(roll), -np.sin(roll)], [np.sin(roll), np.cos(roll)]])
            end = _closest(drawn, outline, start, centre)
            if end is None:
                continue
            turn, shift, apart = end
            grown = float(np.sqrt(np.linalg.det(turn)))
            if not _SCALES[0] < grown / scale < _SCALES[1]:
                continue
            rotation = np.eye(3)
            rotation[:2, :2] = turn / grown
            rotation = rotation @ head_rotation(yaw).double().numpy()
            depth = fx / (1000 * grown)  # s = f / d, pixels a metre
            place = np.array([*((shift - [cx, cy]) * depth / fx), depth])
            yield Guess(apart / 1000 / grown, rotation, place - rotation @ middle)


def _closest(
    drawn: HeadOutline, outline: PhotoOutline, turn: ndarray, shift: ndarray
) -> tuple[ndarray, ndarray, float] | None:
    """Similarity (matrix, shift) that lays the one on the other, and how far four fifths lie, pixels."""
    for _ in range(_ROUNDS):
        grown = np.sqrt(np.linalg.det(turn))
        at = drawn.pixels @ turn.T + shift
        nearest, far = outline.nearest(at, drawn.normals @ turn.T / grown)
        limit = np.quantile(far, _KEPT, method="lower")  # no mean with an infinite one
        used = np.isfinite(far) & (far <= limit)
        if used.sum() < _FEWEST:
            return None
        turn, shift = _similarity(drawn.pixels[used], nearest[used])
    return (turn, shift, float(limit)) if np.isfinite(limit) else None


def _similarity(
    points: Float[ndarray, "points 2"], onto: Float[ndarray, "points 2"]
) -> tuple[Float[ndarray, "2 2"], Float[ndarray, "2"]]:
    """Least squares of ``points @ turn.T + shift - onto``: as complex numbers Σ z̄ w / Σ |z|²."""
    here, there = points.mean(axis=0), onto.mean(axis=0)
    z, w = (points - here) @ [1, 1j], (onto - there) @ [1, 1j]
    q = (z.conj() * w).sum() / (np.abs(z) ** 2).sum()
    turn = np.array([[q.real, -q.imag], [q.imag, q.real]])
    return turn, there - turn @ here
