"""What a picture alone teaches about the face in it: the sum of the papers' self-supervised terms."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final

from jaxtyping import Float, UInt8
from torch import Tensor

from core.numbers import Number
from models.face_code import FaceCode
from models.losses.landmarks import eye_closure_loss, landmark_loss, landmark_weights, lip_closure_loss
from models.losses.perception import FaceEmbedding, perception_loss
from models.losses.photometric import photometric_loss
from models.losses.regularisers import coefficient_prior, sparsity_loss
from models.rendering import Rendered

Terms = dict[str, Tensor]
"""Weighted losses by name; training minimises their sum."""

_PAPERS_SIDE: Final = 224
_COLOURS: Final = 255.0


@dataclass(frozen=True)
class ReconstructionWeights:
    """Weights of the terms: CPEM's of eq. 5, which it took from Deng et al. (2019) and MGCNet.

    Attributes:
        photometric: of colours from 0 to 255, as the papers' programs have them.
        landmark: of pixels of a crop of 224.
        albedo: of the albedo's part in the prior (eq. 9).
        eye_closure, lip_closure: of pixels of a crop of 224. CPEM has none; DECA weighs them 1 and 0.5
            where its landmark loss weighs 1.
        settings: the fields that weigh no term of their own.
    """

    settings: ClassVar[tuple[str, ...]] = ("albedo",)

    photometric: Number = 1.9
    perception: Number = 0.2
    landmark: Number = 0.1
    prior: Number = 1e-4
    albedo: Number = 1.7e-3
    sparsity: Number = 0.1
    eye_closure: Number = 0.0
    lip_closure: Number = 0.0


@dataclass(frozen=True)
class Observed:
    """What is known of pictures.

    Attributes:
        image: RGB in [0, 1], sRGB as stored.
        skin: how surely a pixel shows the head's bare skin, 0-1.
        landmarks: pixels of the crop; z is not used.
    """

    image: Float[Tensor, "batch 3 side side"]
    skin: Float[Tensor, "batch side side"]
    landmarks: Float[Tensor, "batch 478 3"]

    @classmethod
    def from_bytes(
        cls,
        image: UInt8[Tensor, "batch side side 3"],
        skin: UInt8[Tensor, "batch side side"],
        landmarks: Float[Tensor, "batch 478 3"],
    ) -> Observed:
        """From pictures as they are stored."""
        return cls(image.permute(0, 3, 1, 2).float() / 255, skin.float() / 255, landmarks)


def reconstruction_terms(
    code: FaceCode,
    rendered: Rendered,
    observed: Observed,
    weights: ReconstructionWeights,
    embedding: FaceEmbedding | None = None,
) -> Terms:
    """The terms of CPEM eq. 5; those of weight 0 are left out, and perception where there is no network."""
    scale = _PAPERS_SIDE / observed.image.shape[-1]
    points, seen = scale * rendered.landmarks[..., :2], scale * observed.landmarks[..., :2]
    terms: Terms = {}
    if weights.photometric:
        difference = photometric_loss(rendered.image, observed.image, rendered.skin, observed.skin)
        terms["photometric"] = weights.photometric * _COLOURS * difference
    if weights.landmark:
        terms["landmark"] = weights.landmark * landmark_loss(points, seen, landmark_weights().to(points))
    if weights.perception and embedding is not None:
        drawn = embedding(rendered.over(observed.image), rendered.landmarks)
        terms["perception"] = weights.perception * perception_loss(
            drawn, embedding(observed.image, observed.landmarks)
        )
    if weights.prior:
        terms["prior"] = weights.prior * coefficient_prior(
            code.identity, code.albedo, albedo_weight=weights.albedo
        )
    if weights.sparsity:
        terms["sparsity"] = weights.sparsity * sparsity_loss(code.expression)
    if weights.eye_closure:
        terms["eye_closure"] = weights.eye_closure * eye_closure_loss(points, seen)
    if weights.lip_closure:
        terms["lip_closure"] = weights.lip_closure * lip_closure_loss(points, seen)
    return terms
