"""The networks of a run, and their files: weights in safetensors with all that is needed to build them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from core.atomic import staged_output
from core.errors import BadInput, ModelMissing, ModelUnreadable
from models.backbone_weights import load_backbone_weights
from models.et_net import RecAugNet
from models.face_code import current_names
from models.layout import Layout, read_layout
from models.network_card import read_card
from models.network_kinds import NETWORK_KINDS, NetworkKind, build, kind_that_puts_out
from models.outputs import AnyNet
from models.training.config import NetworkConfig, kind_of

FORMAT: Final = 1
_HINT: Final = "Give a .safetensors file that semblance train wrote."


def make_network(network: NetworkConfig, model: str) -> tuple[Layout, AnyNet]:
    """A network as a run begins with it.

    Args:
        model: name of the face model.

    Raises:
        BadInput: there is no such backbone, or the networks that ``rec_aug_net`` joins were not given, or
            do not fit it.
        ModelMissing, ModelUnreadable: weights to start from are missing, damaged or of another network.
    """
    kind = kind_of(network)
    net: AnyNet
    if kind.parts:
        layout, net = _joined(network, kind, model)
    else:
        of_face = kind.outputs == "face"
        layout = Layout(
            kind.name, network.backbone or kind.backbone, network.identity if of_face else 0,
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


def _joined(network: NetworkConfig, kind: NetworkKind, model: str) -> tuple[Layout, AnyNet]:
    """A network made of trained ones, the files of which ``network`` names by their kinds."""
    files = {part: str(vars(network)[part]) for part in kind.parts}
    if not all(files.values()):
        raise BadInput(
            f"networks.{network.name} joins two trained networks.",
            "Add " + " ".join(f"--set networks.{network.name}.{part}=FILE" for part in files) + ".",
        )
    layouts, nets = zip(*(load_network(Path(file)) for file in files.values()), strict=True)
    if tuple(layout.kind for layout in layouts) != kind.parts:
        titles = " and ".join(NETWORK_KINDS[part].title for part in kind.parts)
        raise BadInput(f"networks.{network.name} joins {titles}, in this order.", _HINT)
    speaks = {layout.model for layout in layouts if layout.model}
    if speaks != {model}:
        raise BadInput(
            f"networks.{network.name} is to speak {model}, but the networks it joins speak "
            f"{', '.join(sorted(speaks))}.",
            "Train all of them with one model.",
        )
    layout = join_layouts(kind.name, layouts)
    net = build(layout)
    for part, trained in zip(kind.parts, nets, strict=True):
        net.get_submodule(part).load_state_dict(trained.state_dict())
    return layout, net


def join_layouts(kind: str, parts: Sequence[Layout]) -> Layout:
    """The layout of a network made of trained ones; the first is that of the face."""
    return replace(
        parts[0], kind=kind, backbone="+".join(part.backbone for part in parts),
        side=max(part.side for part in parts), spread=all(part.spread for part in parts), parts=tuple(parts),
    )  # fmt: skip


def save_network(net: AnyNet, layout: Layout, file: Path, half: bool = False) -> None:
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
    data = save(weights, {"semblance": json.dumps({"format": FORMAT, **layout.facts()})})
    with staged_output(file) as path:
        path.write_bytes(data)


def load_network(file: Path) -> tuple[Layout, AnyNet]:
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
        weights = current_names(weights)
        layout = _layout(facts, weights)
        net = build(layout)
        own = net.state_dict()
        net.load_state_dict({name: value.to(own[name].dtype) for name, value in weights.items()})
    except (SafetensorError, OSError, ValueError, KeyError, TypeError, RuntimeError, BadInput) as error:
        raise ModelUnreadable(f"{file} holds no network that can be read ({error}).", _HINT) from error
    return layout, net.eval()


def _layout(facts: dict[str, str], weights: dict[str, Tensor]) -> Layout:
    if "semblance" in facts:
        known = json.loads(facts["semblance"])
        if known.pop("format") != FORMAT:
            raise ValueError(f"it is of another version than {FORMAT}")
        layout = read_layout(known)
        return layout if layout.parts else _with_parts(layout)
    card = read_card(facts)  # exported: the card that travels with it says the same
    kind = NETWORK_KINDS[card.network] if card.network else kind_that_puts_out(card.kind)
    if kind.parts:
        return join_layouts(kind.name, card.parts)
    albedo = len(card.mirror.albedo) if card.mirror else 0
    spread = any(name.startswith("std_head.") for name in weights)
    return Layout(kind.name, card.backbone, card.identity_modes, albedo, card.side, card.face_model, spread)


def _with_parts(layout: Layout) -> Layout:
    """What a network is made of, of a file of an earlier release: all of one side, ETNet without spread."""
    kinds = NETWORK_KINDS[layout.kind].parts
    if not kinds:
        return layout
    backbones = layout.backbone.split("+")
    face, expression = (
        replace(layout, kind=kind, backbone=backbone) for kind, backbone in zip(kinds, backbones, strict=True)
    )
    expression = replace(expression, identity=0, albedo=0, model="", spread=False)
    return join_layouts(layout.kind, (face, expression))


def parameter_count(net: nn.Module) -> int:
    """Weights that training changes, and those that it does not."""
    return sum(parameter.numel() for parameter in net.parameters())
