"""One form for the many spellings of a shape key's name."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import Final

_COPY: Final = re.compile(r"\.\d{3}$")  # what Blender adds to a second key of one name
# What exporters put before it: blendShape1., Face:, head|. Blender's own sides (.L, .right) are no names.
_PATH: Final = re.compile(r"^.*[.:|](?!(?:l|r|left|right)$)", re.IGNORECASE)
_WORDS: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|[^\W\d_a-zA-Z]+")
_SIDES: Final = {"l": "left", "left": "left", "r": "right", "right": "right", "lt": "left", "rt": "right"}
_SEPARATORS: Final = "_- "


def spelling(name: str) -> tuple[str, str]:
    """A name without case, separators, exporters' prefixes and copy numbers, and its side apart.

    >>> spelling("browDown.L"), spelling("blendShape1.BrowDownLeft"), spelling("jaw_open")
    (('browdown', 'left'), ('browdown', 'left'), ('jawopen', ''))
    """
    text = _PATH.sub("", _COPY.sub("", unicodedata.normalize("NFKC", name).strip()))
    words = [word.lower() for word in _WORDS.findall(text)]
    if not words:
        return text.lower(), ""
    for place in (-1, 0):
        if len(words) > 1 and words[place] in _SIDES:
            side = _SIDES[words.pop(place)]
            return "".join(words), side
    joined = "".join(words)
    for side in ("left", "right"):  # words that nothing separates: eyeblinkleft
        if joined.endswith(side) and joined != side:
            return joined.removesuffix(side), side
    return joined, ""


def without_prefix(names: Iterable[str]) -> list[dict[str, str]]:
    """Ways to shorten names by a prefix that all share: shortened name → name, the longest names first.

    Exporters put the mesh's name before each key (``Face_M_F00_Fcl_MTH_A``), and where it ends cannot be told
    from one name. The first way shortens nothing.
    """
    full = list(dict.fromkeys(names))
    ways = [{name: name for name in full}]
    if len(full) < 3:
        return ways
    bare = [_PATH.sub("", name) for name in full]
    # What the first and the last in order begin with, all begin with.
    for end, (letter, other) in enumerate(zip(min(bare), max(bare), strict=False), start=1):
        if letter != other:
            break
        if letter in _SEPARATORS:
            ways.append({_PATH.sub("", name)[end:]: name for name in full})
    return ways
