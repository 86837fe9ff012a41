"""Causal smoothing of expression and pose."""

from __future__ import annotations

import numpy as np
from scipy.spatial.transform import Rotation

from core.live.continuity import State
from core.retarget.filters import OneEuro

_CUTOFF, _SPEED = 2.0, 20.0  # what the smoothing benchmark compares causal filters with


class StateFilter:
    """One Euro filters on coefficients, rotation and place. Make a new one where the measuring changes.

    Args:
        strength: 0 changes nothing, 1 is right for the tracker's jitter, more lags more.
    """

    def __init__(self, strength: float) -> None:
        self._filter = OneEuro(_CUTOFF / strength, _SPEED / strength) if strength > 0 else None

    def __call__(self, time: float, state: State) -> State:
        if self._filter is None:
            return state
        columns = state.rotation[:, :2].ravel()
        values = self._filter(time, np.concatenate([state.coefficients, columns, state.translation]))
        first, second = values[52:58].reshape(3, 2).T
        turned = np.stack([first, second, np.cross(first, second)], axis=1)
        # the nearest rotation, which from_matrix finds
        return State(values[:52], Rotation.from_matrix(turned).as_matrix(), values[58:])
