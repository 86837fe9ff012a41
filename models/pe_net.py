"""PE-Net of CPEM: expressions from a picture, made sure of by several frames of a person in training.

Mo et al., "Towards accurate facial motion retargeting with identity-consistent and expression-exclusive
constraints", 2022.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from jaxtyping import Bool, Float, Int
from torch import Tensor

from core.numbers import Number
from models.face_code import FaceCode, FaceCodeNet
from models.losses.constraints import consistent_loss, exclusive_loss
from models.losses.perception import FaceEmbedding
from models.losses.reconstruction import Observed, ReconstructionWeights, Terms, reconstruction_terms
from models.rendering import Rendered


class PENet(FaceCodeNet):
    """ResNet-50 (or MobileNetV2) whose last layer gives the coefficients, expressions through a sigmoid.

    The paper has 80 + 46 + 80 coefficients, its 46 being FaceWarehouse's units. It reads single pictures;
    that frames belong together matters in training alone. Arguments as
    :class:`~models.face_code.FaceCodeNet`.
    """

    def __init__(
        self, identity: int = 80, albedo: int = 80, backbone: str = "resnet50", spread: bool = False
    ) -> None:
        super().__init__(identity, albedo, backbone, spread)


@dataclass(frozen=True)
class PENetWeights(ReconstructionWeights):
    """Weights of eq. 2, those of eq. 5 among them, and the schedule.

    Attributes:
        consistent: λ_idc of eq. 3.
        exclusive: λ_exp of eq. 4.
        exclusive_from: part of training after which eq. 4 counts: the last 100,000 of 300,000 iterations.
    """

    settings: ClassVar[tuple[str, ...]] = (*ReconstructionWeights.settings, "exclusive_from")

    consistent: Number = 1000.0
    exclusive: Number = 10.0
    exclusive_from: Number = 2 / 3


def pe_net_terms(
    code: FaceCode,
    rendered: Rendered,
    observed: Observed,
    person: Int[Tensor, " batch"],
    progress: Number,
    weights: PENetWeights | None = None,
    *,
    embedding: FaceEmbedding | None = None,
    truth: Float[Tensor, "batch 52"] | None = None,
    comparable: Bool[Tensor, " batch"] | None = None,
) -> Terms:
    """What PE-Net is trained for (CPEM eq. 2), as a mean over frames.

    Args:
        rendered: ``code`` drawn by ``models.rendering``.
        person: whose face each picture shows; four frames a person in the paper.
        progress: how much of training is over, 0-1.
        truth: expressions where they are known; see :func:`~models.losses.constraints.exclusive_loss`.
        comparable: false for pictures whose identity is not that of the person's others, such as mirrored
            ones: eq. 3 leaves them out. All are where not given.
    """
    weights = weights or PENetWeights()
    terms = reconstruction_terms(code, rendered, observed, weights, embedding)
    if weights.consistent:
        identity = code.identity if comparable is None else code.identity[comparable]
        group = person if comparable is None else person[comparable]
        terms["consistent"] = weights.consistent * consistent_loss(identity, group)
    if weights.exclusive and progress >= weights.exclusive_from:
        terms["exclusive"] = weights.exclusive * exclusive_loss(code.expression, truth)
    return terms
