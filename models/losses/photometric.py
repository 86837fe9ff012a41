"""How much a rendered face looks like the photo, where the photo shows skin."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor
from torch.linalg import vector_norm


def photometric_loss(
    rendered: Float[Tensor, "batch 3 height width"],
    photos: Float[Tensor, "batch 3 height width"],
    region: Float[Tensor, "batch height width"],
    skin: Float[Tensor, "batch height width"],
) -> Float[Tensor, ""]:
    """Distance of colours, mean over the face's visible skin, then over the batch (CPEM eq. 6, l_2,1).

    Every picture counts the same however small its face; one without skin in the region counts 0. The papers
    measure colours from 0 to 255, and their weights are for that.

    Args:
        rendered, photos: colours in one scale.
        region: M, where the rendered head is skin.
        skin: A, how surely the photo shows bare skin there, 0-1. It keeps hair, glasses and hands out.
    """
    weight = region * skin
    distance = vector_norm(rendered - photos, dim=1)
    total = weight.sum(dim=(1, 2))
    mean = (weight * distance).sum(dim=(1, 2)) / total.clamp_min(1e-6)
    return mean.mean()
