"""Features for perceptual losses: of VGG-19 where its weights are given, else of EfficientNet-Lite0."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from core.errors import ModelUnreadable
from models.backbone_weights import read_state_dict
from models.backbones import IMAGENET_DEVIATION, IMAGENET_MEAN
from models.losses.lite0 import EfficientNetLite0, lite0_file

_VGG19: Final = (64, 64, 0, 128, 128, 0, 256, 256, 256, 256, 0, 512, 512, 512, 512, 0, 512)  # 0 halves
_HINT: Final = "Give torchvision's weights of VGG-19, as .pth or .safetensors."


class PerceptualFeatures(nn.Module):
    """A fixed network from pictures to activation maps φ_i, from fine to coarse."""

    mean: Tensor
    deviation: Tensor

    def __init__(self, mean: tuple[float, ...], deviation: tuple[float, ...]) -> None:
        super().__init__()
        for name, value in (("mean", mean), ("deviation", deviation)):
            self.register_buffer(name, torch.tensor(value)[:, None, None], persistent=False)

    def maps(self, normalised: Float[Tensor, "batch 3 height width"]) -> list[Tensor]:
        """The activation maps of normalised pictures."""
        raise NotImplementedError

    def forward(self, images: Float[Tensor, "batch 3 height width"]) -> list[Tensor]:
        """The activation maps of RGB pictures, sRGB as stored, about [0, 1]."""
        return self.maps((images - self.mean) / self.deviation)


class VGG19Features(PerceptualFeatures):
    """relu1_1, relu2_1, ... relu5_1 of VGG-19 (Simonyan and Zisserman, 2015), with random weights."""

    def __init__(self) -> None:
        super().__init__(IMAGENET_MEAN, IMAGENET_DEVIATION)
        layers: list[nn.Module] = []
        inputs = 3
        self._kept: list[int] = []
        for width in _VGG19:
            if not width:
                layers.append(nn.MaxPool2d(2))
                continue
            if width != inputs:  # first of its size
                self._kept.append(len(layers) + 1)
            layers += [nn.Conv2d(inputs, width, 3, padding=1), nn.ReLU()]
            inputs = width
        self._kept = [self._kept[k] for k in range(4)] + [len(layers) - 1]
        self.features = nn.Sequential(*layers)
        self.requires_grad_(False)

    def maps(self, normalised: Float[Tensor, "batch 3 height width"]) -> list[Tensor]:
        """See :class:`PerceptualFeatures`."""
        found, x = [], normalised
        for number, layer in enumerate(self.features):
            x = layer(x)
            if number in self._kept:
                found.append(x)
        return found


class Lite0Features(PerceptualFeatures):
    """Five scales of EfficientNet-Lite0, each divided by its own size, with random weights.

    VGG's activations are of like size in all layers, and a sum over layers weighs them alike; those of Lite0
    are not. The size is that of what its batch normalisation lets through, √(mean(γ² + β²)).
    """

    def __init__(self) -> None:
        super().__init__((127 / 255,) * 3, (128 / 255,) * 3)
        self.net = EfficientNetLite0()
        self.requires_grad_(False).eval()

    def train(self, mode: bool = True) -> Lite0Features:
        """Never: its batch normalisation keeps ImageNet's means."""
        return super().train(False)

    def maps(self, normalised: Float[Tensor, "batch 3 height width"]) -> list[Tensor]:
        """See :class:`PerceptualFeatures`."""
        found: list[Tensor] = self.net(normalised)
        kept = [found[0], *found[2:]]  # two are of half the side; the stem's has more to say
        return [x / size for x, size in zip(kept, self._sizes(), strict=True)]

    def _sizes(self) -> list[Tensor]:
        norms = [self.net._bn0]
        for last in self.net.last_blocks[1:]:
            norm = self.net.get_submodule(f"_blocks.{last}._bn2")
            assert isinstance(norm, nn.BatchNorm2d)
            norms.append(norm)
        return [(norm.weight.square() + norm.bias.square()).mean().sqrt() for norm in norms]


def load_features(vgg19: Path | None = None) -> PerceptualFeatures:
    """The features that losses compare pictures by; nothing of them is trained.

    Args:
        vgg19: torchvision's weights of VGG-19, ``.safetensors`` or ``.pth`` (no code in it is run);
            EfficientNet-Lite0's weights of ImageNet where not given.

    Raises:
        DependencyMissing: no file is given, and the package with Lite0's weights is not installed.
        ModelMissing, ModelUnreadable: the file is missing, damaged or of another network.
    """
    path = lite0_file() if vgg19 is None else vgg19
    net: PerceptualFeatures
    if vgg19 is None:
        net = Lite0Features()
        prefix = "net."
    else:
        net = VGG19Features()
        prefix = ""
    found = {f"{prefix}{name}": value for name, value in read_state_dict(path).items()}
    own = net.state_dict()
    fits = all(name in found and found[name].shape == value.shape for name, value in own.items())
    if not fits or not all(found[name].isfinite().all() for name in own):
        raise ModelUnreadable(f"{path} is of another network, or holds numbers that are not finite.", _HINT)
    net.load_state_dict({name: found[name] for name in own})
    return net.eval()


def gram(maps: Float[Tensor, "batch channels height width"]) -> Float[Tensor, "batch channels channels"]:
    """The Gram matrix of activation maps, over their channels and pixels: G = Φ Φᵀ / (c h w)."""
    flat = maps.flatten(2)
    return flat @ flat.transpose(1, 2) / (flat.shape[1] * flat.shape[2])


def perceptual_loss(
    features: PerceptualFeatures,
    images: Float[Tensor, "batch 3 side side"],
    truth: Float[Tensor, "batch 3 side side"],
    scales: int,
) -> tuple[Float[Tensor, ""], Float[Tensor, ""]]:
    """Reconstruction loss L_c at several scales, and style loss L_s at the picture's own.

    L_c = Σ_ij mean |φ_i(I_g^j) − φ_i(I_d^j)| (eq. 8 of the guided reenactment paper) and
    L_s = Σ_i mean |G_i(I_g) − G_i(I_d)| (eq. 9), j halvings of the side, over each map's mean.

    Args:
        scales: how many sizes, the picture's own included.
    """
    content, style = images.new_zeros(()), images.new_zeros(())
    for scale in range(scales):
        if scale:
            images, truth = F.avg_pool2d(images, 2), F.avg_pool2d(truth, 2)
        with torch.no_grad():
            known = features(truth)
        for said, true in zip(features(images), known, strict=True):
            content = content + (said - true).abs().mean()
            if not scale:
                style = style + (gram(said) - gram(true)).abs().mean()
    return content, style
