"""Parts of the two networks: convolutions, and normalisation that a code or a picture modulates."""

from __future__ import annotations

from typing import Final

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

SLOPE: Final = 0.1  # of leaky rectifiers, below 0


def convolution(inputs: int, outputs: int, size: int = 3, stride: int = 1) -> nn.Conv2d:
    """A convolution that keeps the size, or divides it by its stride, with weights for leaky rectifiers."""
    layer = nn.Conv2d(inputs, outputs, size, stride, (size - 1) // 2)
    nn.init.kaiming_normal_(layer.weight, SLOPE, nonlinearity="leaky_relu")
    assert layer.bias is not None
    nn.init.zeros_(layer.bias)
    return layer


def silent(layer: nn.Conv2d | nn.Linear) -> nn.Conv2d | nn.Linear:
    """The layer, made to say nothing but its bias, 0, until it has learnt something."""
    nn.init.zeros_(layer.weight)
    assert layer.bias is not None
    nn.init.zeros_(layer.bias)
    return layer


def rectified(x: Tensor) -> Tensor:
    """The leaky rectifier of both networks."""
    return F.leaky_relu(x, SLOPE)


def normalised(x: Float[Tensor, "batch channels h w"]) -> Float[Tensor, "batch channels h w"]:
    """(x − mean) / deviation, over each picture's pixels, in each channel."""
    # weights of 1 and 0 are said, for an exported network of any batch does not know how many channels it has
    channels = int(x.shape[1])
    return F.instance_norm(x, weight=x.new_ones(channels), bias=x.new_zeros(channels))


class AdaIN(nn.Module):
    """Adaptive instance normalisation (Huang and Belongie, 2017): a code says each channel's scale and bias.

    x' = (1 + γ(code)) · (x − mean) / deviation + β(code), mean and deviation over each picture's pixels.
    γ and β are 0 at first.
    """

    def __init__(self, channels: int, embedding: int) -> None:
        super().__init__()
        self.modulation = silent(nn.Linear(embedding, 2 * channels))

    def forward(
        self, x: Float[Tensor, "batch channels h w"], code: Float[Tensor, "batch embedding"]
    ) -> Float[Tensor, "batch channels h w"]:
        gamma, beta = self.modulation(code)[:, :, None, None].chunk(2, dim=1)
        return normalised(x) * (1 + gamma) + beta


class AdaINBlock(nn.Module):
    """x + conv(rectified(AdaIN(x))), as often as there are convolutions."""

    def __init__(self, channels: int, embedding: int, convolutions: int = 2) -> None:
        super().__init__()
        self.norms = nn.ModuleList(AdaIN(channels, embedding) for _ in range(convolutions))
        self.convs = nn.ModuleList(convolution(channels, channels) for _ in range(convolutions))

    def forward(
        self, x: Float[Tensor, "batch channels h w"], code: Float[Tensor, "batch embedding"]
    ) -> Float[Tensor, "batch channels h w"]:
        y = x
        for norm, conv in zip(self.norms, self.convs, strict=True):
            y = conv(rectified(norm(y, code)))
        return x + y


class SPADE(nn.Module):
    """Spatially adaptive normalisation (Park et al., 2019): a picture says scale and bias of every pixel.

    x' = (1 + γ(picture)) · (x − mean) / deviation + β(picture), instance normalisation without weights of
    its own; γ and β come by convolutions from ``hidden`` channels, and are small at first.
    """

    def __init__(self, channels: int, guide: int, hidden: int, kernel: int = 3) -> None:
        super().__init__()
        self.shared = convolution(guide, hidden)
        self.modulation = nn.Conv2d(hidden, 2 * channels, kernel, 1, (kernel - 1) // 2)

    def forward(
        self, x: Float[Tensor, "batch channels h w"], guide: Float[Tensor, "batch guide h w"]
    ) -> Float[Tensor, "batch channels h w"]:
        gamma, beta = self.modulation(rectified(self.shared(guide))).chunk(2, dim=1)
        return normalised(x) * (1 + gamma) + beta


class SPADEBlock(nn.Module):
    """x + conv(rectified(SPADE(x))), as often as there are convolutions.

    Args:
        guide: channels of the picture that modulates; 0 for instance normalisation alone.
    """

    def __init__(self, channels: int, guide: int, hidden: int, kernel: int, convolutions: int) -> None:
        super().__init__()
        self.norms = nn.ModuleList(
            SPADE(channels, guide, hidden, kernel) for _ in range(convolutions if guide else 0)
        )
        self.convs = nn.ModuleList(convolution(channels, channels) for _ in range(convolutions))

    def forward(
        self, x: Float[Tensor, "batch channels h w"], guide: Float[Tensor, "batch guide h w"]
    ) -> Float[Tensor, "batch channels h w"]:
        y = x
        for number, conv in enumerate(self.convs):
            y = self.norms[number](y, guide) if self.norms else normalised(y)
            y = conv(rectified(y))
        return x + y


class EncoderBlock(nn.Module):
    """x + conv(rectified(x)), as often as there are convolutions.

    Without normalisation: a picture's own colours and contrast are what the decoder is to give back.
    """

    def __init__(self, channels: int, convolutions: int) -> None:
        super().__init__()
        self.convs = nn.ModuleList(convolution(channels, channels) for _ in range(convolutions))

    def forward(self, x: Float[Tensor, "batch channels h w"]) -> Float[Tensor, "batch channels h w"]:
        y = x
        for conv in self.convs:
            y = conv(rectified(y))
        return x + y
