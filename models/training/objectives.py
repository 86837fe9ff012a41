"""What each network is trained for: the papers' terms, and errors against labels where they are known."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from typing import ClassVar, Final

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor

from core.errors import BadInput
from models.crops import SIDE
from models.data.sample import Batch
from models.face_code import FaceCode, FaceCodeStd, default_camera
from models.layout import Layout
from models.losses.reconstruction import Observed, ReconstructionWeights, Terms
from models.losses.supervised import SupervisedLoss, SupervisedWeights, Truth, expression_terms
from models.network_card import Kind
from models.network_kinds import NETWORK_KINDS, NetworkKind, Shown
from models.rendering import FaceRenderer, Rendered
from models.training.config import NetworkConfig
from models.training.region import face_region
from models.training.source import Head

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
        weights: of the paper's terms.
        labels: of errors against known labels.
        renderer: draws what it says; none where it says expressions alone.
        face: the vertices on which heads are compared.
    """

    label_names: ClassVar[tuple[str, ...]]

    def __init__(self, network: NetworkConfig, layout: Layout) -> None:
        self.kind, self.layout = NETWORK_KINDS[layout.kind], layout
        self.weights = _paper_weights(network, self.kind)
        _check_names(network, "labels", self.label_names)
        self.labels = replace(self.kind.labels, **network.labels)
        self.renderer: FaceRenderer | None = None
        self.face: Bool[Tensor, " vertices"] | None = None

    def to(self, device: torch.device) -> Objective:
        """The same, with what it draws with on a device."""
        return self

    def code(self, outputs: tuple[Tensor, ...]) -> FaceCode | None:
        """A network's outputs as a face code; none where it says expressions alone."""
        return None

    def terms(self, outputs: tuple[Tensor, ...], view: View, progress: float) -> Terms:
        """Weighted losses of a batch; none where it teaches this network nothing.

        Args:
            progress: how much of training is over, 0-1.
        """
        raise NotImplementedError


class ExpressionObjective(Objective):
    """That of a network that says the 52 coefficients alone: errors against known ones."""

    label_names = ("expression", "activation", "spread")

    def __init__(self, network: NetworkConfig, layout: Layout, head: Head | None) -> None:
        super().__init__(network, layout)

    def terms(self, outputs: tuple[Tensor, ...], view: View, progress: float) -> Terms:
        """See :class:`Objective`."""
        truth = view.batch.expression
        if truth is None:
            return {}
        return expression_terms(outputs[0], outputs[1] if len(outputs) > 1 else None, truth, self.labels)


class FaceObjective(Objective):
    """That of a network that says a whole face: errors against labels, and the paper's own terms."""

    label_names = tuple(entry.name for entry in fields(SupervisedWeights))

    def __init__(self, network: NetworkConfig, layout: Layout, head: Head | None) -> None:
        super().__init__(network, layout)
        assert head is not None
        self.drawn_by = self.renderer = _renderer(network.name, layout, head)
        self.face = face_region(head.model)
        self.truth = SupervisedLoss(head.model, layout.identity, self.labels)

    def to(self, device: torch.device) -> Objective:
        """See :class:`Objective`."""
        self.drawn_by.to(device)
        self.face = None if self.face is None else self.face.to(device)
        self.truth.to(device)
        return self

    def code(self, outputs: tuple[Tensor, ...]) -> FaceCode:
        """See :class:`Objective`."""
        identity, expression, albedo, rotation, translation, sh, *stds = outputs
        std = FaceCodeStd(*stds) if stds else None
        return FaceCode(identity, expression, albedo, rotation, translation, sh, std)

    def terms(self, outputs: tuple[Tensor, ...], view: View, progress: float) -> Terms:
        """See :class:`Objective`."""
        code, batch = self.code(outputs), view.batch
        terms: Terms = self.truth(code, truth_of(batch, batch.model == self.layout.model))
        weights, of_paper = self.weights, self.kind.terms
        if weights is None or of_paper is None or not _any_term(weights):
            return terms
        # the picture is drawn only where a term looks at it
        rendered: Rendered = self.drawn_by(code, view.camera, bool(weights.photometric))
        shown = Shown(
            code, rendered, view.observed, batch.person, progress, batch.expression, batch.identity_known
        )
        return terms | of_paper(shown, weights)


OBJECTIVES: Final[dict[Kind, Callable[[NetworkConfig, Layout, Head | None], Objective]]] = {
    "face": FaceObjective,
    "expression": ExpressionObjective,
}
"""By what a network puts out."""


def make_objective(network: NetworkConfig, layout: Layout, head: Head | None) -> Objective:
    """The loss of a network.

    Args:
        head: of the model that it speaks; none where it speaks none.

    Raises:
        BadInput: a weight has no such name, or the network says more coefficients than the face model has.
    """
    return OBJECTIVES[NETWORK_KINDS[layout.kind].outputs](network, layout, head)


def truth_of(batch: Batch, same_model: bool) -> Truth:
    """What a batch knows of its faces.

    Args:
        same_model: whether it speaks the networks' code; else its expressions alone are known.
    """
    if not same_model:
        return Truth(expression=batch.expression)
    return Truth(
        identity=batch.identity, expression=batch.expression, rotation=batch.rotation,
        translation=batch.translation, landmarks=batch.landmarks, camera=batch.camera,
        identity_known=batch.identity_known, sh=batch.sh, albedo=batch.albedo,
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


def _paper_weights(network: NetworkConfig, kind: NetworkKind) -> ReconstructionWeights | None:
    """The kind's, with the changes that the settings ask for."""
    names = [] if kind.weights is None else [entry.name for entry in fields(kind.weights)]
    _check_names(network, "loss", [name for name in names if name not in _UNUSED])
    return None if kind.weights is None else replace(kind.weights, **network.loss)


def _any_term(weights: ReconstructionWeights) -> bool:
    """Whether any of the paper's terms is used."""
    return any(value for name, value in vars(weights).items() if name not in (*_UNUSED, *weights.settings))


def _check_names(network: NetworkConfig, table: str, known: Sequence[str]) -> None:
    unknown = [
        f"networks.{network.name}.{table}.{name}" for name in getattr(network, table) if name not in known
    ]
    if unknown:
        raise BadInput(f"Unknown settings: {', '.join(unknown)}.", f"Known are {', '.join(known) or 'none'}.")
