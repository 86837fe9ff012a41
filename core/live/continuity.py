"""Going over from one way of measuring to another without a jump."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from scipy.spatial.transform import Rotation

from core.tracking.bridge import fade


@dataclass(frozen=True, eq=False)
class State:
    """Expression and pose of a moment: coefficients, head → camera, metres."""

    coefficients: Float[ndarray, "52"]
    rotation: Float[ndarray, "3 3"]
    translation: Float[ndarray, "3"]


class Continuity:
    """Adds to what is measured what was shown before a switch, less and less.

    At a switch the result is what was shown last; then the difference fades out, with level ends. So a face
    that is lost eases to rest, one that comes back eases in, and a head that is known better does not jump.
    """

    def __init__(self) -> None:
        self._began = 0.0
        self._expression_seconds = self._pose_seconds = 1.0
        self._coefficients = np.zeros(52)
        self._turn = np.zeros(3)
        self._way = np.zeros(3)

    def switch(
        self, time: float, shown: State, measured: State, expression_seconds: float, pose_seconds: float
    ) -> None:
        """From now on ``measured`` counts, and until now ``shown`` was shown."""
        self._began = time
        self._expression_seconds, self._pose_seconds = expression_seconds, pose_seconds
        self._coefficients = shown.coefficients - measured.coefficients
        self._turn = Rotation.from_matrix(shown.rotation @ measured.rotation.T).as_rotvec()
        self._way = shown.translation - measured.translation

    def __call__(self, time: float, measured: State) -> State:
        """What to show."""
        since = time - self._began
        expression, pose = fade(np.array([since / self._expression_seconds, since / self._pose_seconds]))
        if expression > 0.0:
            mixed = (measured.coefficients + expression * self._coefficients).clip(0.0, 1.0)
            measured = replace(measured, coefficients=mixed)
        if pose > 0.0:
            measured = replace(
                measured,
                rotation=Rotation.from_rotvec(pose * self._turn).as_matrix() @ measured.rotation,
                translation=measured.translation + pose * self._way,
            )
        return measured
