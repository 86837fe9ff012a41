"""The trained network as one ONNX file that holds all that is needed to run it."""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path
from typing import Final

import numpy as np
import onnx
import torch
from jaxtyping import Float
from torch import Tensor, nn

from core.arkit import ARKIT_NAMES
from core.atomic import staged_output
from models.prior.data import Basis
from models.prior.network import Ensemble
from models.prior.prior import FORMAT, INPUTS, OUTPUTS

_LARGE: Final = 1000  # weights


class WholeNet(nn.Module):
    """The network with the components' projections round it: aligned landmarks in, neutral landmarks out."""

    encode: Tensor
    decode: Tensor
    mean: Tensor

    def __init__(self, net: Ensemble, basis: Basis) -> None:
        super().__init__()
        self.net = net
        self.register_buffer("encode", torch.from_numpy(basis.encode))
        self.register_buffer("decode", torch.from_numpy(basis.decode[: net.shape].copy()))
        self.register_buffer("mean", torch.from_numpy(basis.canonical.points.reshape(-1)))

    def forward(
        self,
        aligned: Float[Tensor, "frames 1434"],
        reference: Float[Tensor, "frames 1434"],
        rotation: Float[Tensor, "frames 9"],
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Coefficients, their deviations, the way from the reference to the neutral face, and the turn."""
        inputs = (
            (aligned - reference) @ self.encode,
            (reference - self.mean) @ self.encode[:, : self.net.shape],
            rotation,
        )
        estimate = self.net(*inputs)
        turn = self.net.turn(*inputs)
        return estimate.coefficients, estimate.deviation, estimate.neutral @ self.decode, turn


def export(net: Ensemble, basis: Basis, file: Path) -> str:
    """Write the ONNX file, weights rounded to half floats, and its checksum beside it; returns the SHA-256.

    Raises:
        OutputFailed: the file cannot be written.
    """
    whole = WholeNet(net, basis).eval().half().float()  # rounded here, so that the file gives the same
    example = (torch.zeros(2, 1434), torch.zeros(2, 1434), torch.zeros(2, 9))
    with staged_output(file) as path:
        torch.onnx.export(
            whole, example, str(path), input_names=list(INPUTS), output_names=list(OUTPUTS),
            dynamic_axes={name: {0: "frames"} for name in (*INPUTS, *OUTPUTS)}, dynamo=False,
        )  # fmt: skip
        model = onnx.load(path)
        _store_halves(model)
        for key, value in {
            "format": str(FORMAT),
            "names": json.dumps(ARKIT_NAMES),
            "canonical": _text(basis.canonical.points),
            "weight": _text(basis.canonical.weight),
        }.items():
            entry = model.metadata_props.add()
            entry.key, entry.value = key, value
        onnx.save(model, path)
        checksum = hashlib.sha256(path.read_bytes()).hexdigest()
        path.with_suffix(".sha256").write_text(f"{checksum}  {file.name}\n")
    return checksum


def _store_halves(model: onnx.ModelProto) -> None:
    """Keep large weights as half floats, cast when the file is loaded: half the size, the same results."""
    weights = model.graph.initializer
    for index, weight in enumerate(weights):
        values = onnx.numpy_helper.to_array(weight)
        if values.dtype != np.float32 or values.size < _LARGE:
            continue
        half = f"{weight.name}_half"
        cast = onnx.helper.make_node("Cast", [half], [weight.name], to=onnx.TensorProto.FLOAT)
        weights[index].CopyFrom(onnx.numpy_helper.from_array(values.astype(np.float16), half))
        model.graph.node.insert(0, cast)


def _text(array: np.ndarray) -> str:
    return base64.b64encode(np.ascontiguousarray(array, "<f4").tobytes()).decode()
