"""What each network is trained for: the papers' terms, and errors against labels where they are known."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Final

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor

from core.errors import BadInput
from models.crops import SIDE
from models.data.sample import Batch
from models.face_code import FaceCode, Spread, default_camera
from models.losses.reconstruction import Observed, ReconstructionWeights, Terms
from models.losses.supervised import SupervisedLoss, SupervisedWeights, Truth, expression_terms
from models.pe_net import PENetWeights, pe_net_terms
from models.rec_net import WEIGHTS, rec_net_terms
from models.rendering import FaceRenderer, Rendered
from models.training.config import NetworkConfig
from models.training.region import face_region
from models.training.source import Head
from models.training.weights import Layout

_OF_EXPRESSION: Final = ["expression", "activation", "spread"]
_UNUSED: Final = ("perception",)  # needs a network that recognises faces, and none comes with Semblance


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
        self.truth: SupervisedLoss | None = None
        if layout.kind != "et_net":
            assert head is not None
            self.renderer = _renderer(network.name, layout, head)
            self.face = face_region(head.model)
            self.truth = SupervisedLoss(head.model, layout.identity, self.labels)

    def to(self, device: torch.device) -> Objective:
        """The same, with what it draws with on a device."""
        if self.renderer is not None:
            self.renderer.to(device)
        if self.face is not None:
            self.face = self.face.to(device)
        if self.truth is not None:
            self.truth.to(device)
        return self

    def code(self, outputs: tuple[Tensor, ...]) -> FaceCode | None:
        """A network's outputs as a face code; none where it says expressions alone."""
        if self.kind == "et_net":
            return None
        identity, expression, albedo, rotation, translation, sh, *doubt = outputs
        spread = Spread(*doubt) if doubt else None
        return FaceCode(identity, expression, albedo, rotation, translation, sh, spread)

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
            if batch.expression is None:
                return {}
            doubt = outputs[1] if len(outputs) > 1 else None
            return expression_terms(outputs[0], doubt, batch.expression, self.labels)
        assert self.truth is not None
        terms: Terms = self.truth(code, truth_of(batch, batch.model == self.layout.model))
        if not self._looks:
            return terms
        rendered = self.draw(code, view)
        if isinstance(self.weights, PENetWeights):
            return terms | pe_net_terms(
                code, rendered, view.observed, batch.person, progress, self.weights,
                truth=batch.expression, comparable=batch.identity_known,
            )  # fmt: skip
        return terms | rec_net_terms(code, rendered, view.observed, self.weights)

    @property
    def _looks(self) -> bool:
        """Whether any of the papers' terms is used."""
        shared = vars(self._reconstruction)
        numbers = [weight for name, weight in shared.items() if name not in (*_UNUSED, "albedo")]
        if isinstance(self.weights, PENetWeights):
            numbers += [self.weights.consistent, self.weights.exclusive]
        return any(numbers)

    @property
    def _reconstruction(self) -> ReconstructionWeights:
        return self.weights.reconstruction if isinstance(self.weights, PENetWeights) else self.weights


def truth_of(batch: Batch, same_model: bool) -> Truth:
    """What a batch knows of its faces.

    Args:
        same_model: whether it speaks the networks' code; else its expressions alone are known.
    """
    if not same_model:
        return Truth(expression=batch.expression)
    return Truth(
        batch.identity, batch.expression, batch.rotation, batch.translation, batch.landmarks, batch.camera,
        batch.identity_known, batch.sh, batch.albedo,
    )  # fmt: skip


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


def _label_weights(network: NetworkConfig, kind: str) -> SupervisedWeights:
    names = [entry.name for entry in fields(SupervisedWeights)]
    _check_names(network, "labels", _OF_EXPRESSION if kind == "et_net" else names)
    usual = SupervisedWeights(activation=1.0) if kind == "et_net" else SupervisedWeights()
    return replace(usual, **network.labels)


def _check_names(network: NetworkConfig, table: str, known: list[str]) -> None:
    unknown = [
        f"networks.{network.name}.{table}.{name}" for name in getattr(network, table) if name not in known
    ]
    if unknown:
        raise BadInput(f"Unknown settings: {', '.join(unknown)}.", f"Known are {', '.join(known) or 'none'}.")
