"""RecNet: a face of one picture, learnt from pictures alone (JR2Net, Shang et al., 2023)."""

from __future__ import annotations

from typing import Final

from models.face_code import FaceCode, FaceCodeNet
from models.losses.perception import FaceEmbedding
from models.losses.reconstruction import Observed, ReconstructionWeights, Terms, reconstruction_terms
from models.rendering import Rendered

WEIGHTS: Final = ReconstructionWeights(sparsity=0.0)
"""Render, landmark, identity and regularisation losses are what the paper lists; their weights are in its
supplement. These are CPEM's, who follow the same two papers."""


class RecNet(FaceCodeNet):
    """ResNet-50 that regresses identity, expression, albedo, pose and 27 spherical harmonics.

    The paper has 80 + 51 + 64 coefficients, its 51 blendshapes being ARKit's without the tongue. Arguments
    as :class:`~models.face_code.FaceCodeNet`.
    """

    def __init__(
        self, identity: int = 80, albedo: int = 64, backbone: str = "resnet50", spread: bool = False
    ) -> None:
        super().__init__(identity, albedo, backbone, spread)


def rec_net_terms(
    code: FaceCode,
    rendered: Rendered,
    observed: Observed,
    weights: ReconstructionWeights = WEIGHTS,
    embedding: FaceEmbedding | None = None,
) -> Terms:
    """What RecNet is trained for; ``rendered`` is ``code`` drawn by ``models.rendering``."""
    return reconstruction_terms(code, rendered, observed, weights, embedding)
