"""Small networks with random weights, and their files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch

from models.et_net import ETNet
from models.export import Exported, export_network
from models.face_code import FaceCodeNet
from models.mirror import Mirror
from models.network_card import Kind, NetworkCard

SIDE, IDENTITY, ALBEDO = 64, 6, 4
# Its own inverse, as mirrors are: two modes change places, one changes its sign.
MIRROR = Mirror(
    np.eye(IDENTITY, dtype=np.float32)[[1, 0, 2, 3, 4, 5]] * np.array([1, 1, -1, 1, 1, 1], np.float32),
    0.01,
    np.array([1, -1, 1, 1], np.float32),
)


def face_net(spread: bool = False, seed: int = 0) -> FaceCodeNet:
    """With outputs as varied as a trained one's."""
    torch.manual_seed(seed)
    net = FaceCodeNet(IDENTITY, ALBEDO, "small", spread).eval()
    with torch.no_grad():
        net.head.weight.mul_(10)
        if net.std_head is not None:
            net.std_head.linear.weight.mul_(50)
    return net


def expression_net(spread: bool = False, seed: int = 0) -> ETNet:
    torch.manual_seed(seed)
    net = ETNet("small", spread).eval()
    with torch.no_grad():
        net.head.weight.mul_(30)
        if net.std_head is not None:
            net.std_head.linear.weight.mul_(50)
    return net


def card_of(name: str, kind: Kind, **changes: Any) -> NetworkCard:
    facts: dict[str, Any] = {
        "name": name, "kind": kind, "backbone": "small", "side": SIDE, "licence": "Apache-2.0",
        "trained": "2026-01-31", "text": f"# {name}\n\nFor tests.\n",
        "face_model": "anny" if kind == "face" else "", "mirror": MIRROR if kind == "face" else None,
    }  # fmt: skip
    return NetworkCard(**facts | changes)


def noise(count: int, side: int = SIDE, seed: int = 0) -> np.ndarray:
    """Crops of nothing."""
    return np.random.default_rng(seed).integers(0, 256, (count, side, side, 3), dtype=np.uint8)


def export_face(folder: Path, name: str = "rec_net", net: FaceCodeNet | None = None) -> Exported:
    return export_network(net or face_net(), card_of(name, "face"), folder, noise(3))


def export_expression(folder: Path, name: str = "et_net", seed: int = 0) -> Exported:
    return export_network(expression_net(seed=seed), card_of(name, "expression"), folder, noise(3))
