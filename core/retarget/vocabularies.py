"""The vocabularies of shape keys that characters come with, from the tables in ``vocabularies/``.

Each table says which ARKit units drive a target, with weights, and where its names were taken from. A target
may mix several units, and a unit may drive several targets. A fallback is a target that is used only where
the better ones, which do the same, are missing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

Weights = Mapping[str, float]
"""ARKit name → weight."""


@dataclass(frozen=True)
class Vocabulary:
    """Names of shape keys and what drives them.

    Attributes:
        name: of its table.
        title: for people to read.
        source: where the names come from.
        targets: key → weights of ARKit units.
        fallbacks: key → keys that are used instead of it where one of them exists.
        prefix: of all targets, which exporters leave out.
    """

    name: str
    title: str
    source: str
    targets: Mapping[str, Weights]
    fallbacks: Mapping[str, tuple[str, ...]]
    prefix: str = ""


@cache
def vocabularies() -> Mapping[str, Vocabulary]:
    """All vocabularies by name."""
    found = {}
    folder = resources.files("core.retarget") / "vocabularies"
    for file in sorted(folder.iterdir(), key=lambda item: item.name):
        if file.name.endswith(".json"):
            name = file.name.removesuffix(".json")
            table = json.loads(file.read_text(encoding="utf-8"))
            fallbacks = {key: tuple(better) for key, better in table["fallbacks"].items()}
            targets = {
                key: {unit: float(weight) for unit, weight in weights.items()}
                for key, weights in table["targets"].items()
            }
            prefix = table.get("prefix", "")
            found[name] = Vocabulary(name, table["title"], table["source"], targets, fallbacks, prefix)
    return found
