"""Landmarks in the picture: where they are, and how far lids and lips are open.

All take pixels of one crop size; the papers' weights are for crops of 224.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import torch
from jaxtyping import Float
from torch import Tensor

from core.face_model.model import LANDMARK_COUNT
from core.landmark_topology import EYELID_PAIRS_LEFT, EYELID_PAIRS_RIGHT, FACE_OVAL, LIP_PAIRS

EYELID_PAIRS: Final = (*EYELID_PAIRS_LEFT, *EYELID_PAIRS_RIGHT)
CONTOUR_WEIGHT: Final = 1.0
INNER_WEIGHT: Final = 10.0


def landmark_weights() -> Float[Tensor, "478"]:
    """CPEM's: 1 on the face's contour, which slides along the surface, and 10 inside it."""
    weights = torch.full((LANDMARK_COUNT,), INNER_WEIGHT)
    weights[list(FACE_OVAL)] = CONTOUR_WEIGHT
    return weights


def landmark_loss(
    projected: Float[Tensor, "batch landmarks 2"],
    seen: Float[Tensor, "batch landmarks 2"],
    weights: Float[Tensor, " landmarks"],
) -> Float[Tensor, ""]:
    """Weighted squared distances (CPEM eq. 8), mean over landmarks and batch.

    The equation sums over the landmarks; CPEM's release takes the mean, for which its weight 0.1 is. The mean
    also gives 478 landmarks the weight of the papers' 68.
    """
    return ((projected - seen).square().sum(dim=2) * weights).mean()


def closure_loss(
    projected: Float[Tensor, "batch landmarks 2"],
    seen: Float[Tensor, "batch landmarks 2"],
    pairs: Sequence[tuple[int, int]],
) -> Float[Tensor, ""]:
    """Offsets between landmarks across an opening (DECA eq. 6, l1): sum over the pairs, mean over the batch.

    A landmark loss does not close an eye when the whole face is a pixel off; offsets do not see that.
    """
    upper, lower = (list(indices) for indices in zip(*pairs, strict=True))
    opening, wanted = (points[:, upper] - points[:, lower] for points in (projected, seen))
    return (wanted - opening).abs().sum(dim=(1, 2)).mean()


def eye_closure_loss(
    projected: Float[Tensor, "batch 478 2"], seen: Float[Tensor, "batch 478 2"]
) -> Float[Tensor, ""]:
    """:func:`closure_loss` of the eyelids."""
    return closure_loss(projected, seen, EYELID_PAIRS)


def lip_closure_loss(
    projected: Float[Tensor, "batch 478 2"], seen: Float[Tensor, "batch 478 2"]
) -> Float[Tensor, ""]:
    """:func:`closure_loss` of the lips, as in DECA's release; the paper has it for eyes alone."""
    return closure_loss(projected, seen, LIP_PAIRS)
