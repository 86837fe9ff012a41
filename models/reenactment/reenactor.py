"""A trained reenactment network at work: guidance in, pictures out, whichever file it comes from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from core.errors import ModelMissing, ModelUnreadable
from models.reenactment.batch import GuidanceBatch
from models.reenactment.files import OUTPUTS, ReenactmentCard, fed, load_guided, open_session
from models.reenactment.files import read_reenactment_card as read_card
from models.reenactment.guided_net import GuidedNet, Reenacted


class Reenactor:
    """A network's file, loaded.

    ``.safetensors`` is run by PyTorch, which works out a source's features once for all of its frames;
    ``.onnx`` by onnxruntime.

    Args:
        file: of ``models.reenactment.files``.
        device: of PyTorch; onnxruntime takes CUDA where it has it.
        threads: of the CPU, for onnxruntime; PyTorch's are the process's own.

    Raises:
        ModelMissing: there is no such file.
        ModelUnreadable: it is damaged, of another kind or of another release.
    """

    card: ReenactmentCard

    def __init__(self, file: Path, device: torch.device | str = "cpu", threads: int = 2) -> None:
        self._device = torch.device(device)
        self._net: GuidedNet | None = None
        self._session: Any = None
        self._source: Tensor | None = None
        self._features: list[Tensor] = []
        file = file.expanduser()
        if file.suffix != ".onnx":
            self.card, net = load_guided(file)
            self._net = net.to(self._device).requires_grad_(False)
            return
        if not file.is_file():
            raise ModelMissing(f"{file} does not exist or is a folder.", "Give a reenactment network's file.")
        try:
            content = file.read_bytes()
            self._session = open_session(content, file, threads)
            self.card = read_card(self._session.get_modelmeta().custom_metadata_map)
        except (OSError, ValueError) as error:
            raise ModelUnreadable(f"{file} is no network of this release: {error}.") from error

    def __call__(self, batch: GuidanceBatch) -> Reenacted:
        """The pictures, in [0, 1], with completed flow and occlusion, on the CPU or the network's device.

        Args:
            batch: of the card's side; ``target`` is not looked at.

        Raises:
            ValueError: it is of another side, which an exported network cannot read.
        """
        if self._net is not None:
            said = self._by_torch(self._net, batch.to(self._device))
        else:
            if batch.side != self.card.side:
                raise ValueError(f"pictures of {batch.side} pixels for a network of {self.card.side}")
            given = fed(batch)
            found = self._session.run(list(OUTPUTS), {name: given[name] for name in self._session.wanted})
            said = Reenacted(*map(torch.from_numpy, found))
        return said._replace(picture=said.picture.clamp(0, 1))

    @torch.inference_mode()
    def _by_torch(self, net: GuidedNet, batch: GuidanceBatch) -> Reenacted:
        if self._source is None or not _same(self._source, batch.source):
            self._features = net.reenact.encode(2 * batch.source - 1)
            self._source = batch.source.clone()
        return net.of_features(self._features, *batch.guidance)


def _same(one: Tensor, other: Tensor) -> bool:
    return one.shape == other.shape and bool(torch.equal(one, other))
