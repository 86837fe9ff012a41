# SPDX-License-Identifier: GPL-3.0-or-later
"""What Blender and the thread of live tracking say to each other. Plain values only."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np


@dataclass(frozen=True)
class StartLive:
    """Track live and listen.

    ``source`` is a camera's number or a video file; empty to listen to what runs already. ``options``: more
    of the command's. ``meshes``: have their keys recognised.
    """

    take: str
    folder: Path
    python: str
    source: str
    options: tuple[str, ...] = ()
    meshes: dict[str, list[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class LiveState:
    """How live tracking goes; ``stage`` is start, wait (for the first frame) or run."""

    stage: str
    source: str = ""
    found: bool = False
    fps: float = 0.0
    latency_ms: float = 0.0
    dropped: int = 0


@dataclass(frozen=True)
class LiveMapping:
    """The shape keys were recognised: a mapping preset."""

    preset: dict[str, object]
    warnings: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class LiveFrame:
    """One moment: coefficients in the order of ``names``; the rest as in animation files, away from rest."""

    names: tuple[str, ...]
    time: float
    found: bool
    coefficients: np.ndarray  # (N,)
    head_rotation: np.ndarray  # (3, 3)
    head_translation: np.ndarray  # (3,) metres
    gaze: np.ndarray  # (2, 2)


@dataclass(frozen=True)
class LiveEnded:
    """Live tracking has ended; the code is empty where nothing is wrong."""

    code: str = ""
    message: str = ""
    hint: str = ""
