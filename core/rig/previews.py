"""The head shots that a rig keeps of its photos, and where they lie in them.

How a rig was made is free text in its file, so nothing about it is taken for granted.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from core.face_model.model import LANDMARK_COUNT
from core.rig.document import Rig


def preview_origin(rig: Rig, index: int) -> Mapping[str, Any] | None:
    """What is known of a photo's head shot; none where the rig has none.

    Returns:
        ``preview``, its name among the rig's; ``left``, ``top`` and ``scale``: a pixel ``p`` of the photo is
        ``(p - (left, top)) * scale`` in it; ``landmarks``, its pixels.
    """
    origins = rig.provenance.get("photos")
    if not isinstance(origins, list) or index >= len(origins):
        return None
    origin = origins[index]
    return origin if _is_origin(rig, origin) else None


def _is_origin(rig: Rig, origin: object) -> bool:
    if not isinstance(origin, dict) or origin.get("preview") not in rig.previews:
        return False
    numbers = [origin.get(name) for name in ("left", "top", "scale")]
    if not all(isinstance(number, float | int) and math.isfinite(number) for number in numbers):
        return False
    try:
        landmarks = np.array(origin.get("landmarks"), np.float32)
    except (TypeError, ValueError):
        return False
    return origin["scale"] > 0 and landmarks.shape == (LANDMARK_COUNT, 2)
