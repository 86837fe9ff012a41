"""What a network's file says of itself: how its crops are made, what it puts out, and where it comes from."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from jaxtyping import Float32
from numpy import ndarray

from core.arkit import ARKIT_NAMES
from models.crops import MARGIN
from models.layout import Layout, read_layout
from models.mirror import Mirror

FORMAT: Final = 1
Kind = Literal["face", "expression"]
INPUTS: Final[dict[Kind, tuple[str, ...]]] = {"face": ("image", "camera"), "expression": ("image",)}
OUTPUTS: Final[dict[Kind, tuple[str, ...]]] = {
    "face": ("identity", "expression", "albedo", "rotation", "translation", "sh"),
    "expression": ("expression",),
}
STDS: Final[dict[Kind, tuple[str, ...]]] = {
    "face": ("identity_spread", "expression_spread", "rotation_spread"),
    "expression": ("expression_spread",),
}
"""Further outputs of networks that say how sure they are."""


@dataclass(frozen=True)
class NetworkCard:
    """The facts that travel in the files of a network.

    Attributes:
        name: what the network is registered as, such as ``rec_net``.
        kind: ``face`` puts out a whole ``FaceCode``, ``expression`` the 52 coefficients alone.
        backbone: one of ``models.backbones.BACKBONES``.
        side: pixels of the crops that it reads.
        face_model: whose identities it knows; empty for ``expression``.
        mirror: of that model's coefficients, as the training data had it; none for ``expression``.
        licence: of the weights, as an SPDX name.
        trained: the day, as 2026-01-31.
        text: the model card, Markdown.
        margin: of a crop over its face (``core.capture.faces.Face.crop``).
        network: one of ``models.network_kinds.NETWORK_KINDS``; empty in files of earlier releases.
        parts: of the networks that it is made of.
    """

    name: str
    kind: Kind
    backbone: str
    side: int
    face_model: str
    mirror: Mirror | None
    licence: str
    trained: str
    text: str
    margin: float = MARGIN
    network: str = ""
    parts: tuple[Layout, ...] = ()

    @property
    def identity_modes(self) -> int:
        """Coefficients of the identity that it puts out."""
        return len(self.mirror.identity) if self.mirror else 0

    def metadata(self) -> dict[str, str]:
        """The card as strings, for files whose metadata are strings."""
        known = {
            "format": str(FORMAT),
            "name": self.name,
            "kind": self.kind,
            "backbone": self.backbone,
            "side": str(self.side),
            "face_model": self.face_model,
            "identity_modes": str(self.identity_modes),
            "names": json.dumps(ARKIT_NAMES),
            "margin": repr(self.margin),
            "licence": self.licence,
            "trained": self.trained,
            "card": self.text,
        }
        if self.network:
            known["network"] = self.network
        if self.parts:
            known["parts"] = json.dumps([part.facts() for part in self.parts])
        if self.mirror is not None:
            known["mirror_identity"] = _text(self.mirror.identity)
            known["mirror_albedo"] = _text(self.mirror.albedo)
            known["mirror_residual"] = repr(self.mirror.residual)
        return known


def read_card(stored: Mapping[str, str]) -> NetworkCard:
    """The card from a file's metadata.

    Raises:
        ValueError: it is none of this release.
    """
    try:
        if int(stored["format"]) != FORMAT:
            raise ValueError(f"version {stored['format']}")
        if tuple(json.loads(stored["names"])) != ARKIT_NAMES:
            raise ValueError("other coefficients")
        kind: Kind | None = next((known for known in OUTPUTS if known == stored["kind"]), None)
        if kind is None:
            raise ValueError(f"a network of the kind {stored['kind']}")
        mirror = None
        if kind == "face":
            modes = int(stored["identity_modes"])
            mirror = Mirror(
                _floats(stored["mirror_identity"]).reshape(modes, modes),
                float(stored["mirror_residual"]),
                _floats(stored["mirror_albedo"]),
            )
        side, margin = int(stored["side"]), float(stored["margin"])
        if not 16 <= side <= 1024 or not 1 <= margin <= 4:
            raise ValueError("crops of an unusable size")
        return NetworkCard(
            name=stored["name"], kind=kind, backbone=stored["backbone"], side=side, mirror=mirror,
            face_model=stored["face_model"], licence=stored["licence"], trained=stored["trained"],
            text=stored["card"], margin=margin, network=stored.get("network", ""),
            parts=tuple(read_layout(part) for part in json.loads(stored.get("parts", "[]"))),
        )  # fmt: skip
    except KeyError as error:
        raise ValueError(f"nothing about {error.args[0]}") from error
    except TypeError as error:
        raise ValueError(f"parts that are not known ({error})") from error


def _text(array: Float32[ndarray, "..."]) -> str:
    return base64.b64encode(np.ascontiguousarray(array, "<f4").tobytes()).decode()


def _floats(text: str) -> Float32[ndarray, "values"]:
    return np.frombuffer(base64.b64decode(text), "<f4").astype(np.float32)
