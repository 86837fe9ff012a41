"""What goes over the WebSocket, as JSON.

``hello`` comes first, then a ``frame`` for each tracked frame and a ``state`` twice a second, at last ``end``
or ``error``. A client may send ``map`` with its meshes' shape keys and gets ``mapping`` with a preset. Of
frames and states a slow client gets the newest alone.

A frame's head pose is away from rest, as in :class:`core.retarget.animation.Animation`: +X the person's left,
+Y up, +Z out of the face; the place at rest is where the face was first seen.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from core.arkit import ARKIT_NAMES
from core.live.feed import FrameSource
from core.live.frame import LiveFrame
from core.live.statistics import Pace
from core.retarget.animation import upright
from server.version import API_VERSION, version


def hello(source: FrameSource, rig_id: str | None) -> dict[str, Any]:
    """The handshake: versions, and the names that a frame's coefficients stand for."""
    return {
        "type": "hello",
        "api_version": API_VERSION,
        "version": version(),
        "names": list(ARKIT_NAMES),
        "rig": rig_id,
        "source": source.name,
        "fps": round(source.fps, 3),
    }


class FrameWriter:
    """Writes frames; remembers where the face was first seen."""

    def __init__(self) -> None:
        self._number = 0
        self._rest: np.ndarray | None = None

    def __call__(self, frame: LiveFrame) -> dict[str, Any]:
        """The message of the next frame."""
        self._number += 1
        if self._rest is None and frame.found:
            self._rest = frame.head_translation
        way = np.zeros(3) if self._rest is None else frame.head_translation - self._rest
        rotation, way = upright(frame.head_rotation, way)
        return {
            "type": "frame",
            "number": self._number,
            "time": round(frame.time, 4),
            "found": frame.found,
            "coefficients": np.round(frame.coefficients.astype(float), 4).tolist(),
            "head": {
                "rotation": np.round(rotation.astype(float), 5).tolist(),
                "translation": np.round(way.astype(float), 5).tolist(),
            },
            "gaze": np.round(frame.gaze.astype(float), 4).tolist(),
            "confidence": round(frame.confidence, 3),
        }


def state(pace: Pace, found: bool) -> dict[str, Any]:
    """How it goes."""
    return {
        "type": "state",
        "found": found,
        "fps": round(pace.fps, 1),
        "latency_ms": round(pace.latency_ms, 1),
        "latency_ms_95": round(pace.latency_ms_95, 1),
        "dropped": pace.dropped,
    }


def text(message: dict[str, Any]) -> str:
    """As it is sent."""
    return json.dumps(message, separators=(",", ":"), allow_nan=False)
