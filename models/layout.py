"""What must be known to build a network again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Layout:
    """What must be known to build a network.

    Attributes:
        kind: one of ``models.network_kinds.NETWORK_KINDS``.
        backbone: its name; of a network made of others theirs, with plus signs between.
        identity, albedo: coefficients; 0 where the network says none.
        side: pixels of the pictures it is shown.
        model: the face model whose identity and albedo it speaks; empty where it speaks none.
        spread: whether it says how sure it is.
        parts: of the trained networks that it is made of.
    """

    kind: str
    backbone: str
    identity: int
    albedo: int
    side: int
    model: str
    spread: bool = False
    parts: tuple[Layout, ...] = ()

    def facts(self) -> dict[str, Any]:
        """As plain values; ``parts`` only where there are some."""
        return {name: value for name, value in asdict(self).items() if name != "parts" or value}


def read_layout(facts: Mapping[str, Any]) -> Layout:
    """The layout of :meth:`Layout.facts`.

    Raises:
        TypeError: a fact is missing or unknown.
    """
    return Layout(**{**facts, "parts": tuple(read_layout(part) for part in facts.get("parts", ()))})
