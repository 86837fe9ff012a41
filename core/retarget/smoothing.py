"""Smoothed tracks: the track itself stays as it was measured."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from core.retarget.filters import smooth, smooth_rotations
from core.track import Track


def smooth_track(track: Track, strength: float = 1.0) -> Track:
    """A copy without jitter; cuts, and the edges of spans in which the face was lost, stay sharp.

    Args:
        strength: as in :func:`core.retarget.filters.smooth`; 0 changes nothing.
    """
    if strength <= 0:
        return track
    edges = {edge for span in track.lost for edge in span} | {shot.first for shot in track.shots}
    breaks = sorted(edges - {0, len(track.times)})
    frames = len(track.times)

    def smoothed(values: np.ndarray) -> np.ndarray:
        flat = smooth(track.times, values.reshape(frames, -1), strength, breaks)
        return flat.reshape(values.shape).astype(np.float32)

    low, high = min(0.0, float(track.coefficients.min())), max(1.0, float(track.coefficients.max()))
    return replace(
        track,
        coefficients=smoothed(track.coefficients).clip(low, high),
        head_rotation=smooth_rotations(track.times, track.head_rotation, strength, breaks).astype(np.float32),
        head_translation=smoothed(track.head_translation),
        gaze=smoothed(track.gaze),
    )
