"""What people wear and hold, as meshes fitted to one model's template; pictures pick from them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from jaxtyping import Float32, Int32
from numpy import ndarray

from core.atomic import staged_output
from core.face_model.model import FaceModel
from models.data.accessories import clothes, random_glasses, random_hand, random_microphone
from models.data.meshes import Solid

KINDS: Final = ("clothes", "glasses", "hand", "microphone")
_COUNTS: Final = {"clothes": 24, "glasses": 64, "hand": 48, "microphone": 16}
_ALWAYS: Final = 4000  # draws until one is shown

Anchor = tuple[tuple[int, ...], tuple[int, int]]
ANCHORS: Final[dict[str, Anchor]] = {
    "glasses": ((33, 133, 362, 263, 168), (127, 356)),
    "hand": ((13, 14, 152, 1), (127, 356)),
    "microphone": ((13, 14), (127, 356)),
}
"""Landmarks whose middle a thing moves with, two whose distance it grows with. Clothes hang on the neck."""


@dataclass(frozen=True)
class Meshes:
    """Meshes of one kind, filled up to the size of the largest: by triangles of one point.

    Attributes:
        vertices: head space of the template, metres.
        colour: linear, of each vertex.
        gloss: strength of highlights of each triangle, 0-1.
    """

    vertices: Float32[ndarray, "meshes vertices 3"]
    triangles: Int32[ndarray, "meshes triangles 3"]
    colour: Float32[ndarray, "meshes vertices 3"]
    gloss: Float32[ndarray, "meshes triangles"]


Things = dict[str, Meshes]
"""Meshes by kind."""


def make_things(model: FaceModel, rng: np.random.Generator) -> Things:
    """A stock of each kind for heads of a model."""
    marks = model.landmarks(model.template)
    upright = (0.0, 0.0, 0.0)
    draw: dict[str, Callable[[], list[Solid]]] = {
        "clothes": lambda: clothes(rng, model, model.template, upright),
        "glasses": lambda: random_glasses(rng, marks),
        "hand": lambda: random_hand(rng, marks),
        "microphone": lambda: random_microphone(rng, marks),
    }
    return {kind: _filled([_shown(draw[kind]) for _ in range(_COUNTS[kind])]) for kind in KINDS}


def write_things(file: Path, things: Things) -> None:
    """
    Raises:
        OutputFailed: the file cannot be written.
    """
    with staged_output(file) as path, path.open("wb") as stream:
        arrays = {
            f"{kind}_{name}": value for kind, mesh in things.items() for name, value in vars(mesh).items()
        }
        np.savez_compressed(stream, **arrays)


def read_things(file: Path) -> Things:
    """
    Raises:
        OSError, ValueError, KeyError: the file is missing or damaged.
    """
    with np.load(file, allow_pickle=False) as stored:
        names = ("vertices", "triangles", "colour", "gloss")
        return {kind: Meshes(*(stored[f"{kind}_{name}"] for name in names)) for kind in KINDS}


def _shown(draw: Callable[[], list[Solid]]) -> list[Solid]:
    for _ in range(_ALWAYS):
        made = draw()
        if made:
            return made
    raise AssertionError("nothing was drawn in thousands of tries")


def _filled(stock: list[list[Solid]]) -> Meshes:
    joined = []
    for solids in stock:
        starts = np.cumsum([0, *(len(one.vertices) for one in solids)])
        joined.append(
            (
                np.concatenate([one.vertices for one in solids]),
                np.concatenate([one.triangles + start for one, start in zip(solids, starts, strict=False)]),
                np.concatenate([one.colour for one in solids]),
                np.concatenate([np.full(len(one.triangles), one.gloss) for one in solids]),
            )
        )
    most = [max(len(parts[k]) for parts in joined) for k in range(4)]
    filled = [
        np.stack([np.pad(parts[k], [(0, most[k] - len(parts[k])), *[(0, 0)] * (parts[k].ndim - 1)])
                  for parts in joined])
        for k in range(4)
    ]  # fmt: skip
    vertices, triangles, colour, gloss = filled
    return Meshes(
        vertices.astype(np.float32), triangles.astype(np.int32), colour.astype(np.float32),
        gloss.astype(np.float32),
    )  # fmt: skip
