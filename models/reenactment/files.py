"""Trained networks as files: safetensors to train on, ONNX to run, both with what is known of them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from core.atomic import staged_output
from core.errors import BadInput, ModelMissing, ModelUnreadable
from models.reenactment.batch import GuidanceBatch
from models.reenactment.guided_net import GuidedNet, Reenacted
from models.reenactment.settings import GuidedSettings, read_settings

FORMAT: Final = 1
KIND: Final = "reenactment"
SIDE: Final = 256
"""Pixels of the pictures of both settings."""

INPUTS: Final = ("source", "flow", "occlusion", "render", "masks", "code")
OUTPUTS: Final = ("picture", "completed_flow", "completed_occlusion", "generated")
TOLERANCE: Final = 0.01
"""How far the exported file's outputs may be from the network's."""

_OPSET: Final = 17  # GridSample came with 16
_HINT: Final = "Give a file that Semblance wrote of a reenactment network."


@dataclass(frozen=True)
class ReenactmentCard:
    """The facts that travel in a network's files.

    Attributes:
        name: such as ``guided_small``.
        side: pixels of the pictures that it was trained on.
        licence: of the weights, as an SPDX name.
        trained: the day, as 2026-01-31; empty where not known.
        text: the model card, Markdown.
    """

    name: str
    settings: GuidedSettings
    side: int = SIDE
    licence: str = ""
    trained: str = ""
    text: str = ""

    def metadata(self) -> dict[str, str]:
        """As one string: several come in any order, and the same weights should make the same file."""
        known = {
            "format": FORMAT, "kind": KIND, "name": self.name, "side": self.side, "licence": self.licence,
            "trained": self.trained, "card": self.text, "settings": self.settings.facts(),
        }  # fmt: skip
        return {"semblance": json.dumps(known)}


def read_reenactment_card(stored: Mapping[str, str]) -> ReenactmentCard:
    """The card from a file's metadata.

    Raises:
        ValueError: it is none of this release.
    """
    try:
        known: dict[str, Any] = json.loads(stored["semblance"])
        if known["kind"] != KIND or known["format"] != FORMAT:
            raise ValueError(f"of the kind {known['kind']}, version {known['format']}")
        settings, side = read_settings(known["settings"]), int(known["side"])
        if not 32 <= side <= 4096:
            raise ValueError("pictures of an unusable size")
        return ReenactmentCard(
            str(known["name"]), settings, side, str(known["licence"]), str(known["trained"]),
            str(known["card"]),
        )  # fmt: skip
    except (KeyError, TypeError) as error:
        raise ValueError(f"a card that is not known ({error})") from error


def save_guided(net: GuidedNet, card: ReenactmentCard, file: Path, half: bool = False) -> None:
    """Write weights and card as safetensors.

    Args:
        half: matrices and kernels as half floats.

    Raises:
        OutputFailed: the file cannot be written.
    """
    weights = {
        name: (value.half() if half and value.dim() > 1 else value).detach().cpu().contiguous().clone()
        for name, value in net.state_dict().items()
    }
    with staged_output(file) as path:
        path.write_bytes(save(weights, card.metadata()))


def load_guided(file: Path) -> tuple[ReenactmentCard, GuidedNet]:
    """What :func:`save_guided` wrote, on the CPU, as float32, in evaluation mode.

    Raises:
        ModelMissing: there is no such file.
        ModelUnreadable: it is damaged, of another version, or no reenactment network.
    """
    file = file.expanduser()
    if not file.is_file():
        raise ModelMissing(f"{file} does not exist or is a folder.", _HINT)
    try:
        with safe_open(file, "pt") as stored:
            card = read_reenactment_card(stored.metadata() or {})
            weights = {name: stored.get_tensor(name).float() for name in stored.keys()}  # noqa: SIM118
        if not all(value.isfinite().all() for value in weights.values()):
            raise ValueError("weights are not finite")
        net = GuidedNet(card.settings)
        net.load_state_dict(weights)
    except (SafetensorError, OSError, ValueError, KeyError, TypeError, RuntimeError) as error:
        raise ModelUnreadable(
            f"{file} holds no reenactment network that can be read ({error}).", _HINT
        ) from error
    return card, net.eval()


def export_guided(net: GuidedNet, card: ReenactmentCard, folder: Path, example: GuidanceBatch) -> float:
    """Write NAME.onnx (of any batch, of the card's side), .safetensors, .md and .sha256.

    Args:
        net: put into evaluation mode, on the CPU.
        example: pairs of the card's side, on which the file is compared with the network.

    Returns:
        The largest difference between the file's outputs and the network's.

    Raises:
        BadInput: the example is of another size, or the file differs by more than :data:`TOLERANCE`.
        OutputFailed: the files cannot be written.
    """
    import onnx

    if example.side != card.side:
        raise BadInput(f"The card says pictures of {card.side} pixels, but the example has {example.side}.")
    net = net.eval().cpu()
    with torch.no_grad():
        expected = Reenacted(*net(*example.guidance))
    with staged_output(folder / f"{card.name}.onnx") as path:
        torch.onnx.export(
            net, example.first(2).guidance, str(path), input_names=list(INPUTS), output_names=list(OUTPUTS),
            opset_version=_OPSET, dynamo=False,
            dynamic_axes={name: {0: "batch"} for name in (*INPUTS, *OUTPUTS)},
        )  # fmt: skip
        model = onnx.load(path)
        onnx.helper.set_model_props(model, card.metadata())
        onnx.save(model, path)
        session = open_session(path.read_bytes(), path, threads=1)
        found = session.run(list(OUTPUTS), fed(example))
        worst = max(float(np.abs(a - b.numpy()).max()) for a, b in zip(found, expected, strict=True))
        if not worst <= TOLERANCE:
            raise BadInput(f"The exported {card.name} differs from the network by {worst:.3g}.")
        save_guided(net, card, path.with_suffix(".safetensors"))
        path.with_suffix(".md").write_text(card.text, encoding="utf-8")
        path.with_suffix(".sha256").write_text(
            "".join(
                f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.name}\n"
                for file in (path, path.with_suffix(".safetensors"))
            )
        )
    return worst


def open_session(content: bytes, file: Path, threads: int) -> Any:
    """An onnxruntime session of an exported network.

    Raises:
        ModelUnreadable: it is none, or of another kind.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.log_severity_level = 4
    offered = onnxruntime.get_available_providers()
    providers = [name for name in ("CUDAExecutionProvider", "CPUExecutionProvider") if name in offered]
    try:
        session = onnxruntime.InferenceSession(content, options, providers=providers)
    except Exception as error:  # onnxruntime's errors have no common base of their own
        raise ModelUnreadable(f"{file} is no ONNX network: {error}.", _HINT) from error
    if {put.name for put in session.get_inputs()} - set(INPUTS) or {
        put.name for put in session.get_outputs()
    } != set(OUTPUTS):
        raise ModelUnreadable(f"{file} is no reenactment network.", _HINT)
    session.wanted = [put.name for put in session.get_inputs()]
    return session


def fed(batch: GuidanceBatch) -> dict[str, np.ndarray]:
    """What onnxruntime is given."""
    values: tuple[Tensor, ...] = batch.guidance
    return {name: value.cpu().numpy() for name, value in zip(INPUTS, values, strict=True)}
