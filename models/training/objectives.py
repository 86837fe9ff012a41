"""What each network is trained for: the papers' terms, and errors against labels where they are known."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Final

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor

from core.errors import BadInput
from core.scene.camera import Number
from models.data.crops import SIDE
from models.data.sample import Batch
from models.face_code import FaceCode, default_camera
from models.losses.activation import activation_loss
from models.losses.reconstruction import Observed, ReconstructionWeights, Terms
from models.pe_net import PENetWeights, pe_net_terms
from models.rec_net import WEIGHTS, rec_net_terms
from models.rendering import FaceRenderer, Rendered
from models.training.config import NetworkConfig
from models.training.region import face_region
from models.training.source import Head
from models.training.weights import Layout

_UNUSED: Final = ("perception",)  # needs a network that recognises faces, and none comes with Semblance


@dataclass(frozen=True)
class LabelWeights:
    """Weights of errors against labels.

    Attributes:
        expression: of ``activation_loss``.
        rotation: of squared differences of matrices' entries, summed.
        translation: of the distance, in parts of the head's distance.
        identity, albedo: of mean squared differences of whitened coefficients.
    """

    expression: Number = 0.0
    rotation: Number = 0.0
    translation: Number = 0.0
    identity: Number = 0.0
    albedo: Number = 0.0


@dataclass(frozen=True)
class View:
    """A batch as a network sees it.

    Attributes:
        observed: pictures, masks and landmarks of the network's side.
        camera: in pixels of that side; the usual one where the picture's is not known.
    """

    batch: Batch
    observed: Observed
    camera: Float[Tensor, "batch 4"]


def view_of(batch: Batch, side: int) -> View:
    """A batch, made smaller where ``side`` is less than the crop's.

    Raises:
        BadInput: the pictures have no landmarks.
    """
    marks = batch.landmarks if batch.landmarks is not None else batch.seen
    if marks is None:
        raise BadInput("The pictures have no landmarks.", "Make the data set with this release.")
    image, skin = batch.pixels, batch.skin_weight
    camera = default_camera(len(batch), SIDE, image) if batch.camera is None else batch.camera
    if side != SIDE:
        size = (side, side)
        image = F.interpolate(image, size, mode="bilinear", antialias=True)
        skin = F.interpolate(skin, size, mode="bilinear", antialias=True)
    if image.is_cuda:
        image = image.contiguous(memory_format=torch.channels_last)
    scale = side / SIDE
    return View(batch, Observed(image, skin[:, 0], marks * scale), camera * scale)


class Objective:
    """The loss of one network.

    Attributes:
        kind: of network.
        renderer: draws what it says; none where it says expressions alone.
        face: the vertices on which heads are compared.

    Raises:
        BadInput: a weight has no such name, or the network says more coefficients than the face model has.
    """

    def __init__(self, network: NetworkConfig, layout: Layout, head: Head | None) -> None:
        self.kind, self.layout = layout.kind, layout
        self.weights = _paper_weights(network, layout.kind)
        self.labels = _label_weights(network, layout.kind)
        self.renderer: FaceRenderer | None = None
        self.face: Bool[Tensor, " vertices"] | None = None
        if layout.kind != "et_net":
            assert head is not None
            self.renderer = _renderer(network.name, layout, head)
            self.face = face_region(head.model)

    def to(self, device: torch.device) -> Objective:
        """The same, with what it draws with on a device."""
        if self.renderer is not None:
            self.renderer.to(device)
        if self.face is not None:
            self.face = self.face.to(device)
        return self

    def code(self, outputs: tuple[Tensor, ...]) -> FaceCode | None:
        """A network's outputs as a face code; none where it says expressions alone."""
        return None if self.kind == "et_net" else FaceCode(*outputs)

    def draw(self, code: FaceCode, view: View) -> Rendered:
        """What a code looks like; the picture only where a term looks at it."""
        assert self.renderer is not None
        rendered: Rendered = self.renderer(code, view.camera, bool(self._reconstruction.photometric))
        return rendered

    def terms(self, outputs: tuple[Tensor, ...], view: View, progress: float) -> Terms:
        """Weighted losses of a batch; none where it teaches this network nothing.

        Args:
            progress: how much of training is over, 0-1.
        """
        code, batch = self.code(outputs), view.batch
        if code is None:
            if batch.expression is None or not self.labels.expression:
                return {}
            return {"activation": self.labels.expression * activation_loss(outputs[0], batch.expression)}
        rendered = self.draw(code, view)
        if isinstance(self.weights, PENetWeights):
            terms = pe_net_terms(
                code, rendered, view.observed, batch.person, progress, self.weights,
                truth=batch.expression, comparable=batch.identity_known,
            )  # fmt: skip
        else:
            terms = rec_net_terms(code, rendered, view.observed, self.weights)
        return terms | label_terms(code, batch, self.labels, batch.model == self.layout.model)

    @property
    def _reconstruction(self) -> ReconstructionWeights:
        return self.weights.reconstruction if isinstance(self.weights, PENetWeights) else self.weights


