"""The project's own rendered heads, under seeds that no setting was chosen on.

Pictures and truth are kept under a key of ``tests.benchmarks.support.ict_truth`` alone, so that a change of
the fit, which that module takes skins with, does not change what the fit is judged on.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from PIL import Image

from tests.benchmarks.heads_support.case import Case, Half
from tests.benchmarks.heads_support.shape_error import TrueFace
from tests.benchmarks.heads_support.store import code_key, folder
from tests.benchmarks.support.ict_truth import (
    FACE_VERTICES,
    ict_model,
    make_head,
    now_region,
    seen_from_outside,
)

SEEDS: Final[dict[str, Half]] = {
    "200": "decide",
    "201": "decide",
    "202": "decide",
    "203": "decide",
    "204": "report",
    "205": "report",
    "206": "report",
    "207": "report",
}
_ALIGNED_BY: Final = np.array([33, 133, 362, 263, 1, 61, 291])  # eye corners, nose tip, mouth corners


def ict_head(seed: str, half: Half) -> Case:
    """Five pictures; the truth is the part of the face that NoW looks at and a scanner would see."""
    place = folder("ict") / f"{seed}-{code_key('tests/benchmarks/support/ict_truth.py')}"
    if not (place / "truth.npz").is_file():
        place.mkdir(exist_ok=True)
        head = make_head(int(seed))
        for number, view in enumerate(head.views):
            Image.fromarray(view.pixels).save(place / f"view-{number}.png")
        landmarks = ict_model().landmarks(head.neutral)
        face = head.neutral[:FACE_VERTICES][seen_from_outside(head.neutral)[:FACE_VERTICES]]
        face = face[now_region(landmarks, face)]
        np.savez(place / "truth.npz", face=face, marks=landmarks[_ALIGNED_BY])
    with np.load(place / "truth.npz") as stored:
        face, marks = (stored[name].astype(np.float64) for name in ("face", "marks"))
    return Case("ict", seed, half, tuple(sorted(place.glob("*.png"))), TrueFace(face, marks, _ALIGNED_BY))
