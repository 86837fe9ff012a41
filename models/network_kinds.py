"""The kinds of networks: what each is called, built of, puts out and trained for. A new kind is a row here.

Networks of a new sort of outputs need, besides, that sort in ``models.network_card`` and its
objective in ``models.training.objectives``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from jaxtyping import Bool, Float, Int
from torch import Tensor

from core.numbers import Number
from models.et_net import ETNet, RecAugNet
from models.face_code import FaceCode
from models.layout import Layout
from models.losses.reconstruction import Observed, ReconstructionWeights, Terms
from models.losses.supervised import SupervisedWeights
from models.network_card import Kind
from models.outputs import AnyNet
from models.pe_net import PENet, PENetWeights, pe_net_terms
from models.rec_net import WEIGHTS, RecNet, rec_net_terms
from models.rendering import Rendered


@dataclass(frozen=True)
class Shown:
    """A batch of pictures, what a network says of them, and how that looks.

    Attributes:
        rendered: ``code`` drawn by ``models.rendering``.
        person: whose face each picture shows.
        progress: how much of training is over, 0-1.
        expression: the true one, where it is known.
        comparable: false where a picture's identity is not that of the person's others, as in the mirror.
    """

    code: FaceCode
    rendered: Rendered
    observed: Observed
    person: Int[Tensor, " batch"]
    progress: Number
    expression: Float[Tensor, "batch 52"] | None = None
    comparable: Bool[Tensor, " batch"] | None = None


@dataclass(frozen=True)
class NetworkKind:
    """A kind of network.

    Attributes:
        name: in settings and files.
        title: what it is and whose, for cards.
        outputs: what it puts out, a key of ``models.network_card.OUTPUTS``.
        build: a network with random weights.
        backbone: the paper's; empty for a network made of others.
        parts: the kinds of trained networks that it is made of.
        weights: the paper's, of ``terms``; none where the paper trains on labels alone.
        terms: the paper's losses, weighted.
        labels: the usual weights of errors against known labels.
        installed: whether photos and clips are read with one that is shipped, or the user's own.
    """

    name: str
    title: str
    outputs: Kind
    build: Callable[[Layout], AnyNet]
    backbone: str = ""
    parts: tuple[str, ...] = ()
    weights: ReconstructionWeights | None = None
    terms: Callable[[Shown, ReconstructionWeights], Terms] | None = None
    labels: SupervisedWeights = field(default_factory=SupervisedWeights)
    installed: bool = False


def build(layout: Layout) -> AnyNet:
    """A network with random weights.

    Raises:
        BadInput: there is no such backbone.
        KeyError: there is no such kind.
    """
    return NETWORK_KINDS[layout.kind].build(layout)


def _rec_net(layout: Layout) -> RecNet:
    return RecNet(layout.identity, layout.albedo, layout.backbone, layout.spread)


def _pe_net(layout: Layout) -> PENet:
    return PENet(layout.identity, layout.albedo, layout.backbone, layout.spread)


def _et_net(layout: Layout) -> ETNet:
    return ETNet(layout.backbone, layout.spread)


def _rec_aug_net(layout: Layout) -> RecAugNet:
    face, expression = layout.parts
    return RecAugNet(_rec_net(face), _et_net(expression), (face.side, expression.side))


def _rec_net_terms(shown: Shown, weights: ReconstructionWeights) -> Terms:
    return rec_net_terms(shown.code, shown.rendered, shown.observed, weights)


def _pe_net_terms(shown: Shown, weights: ReconstructionWeights) -> Terms:
    assert isinstance(weights, PENetWeights)
    return pe_net_terms(
        shown.code, shown.rendered, shown.observed, shown.person, shown.progress, weights,
        truth=shown.expression, comparable=shown.comparable,
    )  # fmt: skip


_ROWS: Final = (
    NetworkKind(
        "rec_net", "RecNet (JR2Net, Shang et al., 2023)", "face", _rec_net, backbone="resnet50",
        weights=WEIGHTS, terms=_rec_net_terms, installed=True,
    ),
    NetworkKind(
        "pe_net", "PE-Net (CPEM, Mo et al., 2022)", "face", _pe_net, backbone="resnet50",
        weights=PENetWeights(), terms=_pe_net_terms,
    ),
    NetworkKind(
        "et_net", "ETNet (JR2Net, Shang et al., 2023)", "expression", _et_net, backbone="resnet34",
        labels=SupervisedWeights(activation=1.0), installed=True,
    ),
    NetworkKind(
        "rec_aug_net", "RecAugNet (JR2Net, Shang et al., 2023)", "face", _rec_aug_net,
        parts=("rec_net", "et_net"), weights=WEIGHTS, terms=_rec_net_terms,
    ),
)  # fmt: skip

NETWORK_KINDS: Final = {kind.name: kind for kind in _ROWS}
"""By name. Of the kinds that put out the same, the first is what a file is that does not say its own."""


def kind_that_puts_out(outputs: Kind) -> NetworkKind:
    """The kind of an exported network whose card, of an earlier release, says only what it puts out."""
    return next(kind for kind in _ROWS if kind.outputs == outputs)
