"""Which vocabulary a character's shape keys speak."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from core.arkit import ARKIT_INDEX, ARKIT_NAMES
from core.retarget.names import spelling, without_prefix
from core.retarget.table import Channel, Table
from core.retarget.vocabularies import Vocabulary, Weights, vocabularies

REST_NAMES: Final = frozenset({"basis", "neutral", "base", "rest"})


@dataclass(frozen=True)
class Recognition:
    """What was found out about shape-key names.

    Attributes:
        vocabulary: name of the vocabulary, "" where none fits.
        score: 0–1, how much of a performance survives: the number of independent directions among the 52
            units that the keys can show, over 52.
        table: the mapping, by the keys' full names.
        unmapped: keys that nothing drives, without the rest shape.
        lost: ARKit units that drive nothing.
    """

    vocabulary: str
    score: float
    table: Table
    unmapped: tuple[str, ...]
    lost: tuple[str, ...]


def recognise(names: Iterable[str], vocabulary: str | None = None) -> Recognition:
    """Recognise the vocabulary of shape keys by what their names can show of a performance.

    Spelling does not matter: ``jawOpen``, ``JawOpen``, ``jaw_open`` and ``blendShape1.jawOpen`` are one name,
    as are ``browDownLeft``, ``browDown_L`` and ``L_browDown``.

    Args:
        names: of the keys of one mesh, or of several that belong together.
        vocabulary: name of the only one to try.

    Raises:
        KeyError: there is no such vocabulary.
    """
    known = vocabularies()
    tried = [known[vocabulary]] if vocabulary is not None else list(known.values())
    full = [name for name in dict.fromkeys(names) if spelling(name)[0] not in REST_NAMES]
    best_name, best_score, best = "", 0.0, dict[str, Weights]()
    for short_names in without_prefix(full):
        for candidate in tried:
            driven = _driven(short_names, candidate)
            score = _directions(driven) / len(ARKIT_NAMES)
            if (score, len(driven)) > (best_score, len(best)):
                best_name, best_score, best = candidate.name, score, driven
    used = {unit for weights in best.values() for unit in weights}
    return Recognition(
        vocabulary=best_name,
        score=best_score,
        table=Table(
            channels={name: Channel(best[name]) for name in full if name in best},
            name=known[best_name].title if best_name else "",
        ),
        unmapped=tuple(name for name in full if name not in best),
        lost=tuple(name for name in ARKIT_NAMES if name not in used),
    )


def recognise_meshes(meshes: Mapping[str, Iterable[str]]) -> Mapping[str, Recognition]:
    """Recognise each of several meshes (head, teeth, brows).

    Meshes of one character mostly speak one vocabulary, and a mesh with three keys tells little by itself:
    the vocabulary of all together is taken, except for a mesh of which another one knows more names.
    """
    keys = {mesh: list(names) for mesh, names in meshes.items()}
    together = recognise(name for names in keys.values() for name in names)
    found = {}
    for mesh, names in keys.items():
        alone = recognise(names)
        same = recognise(names, together.vocabulary) if together.vocabulary else alone
        found[mesh] = same if len(same.table.channels) >= len(alone.table.channels) else alone
    return found


def _driven(names: Mapping[str, str], vocabulary: Vocabulary) -> dict[str, Weights]:
    """Full name → weights, for the names that the vocabulary has."""
    spelled = {spelling(target.removeprefix(vocabulary.prefix)): target for target in vocabulary.targets}
    spelled |= {spelling(target): target for target in vocabulary.targets}
    found: dict[str, str] = {}  # target → full name; a copy of a key stays out
    for short, full in names.items():
        target = spelled.get(spelling(short))
        if target is not None:
            found.setdefault(target, full)
    for fallback, better in vocabulary.fallbacks.items():
        if any(target in found for target in better):
            found.pop(fallback, None)
    return {full: vocabulary.targets[target] for target, full in found.items()}


def _directions(driven: Mapping[str, Weights]) -> int:
    """Rank of the linear map from the 52 units to the keys."""
    matrix = np.zeros((len(driven), len(ARKIT_NAMES)))
    for row, weights in zip(matrix, driven.values(), strict=True):
        for unit, weight in weights.items():
            row[ARKIT_INDEX[unit]] = weight
    return int(np.linalg.matrix_rank(matrix)) if driven else 0
