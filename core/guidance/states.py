"""What a head does at some moments, and where that puts its vertices before the camera."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Float32
from numpy import ndarray

from core.geometry.smooth import smoothstep
from core.rig import Rig

_WHOLE: Final = 0.75  # of the height from the neck's lower end to its joint: from here on with the head

_SWAY: Final = np.array([0.3, 0.3, 0.0])
"""Part of the neck's way that shoulders go: least error on clips; how far off they are stays as it is."""


@dataclass(frozen=True)
class HeadStates:
    """A head at some moments.

    Attributes:
        coefficients: in the order of ``ARKIT_NAMES``.
        rotation, translation: from head space to OpenCV camera axes, metres.
        eye_rotation: of the left and the right eyeball about its joint, head space, besides what the
            coefficients turn; none where not given.
    """

    coefficients: Float32[ndarray, "frames 52"]
    rotation: Float32[ndarray, "frames 3 3"]
    translation: Float32[ndarray, "frames 3"]
    eye_rotation: Float32[ndarray, "frames 2 3 3"] | None = None

    def __len__(self) -> int:
        return len(self.coefficients)

    def __getitem__(self, part: slice | ndarray) -> HeadStates:
        eyes = None if self.eye_rotation is None else self.eye_rotation[part]
        return HeadStates(self.coefficients[part], self.rotation[part], self.translation[part], eyes)


class MovingHead:
    """A rig's vertices in camera axes, with a neck that joins the head to a body.

    The head's rigid motion from the source to the target takes ``X`` to ``M X``. The body goes with the
    neck's joint ``N``: by a part of ``M N - N``, so that a head that only turns about its neck leaves the
    shoulders where they are. What lies between takes a part ``w`` of the one and ``1 - w`` of the other.

    Attributes:
        follows: w of each vertex: 1 on the head, 0 at the lower end of the neck.
    """

    def __init__(self, rig: Rig, source: HeadStates) -> None:
        self._keys = np.ascontiguousarray(rig.shape_keys.reshape(52, -1))
        self._neutral = rig.neutral.reshape(-1)
        self._joints = rig.joints
        self._eyes = [
            (np.flatnonzero(rig.regions == rig.region_names.index(name)), rig.joint_names.index(name))
            for name in ("eye_left", "eye_right")
        ]
        self.follows = _follows(rig)
        self._rotation, self._translation = source.rotation[0], source.translation[0]
        self._neck = self._rotation @ rig.joints[rig.joint_names.index("neck")] + self._translation
        self.source = self._before_camera(source)[0]

    def rigid(
        self, states: HeadStates
    ) -> tuple[Float32[ndarray, "frames 3 3"], Float32[ndarray, "frames 3"], Float32[ndarray, "frames 3"]]:
        """Rotation and translation of ``M``, and the way of the body, in camera axes.

        ``M = [R_t R_sᵀ, t_t - R_t R_sᵀ t_s]``.
        """
        turn = states.rotation @ self._rotation.T
        shift = states.translation - turn @ self._translation
        body = _SWAY * (turn @ self._neck + shift - self._neck)
        return turn, shift, body.astype(np.float32)

    def vertices(self, states: HeadStates) -> Float32[ndarray, "frames vertices 3"]:
        """``w (R_t v_t + t_t) + (1 - w) (R_s v_s + t_s + M N - N)``."""
        with_head = self._before_camera(states)
        _, _, body = self.rigid(states)
        with_body = self.source + body[:, None]
        follows = self.follows[:, None]
        return follows * with_head + (1 - follows) * with_body

    def _before_camera(self, states: HeadStates) -> Float32[ndarray, "frames vertices 3"]:
        heads = (self._neutral + states.coefficients @ self._keys).reshape(len(states), -1, 3)
        if states.eye_rotation is not None:
            for side, (ball, joint) in enumerate(self._eyes):
                arm = heads[:, ball] - self._joints[joint]
                heads[:, ball] = self._joints[joint] + arm @ states.eye_rotation[:, side].transpose(0, 2, 1)
        turned: ndarray = heads @ states.rotation.transpose(0, 2, 1) + states.translation[:, None]
        return turned.astype(np.float32)


def _follows(rig: Rig) -> Float32[ndarray, "vertices"]:
    """1 off the neck's bone; on it, by the height between the lower end and the neck's joint."""
    of_neck = rig.skin_weights[:, rig.joint_names.index("neck")]
    low, joint = rig.neutral[:, 1].min(), rig.joints[rig.joint_names.index("neck"), 1]
    height = (rig.neutral[:, 1] - low) / max(float(joint - low), 1e-3)
    return (1 - of_neck * (1 - smoothstep(height, 0.0, _WHOLE))).astype(np.float32)
