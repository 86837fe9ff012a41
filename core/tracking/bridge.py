"""Frames without a face: the expression eases to rest and back, the head turns over smoothly."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

import numpy as np
from jaxtyping import Bool, Float, Float64
from numpy import ndarray
from scipy.spatial.transform import Rotation, Slerp

from core.geometry.smooth import smoothstep

EASE: Final = 0.25  # seconds to rest, and from rest
_SHORT: Final = 0.3  # seconds of a gap that is simply bridged


def spans(mask: Bool[ndarray, "frames"]) -> list[tuple[int, int]]:
    """Runs of true frames as ``[first, end)``."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], mask.astype(np.int8), [0]])))
    return [(int(a), int(b)) for a, b in edges.reshape(-1, 2)]


def bridge_values(
    times: Float64[ndarray, "frames"],
    values: Float[ndarray, "frames channels"],
    found: Bool[ndarray, "frames"],
) -> Float[ndarray, "frames channels"]:
    """Coefficients with frames that were not found filled in.

    Short gaps are interpolated; in longer ones, and before the first and after the last frame found, values
    ease to 0 within ``EASE`` seconds instead of freezing on the last thing seen.
    """
    out = values.copy()
    for first, end in spans(~found):
        t = times[first:end]
        before = first - 1 if first > 0 else None
        after = end if end < len(times) else None
        if before is not None and after is not None and times[after] - times[before] <= _SHORT:
            share = ((t - times[before]) / (times[after] - times[before]))[:, None]
            out[first:end] = (1 - share) * out[before] + share * out[after]
            continue
        filled = np.zeros((len(t), values.shape[1]))
        if before is not None:
            filled += fade((t - times[before]) / EASE)[:, None] * out[before]
        if after is not None:
            filled += fade((times[after] - t) / EASE)[:, None] * out[after]
        out[first:end] = filled
    return out


def bridge_poses(
    times: Float64[ndarray, "frames"],
    rotation: Float[ndarray, "frames 3 3"],
    translation: Float[ndarray, "frames 3"],
    found: Bool[ndarray, "frames"],
    shots: Sequence[int],
) -> tuple[Float[ndarray, "frames 3 3"], Float[ndarray, "frames 3"]]:
    """Poses with frames that were not found filled in from the frames of the same shot on both sides.

    A shot without any face takes the nearest pose of the clip.
    """
    turned, moved = rotation.copy(), translation.copy()
    bounds = [*shots, len(times)]
    for first, end in pairwise(bounds):
        known = first + np.flatnonzero(found[first:end])
        wanted = first + np.flatnonzero(~found[first:end])
        if not len(wanted):
            continue
        if not len(known):
            everywhere = np.flatnonzero(found)
            known = everywhere[[np.abs(everywhere - first).argmin()]]
            turned[wanted], moved[wanted] = rotation[known[0]], translation[known[0]]
            continue
        at = np.clip(times[wanted], times[known[0]], times[known[-1]])
        for axis in range(3):
            moved[wanted, axis] = np.interp(at, times[known], translation[known, axis])
        if len(known) == 1:
            turned[wanted] = rotation[known[0]]
        else:
            turned[wanted] = Slerp(times[known], Rotation.from_matrix(rotation[known]))(at).as_matrix()
    return turned, moved


def fade(share: Float[ndarray, " n"]) -> Float[ndarray, " n"]:
    """1 at 0, 0 from 1 on, with level ends."""
    return 1 - smoothstep(share)
