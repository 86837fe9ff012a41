"""The networks of a run, and their files: weights in safetensors with all that is needed to build them."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from jaxtyping import Float
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from core.atomic import staged_output
from core.errors import BadInput, ModelMissing, ModelUnreadable
from models.backbone_weights import load_backbone_weights
from models.et_net import ETNet, RecAugNet
from models.face_code import FaceCodeNet
from models.network_card import read_card
from models.pe_net import PENet
from models.rec_net import RecNet
from models.training.config import NetworkConfig, kind_of

Network = FaceCodeNet | ETNet | RecAugNet

FORMAT: Final = 1
_PAPERS: Final = {"rec_net": "resnet50", "pe_net": "resnet50", "et_net": "resnet34"}
_HINT: Final = "Give a .safetensors file that semblance train wrote."


@dataclass(frozen=True)
class Layout:
    """What must be known to build a network.

    Attributes:
        kind: one of ``models.training.config.KINDS``.
        backbone: its name; of ``rec_aug_net`` RecNet's, a plus sign and ETNet's.
        identity, albedo: coefficients; 0 where the network says none.
        side: pixels of the pictures it is shown.
        model: the face model whose identity and albedo it speaks; empty where it speaks none.
        spread: whether it says how sure it is.
    """

    kind: str
    backbone: str
    identity: int
    albedo: int
    side: int
    model: str
    spread: bool = False


class Outputs(nn.Module):
    """A network whose outputs are a plain tuple: the fields of a ``FaceCode``, or the expression alone.

    The spreads follow, of networks that say them.
    """

    def __init__(self, net: Network) -> None:
        super().__init__()
        self.net = net

    def forward(
        self, images: Float[Tensor, "batch 3 side side"], camera: Float[Tensor, "batch 4"]
    ) -> tuple[Tensor, ...]:
        """See the network's own."""
        if isinstance(self.net, ETNet):
            expression, doubt = self.net.read(images)
            return (expression,) if doubt is None else (expression, doubt)
        code = self.net(images, camera)
        said = (code.identity, code.expression, code.albedo, code.rotation, code.translation, code.sh)
        return said if code.spread is None else (*said, *vars(code.spread).values())


def build(layout: Layout) -> Network:
    """A network with random weights.

    Raises:
        BadInput: there is no such backbone.
    """
    if layout.kind == "et_net":
        return ETNet(layout.backbone, layout.spread)
    if layout.kind == "rec_aug_net":
        own, _, other = layout.backbone.partition("+")
        return RecAugNet(RecNet(layout.identity, layout.albedo, own, layout.spread), ETNet(other))
    kind = RecNet if layout.kind == "rec_net" else PENet
    return kind(layout.identity, layout.albedo, layout.backbone, layout.spread)


def make_network(network: NetworkConfig, model: str) -> tuple[Layout, Network]:
    """A network as a run begins with it.

    Args:
        model: name of the face model.

    Raises:
        BadInput: there is no such backbone, or the networks that ``rec_aug_net`` joins were not given, or
            do not fit it.
        ModelMissing, ModelUnreadable: weights to start from are missing, damaged or of another network.
    """
    kind = kind_of(network)
    net: Network
    if kind == "rec_aug_net":
        layout, net = _joined(network, model)
    else:
        of_face = kind != "et_net"
        layout = Layout(
            kind, network.backbone or _PAPERS[kind], network.identity if of_face else 0,
            network.albedo if of_face else 0, network.side, model if of_face else "",
            network.spread,
        )  # fmt: skip
        net = build(layout)
        if network.backbone_weights and not isinstance(net, RecAugNet):
            load_backbone_weights(net.backbone, Path(network.backbone_weights))
    if network.start:
        found, begun = load_network(Path(network.start))
        if replace(found, side=layout.side) != layout:
            raise BadInput(f"{network.start} is of another network than {network.name}: {found}.", _HINT)
        net = begun
    return layout, net


def _joined(network: NetworkConfig, model: str) -> tuple[Layout, RecAugNet]:
    if not network.rec_net or not network.et_net:
        raise BadInput(
            f"networks.{network.name} joins two trained networks.",
            f"Add --set networks.{network.name}.rec_net=FILE --set networks.{network.name}.et_net=FILE.",
        )
    (first, rec_net), (second, et_net) = (
        load_network(Path(file)) for file in (network.rec_net, network.et_net)
    )
    if not isinstance(rec_net, RecNet) or not isinstance(et_net, ETNet):
        raise BadInput(f"networks.{network.name} joins a RecNet and an ETNet, in this order.", _HINT)
    if first.side != network.side or second.side != network.side or first.model != model:
        raise BadInput(
            f"networks.{network.name} is to see {network.side} pixels and speak {model}, but the networks it "
            f"joins see {first.side} and {second.side}, and speak {first.model}.",
            "Train all of them with one side and model.",
        )
    layout = replace(first, kind="rec_aug_net", backbone=f"{first.backbone}+{second.backbone}")
    return layout, RecAugNet(rec_net, et_net)


def save_network(net: Network, layout: Layout, file: Path, half: bool = False) -> None:
    """Write weights and layout.

    Args:
        half: matrices and kernels as half floats; biases and norms stay as they are.

    Raises:
        OutputFailed: the file cannot be written.
    """
    weights = {
        name: (value.half() if half and value.is_floating_point() and value.dim() > 1 else value)
        .detach().cpu().contiguous().clone()
        for name, value in net.state_dict().items()
    }  # fmt: skip
    # one entry alone: several come in any order, and the same weights should make the same file
    data = save(weights, {"semblance": json.dumps({"format": FORMAT, **vars(layout)})})
    with staged_output(file) as path:
        path.write_bytes(data)


def load_network(file: Path) -> tuple[Layout, Network]:
    """What :func:`save_network` or ``models.export`` wrote, on the CPU, as float32, in evaluation mode.

    Raises:
        ModelMissing: there is no such file.
        ModelUnreadable: it is damaged, of another version, or no network of ours.
    """
    file = file.expanduser()
    if not file.is_file():
        raise ModelMissing(f"{file} does not exist or is a folder.", _HINT)
    try:
        with safe_open(file, "pt") as stored:
            facts = dict(stored.metadata() or {})
            weights = {name: stored.get_tensor(name) for name in stored.keys()}  # noqa: SIM118  no mapping
        layout = _layout(facts, weights)
        net = build(layout)
        own = net.state_dict()
        net.load_state_dict({name: value.to(own[name].dtype) for name, value in weights.items()})
    except (SafetensorError, OSError, ValueError, KeyError, TypeError, RuntimeError, BadInput) as error:
        raise ModelUnreadable(f"{file} holds no network that can be read ({error}).", _HINT) from error
    return layout, net.eval()


def _layout(facts: dict[str, str], weights: dict[str, Tensor]) -> Layout:
    if "semblance" not in facts:  # exported: the card that travels with it says the same
        card = read_card(facts)
        kind = "rec_net" if card.kind == "face" else "et_net"
        albedo = len(card.mirror.albedo) if card.mirror else 0
        spread = any(name.startswith("doubt.") for name in weights)
        return Layout(kind, card.backbone, card.identity_modes, albedo, card.side, card.face_model, spread)
    known = json.loads(facts["semblance"])
    if known.pop("format") != FORMAT:
        raise ValueError(f"it is of another version than {FORMAT}")
    return Layout(**known)


def parameter_count(net: nn.Module) -> int:
    """Weights that training changes, and those that it does not."""
    return sum(parameter.numel() for parameter in net.parameters())
