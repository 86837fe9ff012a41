"""A clip that is made up, for tests of what reads clips."""

from __future__ import annotations

import numpy as np

from core.guidance.source import Source
from core.guidance.states import HeadStates
from models.reenactment.clip import Clip
from tests.core.guidance.heads import pictured_head, state


def pictured_clip(frames: int = 5) -> Clip:
    """A head that goes sideways; its pictures are the first one throughout."""
    source: Source = pictured_head()
    moves = [state(move=(0.01 * number, 0, 0)) for number in range(frames)]
    states = HeadStates(
        *(
            np.concatenate([getattr(one, name) for one in moves])
            for name in ("coefficients", "rotation", "translation")
        )
    )
    pictures = np.repeat((source.picture[None] * 255).astype(np.uint8), frames, axis=0)
    people = (source.person[None] * 255).astype(np.uint8)
    return Clip(source.rig, pictures, states, np.array([0]), people, np.array(source.intrinsics), source.sh)
