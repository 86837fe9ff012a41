"""A live performance as a track."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from core.errors import NoFaceFound
from core.live.frame import LiveFrame
from core.track import Source, Track
from core.tracking.bridge import spans


def track_of(
    frames: Sequence[LiveFrame],
    name: str,
    source: Source,
    rig_id: str | None = None,
    provenance: dict[str, Any] | None = None,
) -> Track:
    """The track of frames in the order of their times: what was shown, smoothing included.

    Raises:
        NoFaceFound: no frame shows a face, or there is none.
    """
    found = np.array([frame.found for frame in frames], bool)
    if not found.any():
        raise NoFaceFound("No face was seen, so nothing was recorded.", "Check the camera's picture.")
    times = np.array([frame.time for frame in frames])
    times -= times[0]
    return Track(
        name=name,
        fps=float(1.0 / np.median(np.diff(times))) if len(times) > 1 else 30.0,
        times=times,
        coefficients=np.stack([frame.coefficients for frame in frames]),
        head_rotation=np.stack([frame.head_rotation for frame in frames]),
        head_translation=np.stack([frame.head_translation for frame in frames]),
        gaze=np.stack([frame.gaze for frame in frames]),
        confidence=np.array([frame.confidence for frame in frames], np.float32),
        lost=tuple(spans(~found)),
        source=source,
        rig_id=rig_id,
        provenance={"live": True, **(provenance or {})},
    )
