"""A made-up performance, for tests that need a track but no video."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from core.arkit import ARKIT_NAMES
from core.track import Shot, Source, Track


def turned(yaw: np.ndarray, pitch: np.ndarray) -> np.ndarray:
    """Rotations (frames, 3, 3) from head space to the camera, of a head that turns left and nods down."""
    zero, one = np.zeros_like(yaw), np.ones_like(yaw)

    def matrix(*entries: np.ndarray) -> np.ndarray:
        return np.stack(entries, axis=-1).reshape(-1, 3, 3)

    about_y = matrix(np.cos(yaw), zero, np.sin(yaw), zero, one, zero, -np.sin(yaw), zero, np.cos(yaw))
    about_x = matrix(one, zero, zero, zero, np.cos(pitch), -np.sin(pitch), zero, np.sin(pitch), np.cos(pitch))
    result: np.ndarray = (np.diag([1.0, -1.0, -1.0]) @ about_y @ about_x).astype(np.float32)
    return result


def make_track(frames: int = 40, fps: float = 25.0, **changes: Any) -> Track:
    """A track with waves of every coefficient, a turning head and wandering eyes."""
    times = np.arange(frames) / fps
    phase = 2 * np.pi * times[:, None] * (0.3 + 0.02 * np.arange(len(ARKIT_NAMES)))
    yaw, pitch = 0.5 * np.sin(2 * times), 0.3 * np.sin(3 * times)
    track = Track(
        name="Test take",
        fps=fps,
        times=times,
        coefficients=(0.5 - 0.5 * np.cos(phase)).astype(np.float32),
        head_rotation=turned(yaw, pitch),
        head_translation=np.stack([0.1 * times, 0 * times, 0.6 + 0 * times], axis=1).astype(np.float32),
        gaze=np.stack([np.stack([0.2 * yaw, pitch], 1), np.stack([0.3 * yaw, pitch], 1)], 1).astype(
            np.float32
        ),
        confidence=np.linspace(0, 1, frames, dtype=np.float32),
        shots=(Shot(0, 900.0),),
        lost=((0, 1),),
        source=Source("clip.mp4", 1280, 720, 1.5),
        timecode=3600.0,
        rig_id="a rig",
        warnings=("The video ends at 1.60 s instead of 2.00 s.",),
        provenance={"solver": {"weight": 1.5}},
        track_id="a track",
        created="2025-01-01T00:00:00+00:00",
        generator="Semblance",
    )
    return replace(track, **changes)
