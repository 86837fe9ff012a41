"""Where faces fold: the usual lines of each wrinkle, laid between MediaPipe's landmarks.

Faces fold where muscles shorten the skin above them, across the muscle: the frontalis draws lines across the
forehead, the corrugators two between the brows, the orbicularis oculi the crow's feet, and so on (any anatomy
of facial expression says where). Lines are set for the person's right side and mirrored. Depths are for
wrinkles at full strength on a middle-aged face; they are set by eye and fitted to no data.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

Anchor = Mapping[int, float]
"""A place on the face: landmark → share; shares add up to 1."""


@dataclass(frozen=True)
class Line:
    """A fold of the skin.

    Attributes:
        anchors: what it passes, in order.
        depth: of the fold in its middle, millimetres.
        width: of its profile (standard deviation), millimetres.
        wander: how far it strays from the smooth curve, millimetres.
        mirrored: whether the other side has one too; lines across the middle have none.
    """

    anchors: tuple[Anchor, ...]
    depth: float
    width: float
    wander: float = 0.6
    mirrored: bool = True


@dataclass(frozen=True)
class Dimples:
    """Skin that dimples all over instead of folding in lines.

    Attributes:
        around: its middle.
        reach: standard deviation of where it fades, millimetres.
        depth: of the dimples, millimetres.
        spacing: of the dimples, millimetres.
    """

    around: Anchor
    reach: float
    depth: float
    spacing: float


def _mix(a: int, b: int, share: float) -> Anchor:
    """Between two landmarks, ``share`` of the way to the second."""
    return {a: 1 - share, b: share}


_BROW_ROW = (70, 63, 105, 66, 107, 9, 336, 296, 334, 293, 300)
_MIDDLE_ROW = (68, 68, 104, 69, 108, 151, 337, 299, 333, 298, 298)
_HAIR_ROW = (54, 54, 103, 67, 109, 10, 338, 297, 332, 284, 284)


def _forehead(low: tuple[int, ...], high: tuple[int, ...], share: float, first: int, last: int) -> tuple:
    return tuple(_mix(low[k], high[k], share) for k in range(first, last + 1))


def _round_lips() -> tuple[Line, ...]:
    """Lines across the red of the lips and the skin round it, fading outwards."""
    upper = ((40, 92), (39, 165), (37, 167))
    lower = ((91, 106), (181, 182), (84, 83))
    lines = []
    for row in (upper, lower):
        for (lip, skin), (next_lip, next_skin) in itertools.pairwise(row):
            for share in (0.0, 0.5):
                start = {lip: 1 - share, next_lip: share} if share else {lip: 1.0}
                end = {skin: 1 - share, next_skin: share} if share else {skin: 1.0}
                whole = _blend(start, end, 0.85)
                lines.append(Line((start, _blend(start, end, 0.4), whole), 0.20, 0.8, 0.3))
        lip, skin = row[-1]
        lines.append(Line(({lip: 1.0}, _blend({lip: 1.0}, {skin: 1.0}, 0.8)), 0.20, 0.8, 0.3))
    for lip, skin in ((0, 164), (17, 18)):
        lines.append(Line(({lip: 1.0}, _blend({lip: 1.0}, {skin: 1.0}, 0.7)), 0.12, 0.8, 0.3, False))
    return tuple(lines)


def _blend(a: Anchor, b: Anchor, share: float) -> Anchor:
    return {key: (1 - share) * a.get(key, 0.0) + share * b.get(key, 0.0) for key in {*a, *b}}


FOLDS: Final[Mapping[str, tuple[Line | Dimples, ...]]] = {
    "wrinkle_brow_raise": (
        Line(_forehead(_BROW_ROW, _MIDDLE_ROW, 0.42, 1, 9), 0.45, 1.1, 0.8, False),
        Line(_forehead(_BROW_ROW, _MIDDLE_ROW, 0.90, 1, 9), 0.55, 1.2, 0.9, False),
        Line(_forehead(_MIDDLE_ROW, _HAIR_ROW, 0.30, 2, 8), 0.48, 1.2, 0.9, False),
        Line(_forehead(_MIDDLE_ROW, _HAIR_ROW, 0.72, 3, 7), 0.30, 1.2, 0.9, False),
    ),
    "wrinkle_brow_frown": (
        Line((_mix(168, 193, 0.40), _mix(8, 55, 0.52), _mix(9, 107, 0.55), _mix(107, 108, 0.30)), 0.55, 1.3),
        Line((_mix(193, 168, 0.15), _mix(168, 6, 0.10), _mix(417, 168, 0.15)), 0.22, 1.1, 0.4, False),
    ),
    "wrinkle_nose": (
        Line((_mix(6, 122, 0.25), _mix(122, 196, 0.35), _mix(188, 174, 0.45)), 0.28, 0.9, 0.5),
        Line((_mix(197, 196, 0.35), _mix(196, 174, 0.45), _mix(174, 217, 0.45)), 0.26, 0.9, 0.5),
        Line((_mix(193, 168, 0.20), {168: 0.5, 6: 0.5}, _mix(417, 168, 0.20)), 0.20, 1.0, 0.3, False),
    ),
    **{
        f"wrinkle_squint_{side}": (
            Line((_mix(130, 226, 0.7), _mix(226, 143, 0.55), _mix(143, 34, 0.55)), 0.32, 0.9, 0.5),
            Line((_mix(113, 226, 0.4), _mix(124, 156, 0.65), _mix(156, 139, 0.75)), 0.26, 0.9, 0.5),
            Line((_mix(226, 31, 0.45), _mix(35, 111, 0.45), _mix(111, 116, 0.65)), 0.28, 0.9, 0.5),
            Line((_mix(31, 228, 0.35), _mix(111, 117, 0.5), _mix(117, 123, 0.45)), 0.18, 1.0, 0.6),
            Line(tuple(_mix(a, b, 0.5) for a, b in ((26, 232), (22, 231), (23, 230), (24, 229), (110, 228))),
                 0.22, 0.8, 0.3),
            Line(({232: 1.0}, {231: 1.0}, {230: 1.0}, _mix(229, 228, 0.3)), 0.14, 0.9, 0.4),
        )
        for side in ("left", "right")
    },
    **{
        f"wrinkle_smile_{side}": (
            Line((_mix(129, 142, 0.15), _mix(129, 203, 0.8), {206: 1.0}, {216: 1.0}, {212: 1.0}), 0.75, 2.0),
            Line((_mix(205, 207, 0.55), _mix(207, 214, 0.35), _mix(214, 212, 0.25)), 0.22, 1.6, 0.8),
        )
        for side in ("left", "right")
    },
    **{
        f"wrinkle_frown_{side}": (
            Line((_mix(61, 57, 0.25), _mix(43, 202, 0.45), _mix(204, 202, 0.45), _mix(204, 211, 0.7)),
                 0.50, 1.4),
        )
        for side in ("left", "right")
    },
    **{
        f"wrinkle_stretch_{side}": (
            Line((_mix(186, 216, 0.55), _mix(57, 212, 0.45), _mix(57, 202, 0.85)), 0.40, 1.4),
            Line((_mix(216, 207, 0.55), _mix(212, 214, 0.50), _mix(202, 210, 0.55)), 0.25, 1.5),
        )
        for side in ("left", "right")
    },
    "wrinkle_pucker": _round_lips(),
    "wrinkle_chin": (
        Dimples({199: 0.6, 200: 0.4}, 9.0, 0.22, 4.2),
        Line((_mix(194, 182, 0.25), _mix(83, 201, 0.55), _mix(18, 200, 0.45), _mix(313, 421, 0.55),
              _mix(418, 406, 0.25)), 0.35, 1.6, 0.4, False),
    ),
}  # fmt: skip
"""Wrinkle → its folds; a name that ends in a side has those of that side alone."""
