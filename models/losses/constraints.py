"""CPEM's two constraints on what may explain a picture: one identity a person, no contradictory units."""

from __future__ import annotations

from typing import Final

from jaxtyping import Float, Int
from torch import Tensor

from core.arkit import ARKIT_INDEX, EXCLUSIVE_PAIRS

_FIRST: Final = [ARKIT_INDEX[a] for a, _ in EXCLUSIVE_PAIRS]
_SECOND: Final = [ARKIT_INDEX[b] for _, b in EXCLUSIVE_PAIRS]
_ABSENT: Final = 0.02  # a true coefficient below this is not there


def consistent_loss(
    values: Float[Tensor, "frames values"], group: Int[Tensor, " frames"]
) -> Float[Tensor, ""]:
    """Values agree with the mean of their group, which is held fixed (CPEM eq. 3, as a mean square).

    Eq. 3 is this for identity coefficients and a group a person. A group of one frame adds 0, and so does an
    empty batch.

    Args:
        group: frames with the same number belong together; in any order, as many as there are.
    """
    if not len(group):
        return values.sum()
    alike = (group[:, None] == group).to(values.dtype)  # torch.unique would make a GPU wait
    label = alike @ values / alike.sum(dim=1, keepdim=True)
    return (values - label.detach()).square().mean()


def exclusive_loss(
    expression: Float[Tensor, "frames 52"], truth: Float[Tensor, "frames 52"] | None = None
) -> Float[Tensor, ""]:
    """Of two units that exclude each other, the weaker goes to 0 (CPEM eq. 4).

    A sum over the pairs, and the mean over frames. Winner takes all, so it comes late in training, when the
    winner is mostly the right one.

    Args:
        truth: where it is known. Recorded takes do hold such pairs, so a unit that is there in truth is left
            alone.
    """
    a, b = expression[:, _FIRST], expression[:, _SECOND]
    a_loses, b_loses = b > a, a > b
    if truth is not None:
        a_loses, b_loses = a_loses & (truth[:, _FIRST] < _ABSENT), b_loses & (truth[:, _SECOND] < _ABSENT)
    loser = a.square() * a_loses + b.square() * b_loses
    return loser.sum(dim=1).mean()
