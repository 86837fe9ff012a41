"""Heads, necks and bodies."""

from __future__ import annotations

import numpy as np
from scipy.spatial.transform import Rotation

from core.guidance.states import HeadStates, MovingHead
from tests.core.guidance.heads import state
from tests.rigs import make_rig


def _with_neck() -> MovingHead:
    """The lower fifth of the head hangs on the neck's bone."""
    rig = make_rig()
    weights = rig.skin_weights.copy()
    low = rig.neutral[:, 1] < np.quantile(rig.neutral[:, 1], 0.2)
    weights[low] = np.eye(weights.shape[1], dtype=np.float32)[rig.joint_names.index("neck")]
    return MovingHead(make_rig(skin_weights=weights), state())


def test_a_turn_about_the_neck_leaves_the_body_where_it_is() -> None:
    head = _with_neck()
    rig, still = make_rig(), state()
    neck = rig.joints[rig.joint_names.index("neck")]
    turn = Rotation.from_euler("y", 0.5).as_matrix().astype(np.float32)
    rotation = still.rotation[0] @ turn
    # R n + t is where it was
    translation = still.translation[0] + still.rotation[0] @ neck - rotation @ neck
    _, _, body = head.rigid(HeadStates(still.coefficients, rotation[None], translation[None]))
    assert np.abs(body).max() < 1e-6


def test_the_head_goes_with_its_pose_and_the_necks_end_stays() -> None:
    head = _with_neck()
    moved = head.vertices(state(move=(0.05, 0, 0)))[0] - head.source
    assert np.abs(moved[head.follows == 1] - (0.05, 0, 0)).max() < 1e-6
    lowest = np.argmin(head.follows)
    assert head.follows[lowest] < 0.05
    assert 0 < moved[lowest, 0] < 0.025


def test_eye_bones_turn_eyeballs_and_nothing_else() -> None:
    rig = make_rig()
    head = MovingHead(rig, state())
    still = state()
    turn = np.tile(Rotation.from_euler("y", 0.3).as_matrix().astype(np.float32), (1, 2, 1, 1))
    moved = head.vertices(HeadStates(still.coefficients, still.rotation, still.translation, turn))[0]
    apart = np.linalg.norm(moved - head.source, axis=1)
    ball = rig.regions == rig.region_names.index("eye_left")
    assert apart[ball].max() > 1e-3
    eyes = ball | (rig.regions == rig.region_names.index("eye_right"))
    assert apart[~eyes].max() < 1e-6
