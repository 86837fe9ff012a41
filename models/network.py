"""A trained network at work: crops in, its outputs by name out, by onnxruntime."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from jaxtyping import Float32, UInt8
from numpy import ndarray

from core.errors import ModelUnreadable
from models.network_card import INPUTS, OUTPUTS, STDS, NetworkCard, read_card

_PREFERRED: Final = ("CUDAExecutionProvider", "CPUExecutionProvider")
_AT_ONCE: Final = 16  # crops


def offered_providers() -> list[str]:
    """What runs networks here, the best first: CUDA where onnxruntime has it, then the CPU.

    TensorRT compiles a network for minutes before its first picture: it is used by those who ask for it
    (``providers=["TensorrtExecutionProvider", ...]``).
    """
    import onnxruntime

    offered = onnxruntime.get_available_providers()
    return [name for name in _PREFERRED if name in offered]


class Network:
    """A network's file, loaded.

    Args:
        content: of an ONNX file by :func:`models.export.export_network`.
        file: where it comes from, for messages.
        threads: of the CPU; 0 for one on each core.
        providers: onnxruntime's names, the preferred first; :func:`offered_providers` where not given.

    Raises:
        ModelUnreadable: it is no such file, or one of another release.
    """

    def __init__(
        self, content: bytes, file: Path, threads: int = 1, providers: Sequence[str] | None = None
    ) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
        options.log_severity_level = 4
        # threads that wait would keep a core from the next stage
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        hint = "Export the network again, or install Semblance again."
        try:
            self._session: Any = onnxruntime.InferenceSession(
                content, options, providers=list(providers or offered_providers())
            )
        except Exception as error:  # onnxruntime's errors have no common base of their own
            raise ModelUnreadable(f"{file} is no ONNX network: {error}.", hint) from error
        try:
            self.card: NetworkCard = read_card(self._session.get_modelmeta().custom_metadata_map)
        except ValueError as error:
            raise ModelUnreadable(f"{file} is no network of this release: {error}.", hint) from error
        outputs = {put.name for put in self._session.get_outputs()}
        kind = self.card.kind
        if [put.name for put in self._session.get_inputs()] != list(INPUTS[kind]) or not outputs.issuperset(
            OUTPUTS[kind]
        ):
            raise ModelUnreadable(f"{file} is no network of the kind {kind}.", hint)
        self.knows_std = outputs.issuperset(STDS[kind])
        self._outputs = OUTPUTS[kind] + (STDS[kind] if self.knows_std else ())

    @property
    def providers(self) -> list[str]:
        """What it runs on, onnxruntime's names, the first first."""
        return list(self._session.get_providers())

    def __call__(
        self, images: UInt8[ndarray, "crops side side 3"], cameras: Float32[ndarray, "crops 4"] | None = None
    ) -> dict[str, Float32[ndarray, "crops ..."]]:
        """Outputs by name.

        Args:
            images: RGB crops of the card's side.
            cameras: fx, fy, cx, cy of each crop in its pixels; networks of the kind ``face`` need them.
        """
        parts = []
        for start in range(0, max(len(images), 1), _AT_ONCE):
            fed: dict[str, ndarray] = {"image": np.ascontiguousarray(images[start : start + _AT_ONCE])}
            if self.card.kind == "face":
                assert cameras is not None
                fed["camera"] = np.ascontiguousarray(cameras[start : start + _AT_ONCE], np.float32)
            parts.append(self._session.run(self._outputs, fed))
        joined = (np.concatenate(values) for values in zip(*parts, strict=True))
        return dict(zip(self._outputs, joined, strict=True))
