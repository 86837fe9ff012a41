"""Guidance of ``core`` → what the networks are told."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float32
from numpy import ndarray
from scipy.spatial.transform import Rotation
from torch import Tensor

from core.arkit import ARKIT_INDEX
from core.guidance.guidance import Guidance
from core.guidance.states import HeadStates
from models.reenactment.batch import GuidanceBatch

_WAY = 0.1  # metres that count as 1
_SIDES = ("Left", "Right")


def driving_code(source: HeadStates, target: HeadStates) -> Float32[ndarray, "frames 114"]:
    """ṽ_d: what the target does, against the source.

    Args:
        source: one frame.
    """
    frames = len(target)
    turn = Rotation.from_matrix(target.rotation @ source.rotation[0].T).as_rotvec()
    way = (target.translation - source.translation) / _WAY
    gaze = [
        target.coefficients[:, ARKIT_INDEX[f"eyeLook{plus}{side}"]]
        - target.coefficients[:, ARKIT_INDEX[f"eyeLook{minus}{side}"]]
        for side in _SIDES
        for plus, minus in (("Out", "In"), ("Down", "Up"))
    ]
    own = np.repeat(source.coefficients, frames, axis=0)
    return np.column_stack([target.coefficients, turn, way, *gaze, own]).astype(np.float32)


def guided_batch(
    picture: Float32[ndarray, "side side 3"],
    source: HeadStates,
    target: HeadStates,
    guidance: Guidance,
    truth: Float32[ndarray, "frames side side 3"] | None = None,
) -> GuidanceBatch:
    """Pairs of one source.

    Args:
        picture: the source's.
        source: one frame: its head.
        target: the heads of the guidance.
        truth: pictures of the targets, where they are known; else zeros.
    """
    frames, side = len(target), len(picture)
    sources = _planes(picture[None]).expand(frames, -1, -1, -1)
    return GuidanceBatch(
        source=sources,
        target=torch.zeros_like(sources) if truth is None else _planes(truth),
        flow=_planes(guidance.flow * np.float32(2 / side)),
        occlusion=torch.from_numpy(guidance.visible)[:, None],
        render=_planes(guidance.render),
        masks=_planes(guidance.masks),
        code=torch.from_numpy(driving_code(source, target)),
    )


def _planes(images: ndarray) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(images.transpose(0, 3, 1, 2)))
