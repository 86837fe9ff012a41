"""ETNet learns expressions from pairs of pictures and coefficients; RecAugNet is RecNet with them (JR2Net).

A picture's landmarks say little of large expressions, and a network that learns from them says little too.
ETNet learns expressions alone, from pictures whose coefficients are known, by ``activation_loss``. The paper
makes those pictures by reenactment; any pairs will do, rendered or fitted.
"""

from __future__ import annotations

from dataclasses import replace

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from models.face_code import ExpressionNet, FaceCode
from models.rec_net import RecNet


class ETNet(ExpressionNet):
    """ResNet-34 with a linear layer. Arguments as :class:`~models.face_code.ExpressionNet`."""

    def __init__(self, backbone: str = "resnet34", spread: bool = False) -> None:
        super().__init__(backbone, spread)


class RecAugNet(nn.Module):
    """RecNet with ETNet in place of its own expressions.

    ETNet is trained and stays as it is; the rest of RecNet is trained on, by ``rec_net_terms``, so that
    identity and pose explain what ETNet's expressions leave. It is the same interface as RecNet's. How sure
    it is of expressions is ETNet's to say: where one of the two does not tell, neither does RecAugNet.

    Args:
        sides: pixels of the crops that RecNet and ETNet read, where they are not alike. Crops that
            RecAugNet is shown are as large as the larger, and each reads its own.
    """

    def __init__(self, rec_net: RecNet, et_net: ETNet, sides: tuple[int, int] | None = None) -> None:
        super().__init__()
        self.rec_net = rec_net
        self.et_net = et_net.requires_grad_(False).eval()
        shown = max(sides or (1,))
        self.crops = nn.ModuleList(Shrink(shown, side) for side in sides or (1, 1))

    def train(self, mode: bool = True) -> RecAugNet:
        """As of any module, but ETNet's statistics stay as they are."""
        super().train(mode)
        self.et_net.eval()
        return self

    def forward(
        self, images: Float[Tensor, "batch 3 side side"], camera: Float[Tensor, "batch 4"] | None = None
    ) -> FaceCode:
        """As :class:`~models.face_code.FaceCodeNet`."""
        own, other = (crop(images) for crop in self.crops)
        if camera is not None:
            camera = camera * (own.shape[-1] / images.shape[-1])
        code: FaceCode = self.rec_net(own, camera)
        expression, std = self.et_net.read(other)
        both = None
        if code.std is not None and std is not None:
            both = replace(code.std, expression=std)
        return replace(code, expression=expression, std=both)


class Shrink(nn.Module):
    """Square crops made smaller as training makes them: bilinear, without aliasing.

    It is ``torch.nn.functional.interpolate`` with ``antialias``, which is linear along rows and columns,
    as ``W image W^T``: products of matrices can be exported.

    Args:
        side, target: pixels before and after.
    """

    matrix: Tensor

    def __init__(self, side: int, target: int) -> None:
        super().__init__()
        self.same = side == target
        one_a_row = torch.eye(side)[None, None]  # columns are pictures of one column each
        matrix = F.interpolate(one_a_row, (target, side), mode="bilinear", antialias=True)[0, 0]
        self.register_buffer("matrix", matrix, persistent=False)

    def forward(self, images: Float[Tensor, "batch 3 side side"]) -> Float[Tensor, "batch 3 target target"]:
        """The crops in their new size."""
        if self.same:
            return images
        with torch.autocast(images.device.type, enabled=False):  # colours need all their digits
            return self.matrix @ images @ self.matrix.T
