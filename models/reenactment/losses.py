"""What the networks learn from: the paper's two losses (eq. 8–10), and errors of pixels beside them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import torch
from jaxtyping import Float
from torch import Tensor

from core.numbers import Number
from models.losses.features import PerceptualFeatures, perceptual_loss
from models.reenactment.batch import MASKS, GuidanceBatch
from models.reenactment.guided_net import Reenacted
from models.reenactment.warping import warp

_FACE: Final = MASKS.index("face")


@dataclass(frozen=True)
class LossWeights:
    """Weights of the terms; a term of weight 0 is not worked out.

    Attributes:
        content: L_c (eq. 8).
        style: L_s (eq. 9), the paper's λ_s.
        pixels: mean absolute error of the picture. Features of an ImageNet network forgive small shifts of
            colour and place; a preview beside the photo must not, and L1 is what it is measured by.
        face: how much more the face's pixels weigh in ``pixels``: eyes and mouth are few, and what everybody
            looks at.
        warped: mean absolute error of the warped source where it is seen, which teaches the flow where a
            blended picture would rather paint over.
        generated: mean of the blend's mask: paint no more than brings something, for what is warped keeps
            the photo's sharpness at any size.
    """

    content: Number = 1.0
    style: Number = 250.0
    pixels: Number = 0.0
    face: Number = 0.0
    warped: Number = 0.0
    generated: Number = 0.0


def pixel_error(
    images: Float[Tensor, "batch 3 side side"],
    truth: Float[Tensor, "batch 3 side side"],
    weight: Float[Tensor, "batch 1 side side"] | None = None,
) -> Float[Tensor, ""]:
    """Weighted mean absolute error: Σ w |I_g − I_d| / Σ w."""
    error = (images - truth).abs().mean(dim=1, keepdim=True)
    return error.mean() if weight is None else (weight * error).sum() / weight.sum().clamp_min(1e-6)


def loss_terms(
    said: Reenacted,
    batch: GuidanceBatch,
    features: PerceptualFeatures | None,
    weights: LossWeights,
    scales: int,
    attention: Float[Tensor, "batch 1 side side"] | None = None,
) -> dict[str, Tensor]:
    """The weighted terms, by name; their sum is L (eq. 10).

    Args:
        features: none where neither ``content`` nor ``style`` is asked for.
        scales: of eq. 8.
        attention: further weights of pixels, such as high ones at eyes and mouth.
    """
    terms: dict[str, Tensor] = {}
    if features is not None and (weights.content or weights.style):
        content, style = perceptual_loss(features, said.picture, batch.target, scales)
        terms |= {"content": weights.content * content, "style": weights.style * style}
    if weights.pixels:
        weight = 1 + weights.face * batch.masks[:, _FACE : _FACE + 1]
        if attention is not None:
            weight = weight * attention
        terms["pixels"] = weights.pixels * pixel_error(said.picture, batch.target, weight)
    if weights.warped:
        seen = said.occlusion.detach()  # else hiding everything would be the easiest way
        terms["warped"] = weights.warped * pixel_error(warp(batch.source, said.flow), batch.target, seen)
    if weights.generated:
        terms["generated"] = weights.generated * said.generated.mean()
    return terms


@torch.no_grad()
def picture_figures(
    images: Float[Tensor, "batch 3 side side"], truth: Float[Tensor, "batch 3 side side"]
) -> dict[str, float]:
    """L1 and PSNR (dB) of pictures, which are clamped to [0, 1]; PSNR is the mean of the pictures' own."""
    error = images.clamp(0, 1) - truth
    power = error.square().mean(dim=(1, 2, 3)).clamp_min(1e-10)
    return {"l1": float(error.abs().mean()), "psnr": float((-10 * power.log10()).mean())}
