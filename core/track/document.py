"""What a track holds in memory."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from jaxtyping import Float32, Float64
from numpy import ndarray

from core.arkit import ARKIT_INDEX
from core.documents import generator


@dataclass(frozen=True)
class Source:
    """The video (or other take) that was tracked.

    Attributes:
        file: its name, without the folder.
        width, height: of the upright frames, pixels; 0 where there were no pictures.
        start: the in point, seconds since the file's first frame; no time of the track is earlier.
    """

    file: str
    width: int = 0
    height: int = 0
    start: float = 0.0


@dataclass(frozen=True)
class Shot:
    """Frames between two cuts: from frame ``first`` to the next shot's first, or the end.

    Attributes:
        focal: focal length in pixels, the same for the whole shot; the principal point is the middle of the
            frame. ``None`` where no camera is known.
    """

    first: int
    focal: float | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class Track:
    """A performance: expression, head pose and gaze of one person over time.

    Attributes:
        name: for people to read.
        fps: nominal rate of the source; ``times`` are what counts.
        times: seconds since the first frame of the source, strictly increasing.
        coefficients: the 52 ARKit coefficients in the order of ``ARKIT_NAMES``, nominally in [0, 1] (takes of
            other programs overshoot a little).
        head_rotation, head_translation: from head space to OpenCV camera axes, metres, as in
            :mod:`core.scene.camera`. Zero translation everywhere means that only the rotation is known.
        gaze: yaw and pitch, radians, of the left and the right eye's line of sight in head space. Yaw turns
            it to the person's left, pitch down, as for heads; 0, 0 looks straight out of the face.
        confidence: 0 (the face was not seen, the values are bridged) to 1.
        landmarks: positions of MediaPipe's 478 landmarks in pixels, where they were kept.
        shots: at least one; the first begins at frame 0.
        lost: spans of frames ``[first, end)`` without a face, bridged.
        timecode: seconds since midnight of time 0, for takes that share a clock; ``None`` where unknown.
        rig_id: the rig whose identity was used.
        partial: whether tracking was stopped before the end, so that the source has more.
    """

    name: str
    fps: float
    times: Float64[ndarray, "frames"]
    coefficients: Float32[ndarray, "frames 52"]
    head_rotation: Float32[ndarray, "frames 3 3"]
    head_translation: Float32[ndarray, "frames 3"]
    gaze: Float32[ndarray, "frames 2 2"]
    confidence: Float32[ndarray, "frames"]
    landmarks: Float32[ndarray, "frames 478 2"] | None = None
    shots: tuple[Shot, ...] = (Shot(0),)
    lost: tuple[tuple[int, int], ...] = ()
    source: Source | None = None
    timecode: float | None = None
    rig_id: str | None = None
    partial: bool = False
    warnings: tuple[str, ...] = ()
    provenance: Mapping[str, Any] = field(default_factory=dict)
    track_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    created: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))
    generator: str = field(default_factory=generator)

    @property
    def duration(self) -> float:
        """Seconds from the first frame to the last."""
        return float(self.times[-1] - self.times[0])

    def curve(self, name: str) -> Float32[ndarray, "frames"]:
        """One coefficient over time.

        Raises:
            KeyError: the name is not ARKit's.
        """
        return self.coefficients[:, ARKIT_INDEX[name]]
