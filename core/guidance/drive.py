"""A performance → what the head of a photo does."""

from __future__ import annotations

from typing import Final, Literal

import numpy as np
from jaxtyping import Float32
from numpy import ndarray

from core.arkit import ARKIT_NAMES
from core.guidance.states import HeadStates
from core.track import Track

Motion = Literal["relative", "absolute"]
Parts = Literal["all", "expression", "pose"]

_NEAREST: Final = 0.3  # of the photo's distance: takes of other programs may hold anything
_SURE: Final = 0.5  # confidence of a frame that may be taken for rest


def calm_frame(track: Track) -> int:
    """The frame that is taken for the performer's rest: the least expression among those surely seen."""
    effort = np.square(track.coefficients).sum(axis=1)
    sure = track.confidence >= min(_SURE, float(track.confidence.max()))
    return int(np.argmin(np.where(sure, effort, np.inf)))


def driven(
    photo: HeadStates, track: Track, *, motion: Motion, parts: Parts = "all", rest: int | None = None
) -> HeadStates:
    """States of a photo's head for every frame of a performance.

    With the performer's rest ``r``, relative motion is ``c = c_s + c_d - c_r`` within [0, 1] and
    ``R = R_d R_rᵀ R_s``; absolute motion takes expression and turn as they are. The head's way is relative in
    both, since nobody's place in another picture means anything: level and up by metres, and in depth by the
    ratio ``z_s z_d / z_r``, so that a head that comes closer grows as much.

    Args:
        photo: one frame: the head in the photo.
        rest: frame of the track; :func:`calm_frame` where not given.
    """
    still = calm_frame(track) if rest is None else rest
    frames = len(track.times)
    coefficients = np.repeat(photo.coefficients, frames, axis=0)
    rotation = np.repeat(photo.rotation, frames, axis=0)
    translation = np.repeat(photo.translation, frames, axis=0)
    if parts != "pose":
        moved = track.coefficients - track.coefficients[still] if motion == "relative" else track.coefficients
        start = coefficients if motion == "relative" else 0.0
        coefficients = np.clip(start + moved, 0, 1)
    if parts != "expression":
        turn = track.head_rotation @ track.head_rotation[still].T
        rotation = turn @ photo.rotation[0] if motion == "relative" else track.head_rotation
        translation = translation + _way(track, still, photo.translation[0])
    return HeadStates(
        coefficients.astype(np.float32), rotation.astype(np.float32), translation.astype(np.float32)
    )


def _way(track: Track, still: int, place: Float32[ndarray, "3"]) -> Float32[ndarray, "frames 3"]:
    """How far the head is from its place, metres; nothing where a track knows turns alone."""
    path = track.head_translation
    rest = path[still]
    if not np.any(path) or rest[2] <= 0:
        return np.zeros_like(path)
    way = path - rest
    # x / z keeps its meaning: what is level at the performer's distance is level at the photo's
    way[:, 2] = place[2] * (np.maximum(path[:, 2] / rest[2], _NEAREST) - 1)
    return way


def photo_state(
    expression: dict[str, float], rotation: Float32[ndarray, "3 3"], translation: Float32[ndarray, "3"]
) -> HeadStates:
    """One frame: the head as a rig's photo has it."""
    coefficients = np.array([[expression.get(name, 0.0) for name in ARKIT_NAMES]], np.float32)
    return HeadStates(coefficients, rotation[None], translation[None])