def label_terms(code: FaceCode, batch: Batch, weights: LabelWeights, same_model: bool) -> Terms:
    """Errors against what is known of a batch; those of weight 0 are left out.

    Args:
        same_model: whether the batch's identity and albedo are of the basis that the code speaks.
    """
    terms: Terms = {}
    if weights.expression and batch.expression is not None:
        terms["label_expression"] = weights.expression * activation_loss(code.expression, batch.expression)
    if weights.rotation and batch.rotation is not None:
        difference = (code.rotation - batch.rotation).square().sum(dim=(1, 2)).mean()
        terms["label_rotation"] = weights.rotation * difference
    if weights.translation and batch.translation is not None:
        away = torch.linalg.vector_norm(code.translation - batch.translation, dim=1)
        distance = torch.linalg.vector_norm(batch.translation, dim=1)
        terms["label_translation"] = weights.translation * (away / distance).mean()
    if weights.identity and batch.identity is not None and same_model:
        off = (code.identity - batch.identity[:, : code.identity.shape[1]]).square().mean(dim=1)
        known = torch.ones_like(off) if batch.identity_known is None else batch.identity_known.to(off.dtype)
        terms["label_identity"] = weights.identity * (known * off).sum() / known.sum().clamp_min(1)
    if weights.albedo and batch.albedo is not None and same_model:
        difference = (code.albedo - batch.albedo[:, : code.albedo.shape[1]]).square().mean()
        terms["label_albedo"] = weights.albedo * difference
    return terms


def _renderer(name: str, layout: Layout, head: Head) -> FaceRenderer:
    for what, asked, there in (
        ("identity", layout.identity, len(head.model.identity_basis)),
        ("albedo", layout.albedo, len(head.albedo_modes)),
    ):
        if asked > there:
            raise BadInput(
                f"networks.{name} is to say {asked} {what} coefficients, but {head.model.name} has {there}.",
                f"Add --set networks.{name}.{what}={there}.",
            )
    return FaceRenderer(head.model, head.albedo_mean, head.albedo_modes[: layout.albedo], layout.side)


def _paper_weights(network: NetworkConfig, kind: str) -> ReconstructionWeights | PENetWeights:
    names = [] if kind == "et_net" else [entry.name for entry in fields(ReconstructionWeights)]
    names = [name for name in names if name not in _UNUSED]
    own = [entry.name for entry in fields(PENetWeights) if entry.name != "reconstruction"]
    own = own if kind == "pe_net" else []
    _check_names(network, "loss", [*names, *own])
    shared = {name: value for name, value in network.loss.items() if name in names}
    if kind == "pe_net":
        rest = {name: value for name, value in network.loss.items() if name in own}
        return PENetWeights(replace(ReconstructionWeights(), **shared), **rest)
    return replace(WEIGHTS, **shared)


def _label_weights(network: NetworkConfig, kind: str) -> LabelWeights:
    names = ["expression"] if kind == "et_net" else [entry.name for entry in fields(LabelWeights)]
    _check_names(network, "labels", names)
    usual = LabelWeights(expression=1.0) if kind == "et_net" else LabelWeights()
    return replace(usual, **network.labels)


def _check_names(network: NetworkConfig, table: str, known: list[str]) -> None:
    unknown = [
        f"networks.{network.name}.{table}.{name}" for name in getattr(network, table) if name not in known
    ]
    if unknown:
        raise BadInput(f"Unknown settings: {', '.join(unknown)}.", f"Known are {', '.join(known) or 'none'}.")
