"""What live tracking knows of one moment."""

from __future__ import annotations

from dataclasses import dataclass

from jaxtyping import Float32
from numpy import ndarray

from core.arkit import ARKIT_NAMES


@dataclass(frozen=True, eq=False)
class LiveFrame:
    """One frame, smoothed causally; made by :class:`core.live.tracker.LiveTracker`.

    Attributes:
        time: seconds since the source's first frame.
        found: whether the face was seen; where not, the values ease to rest.
        coefficients: in [0, 1], in the order of ``ARKIT_NAMES``.
        head_rotation, head_translation: head → camera, metres, as in :class:`core.track.Track`. Zero
            translation until the face is seen for the first time.
        gaze: yaw and pitch of the left and the right eye, radians, as in :class:`core.track.Track`.
        confidence: 0 (not seen) to 1.
    """

    time: float
    found: bool
    coefficients: Float32[ndarray, "52"]
    head_rotation: Float32[ndarray, "3 3"]
    head_translation: Float32[ndarray, "3"]
    gaze: Float32[ndarray, "2 2"]
    confidence: float

    def named(self) -> dict[str, float]:
        """The coefficients by name."""
        return dict(zip(ARKIT_NAMES, self.coefficients.tolist(), strict=True))
