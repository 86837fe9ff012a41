"""Backbones that read pictures: ResNet-34 and ResNet-50, MobileNetV2, and a small ResNet for CPUs.

He et al., "Deep residual learning for image recognition" (2016); Sandler et al., "MobileNetV2: inverted
residuals and linear bottlenecks" (2018). Parameters have torchvision's names and shapes, so that its
published ImageNet weights load. ResNet-50 is built as torchvision trained it: a bottleneck strides in its 3×3
convolution, not in the 1×1 before it as in the paper.
"""

from __future__ import annotations

from typing import Final

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from core.errors import BadInput

IMAGENET_MEAN: Final = (0.485, 0.456, 0.406)
IMAGENET_DEVIATION: Final = (0.229, 0.224, 0.225)


class Backbone(nn.Module):
    """A network from pictures to features; also a classifier where ``classes`` were asked for.

    Attributes:
        feature_count: length of the feature vectors.
        classifier_name: first part of the names of the parameters that only classify.
    """

    feature_count: int
    classifier_name: str
    normal_mean: Tensor
    normal_deviation: Tensor

    def __init__(self) -> None:
        super().__init__()
        # not in the state dict: published ones do not have them
        for name, value in (("normal_mean", IMAGENET_MEAN), ("normal_deviation", IMAGENET_DEVIATION)):
            self.register_buffer(name, torch.tensor(value)[:, None, None], persistent=False)

    def feature_map(self, x: Float[Tensor, "batch 3 height width"]) -> Float[Tensor, "batch features h w"]:
        """The last features before pooling, of normalised pictures."""
        raise NotImplementedError

    def pooled(self, images: Float[Tensor, "batch 3 height width"]) -> Float[Tensor, "batch features"]:
        """Mean features of RGB pictures in [0, 1], which are normalised as ImageNet's were."""
        normalised = (images - self.normal_mean) / self.normal_deviation
        return self.feature_map(normalised).mean(dim=(2, 3))

    def forward(self, images: Float[Tensor, "batch 3 height width"]) -> Float[Tensor, "batch outputs"]:
        """Class scores of RGB pictures in [0, 1]; the features where there is no classifier."""
        classifier = getattr(self, self.classifier_name)
        scores: Tensor = classifier(self.pooled(images))
        return scores


def _convolution(inputs: int, outputs: int, size: int, stride: int = 1, groups: int = 1) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, size, stride, (size - 1) // 2, groups=groups, bias=False)


class BasicBlock(nn.Module):
    """Two 3×3 convolutions and a shortcut."""

    expansion = 1

    def __init__(self, inputs: int, width: int, stride: int) -> None:
        super().__init__()
        self.conv1 = _convolution(inputs, width, 3, stride)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = _convolution(width, width, 3)
        self.bn2 = nn.BatchNorm2d(width)
        self.downsample = _shortcut(inputs, width, stride)

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.bn1(self.conv1(x)))
        return F.relu(self.bn2(self.conv2(y)) + (x if self.downsample is None else self.downsample(x)))


class Bottleneck(nn.Module):
    """1×1, 3×3 and 1×1 convolutions and a shortcut."""

    expansion = 4

    def __init__(self, inputs: int, width: int, stride: int) -> None:
        super().__init__()
        self.conv1 = _convolution(inputs, width, 1)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = _convolution(width, width, 3, stride)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = _convolution(width, 4 * width, 1)
        self.bn3 = nn.BatchNorm2d(4 * width)
        self.downsample = _shortcut(inputs, 4 * width, stride)

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.bn1(self.conv1(x)))
        y = F.relu(self.bn2(self.conv2(y)))
        return F.relu(self.bn3(self.conv3(y)) + (x if self.downsample is None else self.downsample(x)))


def _shortcut(inputs: int, outputs: int, stride: int) -> nn.Sequential | None:
    if stride == 1 and inputs == outputs:
        return None
    return nn.Sequential(_convolution(inputs, outputs, 1, stride), nn.BatchNorm2d(outputs))


