"""A trained network as files that are all it takes to run it, or to train it on.

``NAME.onnx`` reads crops as bytes and puts out every part of a ``FaceCode`` by name; ``NAME.safetensors`` has
the parameters. Both keep large weights as half floats and carry the ``NetworkCard``. ``NAME.md`` is the model
card, ``NAME.sha256`` the checksums of the two.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import onnx
import torch
from jaxtyping import Float, UInt8
from numpy import ndarray
from safetensors.torch import save
from torch import Tensor, nn

from core.atomic import staged_output
from core.errors import BadInput
from models.face_code import ExpressionNet, default_camera
from models.network import Network
from models.network_card import INPUTS, OUTPUTS, STDS, NetworkCard
from models.outputs import AnyNet, Outputs

TOLERANCE: Final = 0.01
"""How far outputs of the file may be from the network's, in the outputs' own units (standard deviations,
coefficients, metres, rotation matrices)."""

LARGEST: Final = 16 * 2**20
"""Bytes of a file that may be shipped."""

_LARGE: Final = 1000  # numbers
_OPSET: Final = 17


@dataclass(frozen=True)
class Exported:
    """What was written.

    Attributes:
        deviation: largest difference of each output between the file and the network, over the crops given.
    """

    onnx: Path
    safetensors: Path
    deviation: dict[str, float]


class WholeNet(nn.Module):
    """The network round which the file is made: bytes in, plain arrays out."""

    def __init__(self, net: AnyNet) -> None:
        super().__init__()
        self.outputs = Outputs(net)

    def forward(
        self, image: UInt8[Tensor, "batch side side 3"], camera: Float[Tensor, "batch 4"] | None = None
    ) -> tuple[Tensor, ...]:
        """Outputs in the order of ``OUTPUTS`` and, where the network knows them, ``STDS``."""
        said: tuple[Tensor, ...] = self.outputs(image.permute(0, 3, 1, 2).to(torch.float32) / 255, camera)
        return said


def export_network(
    net: AnyNet,
    card: NetworkCard,
    folder: Path,
    crops: UInt8[ndarray, "crops side side 3"],
) -> Exported:
    """Write a network's files, after a check that they say what the network says.

    Args:
        net: put into evaluation mode, on the CPU.
        card: of the kind ``expression`` for an ``ExpressionNet``, ``face`` for others.
        folder: where; must exist.
        crops: pictures that the check looks at.

    Raises:
        BadInput: the card is of another network, the weights do not fit into half floats, or the file differs
            from the network by more than ``TOLERANCE``.
        OutputFailed: the files cannot be written.
    """
    if (card.kind == "expression") != isinstance(net, ExpressionNet) or crops.shape[1] != card.side:
        raise BadInput(f"The card of {card.name} is of another kind of network, or of crops of another size.")
    whole = WholeNet(net).eval().cpu()
    example: tuple[Tensor, ...] = (torch.from_numpy(np.ascontiguousarray(crops)),)
    if card.kind == "face":
        example += (default_camera(len(crops), card.side, torch.zeros(())).contiguous(),)
    with torch.no_grad():
        expected = whole(*example)
    if card.kind == "face" and expected[0].shape[1] != card.identity_modes:
        raise BadInput(f"The card of {card.name} mirrors {card.identity_modes} coefficients of the identity.")
    outputs = OUTPUTS[card.kind] + (STDS[card.kind] if len(expected) > len(OUTPUTS[card.kind]) else ())
    facts = card.metadata()
    with staged_output(folder / f"{card.name}.onnx") as path:
        torch.onnx.export(
            whole, tuple(part[:2] for part in example), str(path), input_names=list(INPUTS[card.kind]),
            output_names=list(outputs), opset_version=_OPSET, dynamo=False,
            dynamic_axes={name: {0: "batch"} for name in (*INPUTS[card.kind], *outputs)},
        )  # fmt: skip
        model = onnx.load(path)
        _store_halves(model)
        onnx.helper.set_model_props(model, facts)
        onnx.save(model, path)
        found = Network(path.read_bytes(), path)(crops, example[1].numpy() if len(example) > 1 else None)
        deviation = {
            name: float(np.abs(found[name] - value.numpy()).max())
            for name, value in zip(outputs, expected, strict=True)
        }
        worst = max(deviation, key=lambda name: deviation[name])
        if not deviation[worst] <= TOLERANCE:
            raise BadInput(
                f"The exported {card.name} differs from the network by {deviation[worst]:.3g} in {worst}.",
                "Export with pictures such as it was trained on.",
            )
        path.with_suffix(".safetensors").write_bytes(save(_halves(net), facts))
        path.with_suffix(".md").write_text(card.text, encoding="utf-8")
        path.with_suffix(".sha256").write_text(
            "".join(
                f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.name}\n"
                for file in (path, path.with_suffix(".safetensors"))
            )
        )
    final = folder / f"{card.name}.onnx"
    return Exported(final, final.with_suffix(".safetensors"), deviation)


def _halves(net: nn.Module) -> dict[str, Tensor]:
    """Parameters and buffers; small ones, such as running means, keep all their digits."""
    return {
        name: (value.to(_half_type(value.numpy(), name)) if value.is_floating_point() else value).contiguous()
        for name, value in ((name, value.detach().cpu()) for name, value in net.state_dict().items())
    }


def _half_type(values: ndarray, name: str) -> torch.dtype:
    if values.size < _LARGE:
        return torch.float32
    _check_range(values, name)
    return torch.float16


def _check_range(values: ndarray, name: str) -> None:
    if not np.abs(values).max() <= np.finfo(np.float16).max:
        raise BadInput(f"The weights {name} are too large for half floats, or not finite.")


def _store_halves(model: onnx.ModelProto) -> None:
    """Keep large weights as half floats, cast once when the file is loaded: half the size, no slower."""
    weights = model.graph.initializer
    for index, weight in enumerate(weights):
        values = onnx.numpy_helper.to_array(weight)
        if values.dtype != np.float32 or values.size < _LARGE:
            continue
        _check_range(values, weight.name)
        half = f"{weight.name}_half"
        cast = onnx.helper.make_node("Cast", [half], [weight.name], to=onnx.TensorProto.FLOAT)
        weights[index].CopyFrom(onnx.numpy_helper.from_array(values.astype(np.float16), half))
        model.graph.node.insert(0, cast)