class ResNet(Backbone):
    """A residual network.

    Args:
        block: of which it is made.
        depths: blocks in each of the four layers.
        width: channels of the first layer; each of the others has twice as many as the one before.
        classes: none gives features.
    """

    classifier_name = "fc"

    def __init__(
        self,
        block: type[BasicBlock] | type[Bottleneck],
        depths: tuple[int, int, int, int],
        width: int = 64,
        classes: int | None = None,
    ) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, width, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        inputs = width
        for number, depth in enumerate(depths):
            outputs, blocks = width * 2**number, []
            for k in range(depth):
                blocks.append(block(inputs, outputs, 2 if number > 0 and k == 0 else 1))
                inputs = outputs * block.expansion
            self.add_module(f"layer{number + 1}", nn.Sequential(*blocks))
        self.feature_count = inputs
        self.fc = nn.Linear(inputs, classes) if classes else nn.Identity()
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def feature_map(self, x: Float[Tensor, "batch 3 height width"]) -> Float[Tensor, "batch features h w"]:
        x = F.max_pool2d(F.relu(self.bn1(self.conv1(x))), 3, 2, 1)
        for number in range(4):
            x = self.get_submodule(f"layer{number + 1}")(x)
        return x


def _normalised_relu6(
    inputs: int, outputs: int, size: int, stride: int = 1, groups: int = 1
) -> nn.Sequential:
    convolution = _convolution(inputs, outputs, size, stride, groups)
    return nn.Sequential(convolution, nn.BatchNorm2d(outputs), nn.ReLU6(inplace=True))


class InvertedResidual(nn.Module):
    """Widen by 1×1, filter each channel by 3×3, narrow by 1×1; a shortcut where shapes allow."""

    def __init__(self, inputs: int, outputs: int, stride: int, expand: int) -> None:
        super().__init__()
        wide = inputs * expand
        self.shortcut = stride == 1 and inputs == outputs
        self.conv = nn.Sequential(
            *([_normalised_relu6(inputs, wide, 1)] if expand != 1 else []),
            _normalised_relu6(wide, wide, 3, stride, wide),
            _convolution(wide, outputs, 1),
            nn.BatchNorm2d(outputs),
        )

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.conv(x)
        return x + y if self.shortcut else y


class MobileNetV2(Backbone):
    """MobileNetV2 at width 1; ``classes`` as :class:`ResNet`."""

    classifier_name = "classifier"
    _layers = (  # expansion, channels, blocks, stride of the first: table 2 of the paper
        (1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2),
        (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1),
    )  # fmt: skip

    def __init__(self, classes: int | None = None) -> None:
        super().__init__()
        layers: list[nn.Module] = [_normalised_relu6(3, 32, 3, 2)]
        inputs = 32
        for expand, channels, blocks, stride in self._layers:
            for k in range(blocks):
                layers.append(InvertedResidual(inputs, channels, stride if k == 0 else 1, expand))
                inputs = channels
        layers.append(_normalised_relu6(inputs, 1280, 1))
        self.feature_count = 1280
        self.features = nn.Sequential(*layers)
        head = nn.Sequential(nn.Dropout(0.2), nn.Linear(1280, classes)) if classes else nn.Identity()
        self.classifier: nn.Module = head
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out")

    def feature_map(self, x: Float[Tensor, "batch 3 height width"]) -> Float[Tensor, "batch features h w"]:
        maps: Tensor = self.features(x)
        return maps


BACKBONES: Final = ("resnet50", "resnet34", "resnet18_48", "resnet18_32", "mobilenetv2", "small")


def make_backbone(name: str, classes: int | None = None) -> Backbone:
    """One of :data:`BACKBONES`, with random weights.

    ``resnet18_48`` and ``resnet18_32`` are ResNet-18 with 3/4 and half of the channels, 6.3 and 2.8 million
    parameters: what fits into a file of 16 MiB in half precision. ``small`` is a ResNet of four basic blocks
    and a quarter of the channels, 0.3 million parameters: it trains on a CPU. No ImageNet weights exist for
    these.

    Args:
        classes: of the classifier; none for features alone.

    Raises:
        BadInput: there is no such backbone.
    """
    if name == "resnet50":
        return ResNet(Bottleneck, (3, 4, 6, 3), classes=classes)
    if name == "resnet34":
        return ResNet(BasicBlock, (3, 4, 6, 3), classes=classes)
    if name in ("resnet18_48", "resnet18_32"):
        return ResNet(BasicBlock, (2, 2, 2, 2), width=int(name[-2:]), classes=classes)
    if name == "mobilenetv2":
        return MobileNetV2(classes)
    if name == "small":
        return ResNet(BasicBlock, (1, 1, 1, 1), width=16, classes=classes)
    raise BadInput(f"There is no backbone {name}.", f"Choose one of {', '.join(BACKBONES)}.")
