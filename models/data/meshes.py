"""Small meshes that dress a rendered head: tubes, ellipsoids, sheets."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float32, Int32
from numpy import ndarray


@dataclass(frozen=True)
class Solid:
    """An opaque thing.

    Attributes:
        vertices: head space, metres.
        colour: linear, of each vertex.
        gloss: strength of its highlights, 0-1.
    """

    vertices: Float32[ndarray, "vertices 3"]
    triangles: Int32[ndarray, "triangles 3"]
    colour: Float32[ndarray, "vertices 3"]
    gloss: float = 0.1


@dataclass(frozen=True)
class Sheet:
    """A layer with a ragged edge, such as hair or a cloth mask.

    Attributes:
        vertices: head space, metres.
        inside: distance from the edge, metres; negative outside, where the sheet is not seen.
        grain: place in the pattern of strands: noise is looked up here.
        ragged: depth of the notches that the noise cuts into the edge, metres.
        streaks: contrast of the strands.
    """

    vertices: Float32[ndarray, "vertices 3"]
    triangles: Int32[ndarray, "triangles 3"]
    inside: Float32[ndarray, "vertices"]
    grain: Float32[ndarray, "vertices 3"]
    colour: Float32[ndarray, "3"]
    ragged: float
    streaks: float
    gloss: float


def solid(
    vertices: Float[ndarray, "vertices 3"],
    triangles: Int32[ndarray, "triangles 3"],
    colour: Float[ndarray, "3"],
    gloss: float = 0.1,
) -> Solid:
    """A thing of one colour."""
    colours = np.broadcast_to(np.asarray(colour, np.float32), vertices.shape).copy()
    return Solid(vertices.astype(np.float32), triangles, colours, gloss)


def grid_triangles(rows: int, columns: int, wrap: bool = False) -> Int32[ndarray, "triangles 3"]:
    """Triangles of a grid of vertices, row after row; ``wrap`` joins the last column to the first."""
    index = np.arange(rows * columns, dtype=np.int32).reshape(rows, columns)
    if wrap:
        index = np.concatenate([index, index[:, :1]], axis=1)
    a, b, c, d = (part.ravel() for part in (index[:-1, :-1], index[:-1, 1:], index[1:, :-1], index[1:, 1:]))
    return np.concatenate([np.stack([a, c, b], 1), np.stack([b, c, d], 1)]).astype(np.int32)


def ellipsoid(
    centre: Float[ndarray, "3"], radii: Float[ndarray, "3"], rows: int = 10, columns: int = 16
) -> tuple[Float[ndarray, "vertices 3"], Int32[ndarray, "triangles 3"]]:
    """An ellipsoid along the axes."""
    down = np.linspace(0, np.pi, rows)[:, None]
    round_ = np.linspace(0, 2 * np.pi, columns, endpoint=False)[None]
    unit = np.stack(
        [np.sin(down) * np.sin(round_), np.cos(down) + 0 * round_, np.sin(down) * np.cos(round_)], axis=-1
    )
    return unit.reshape(-1, 3) * radii + centre, grid_triangles(rows, columns, wrap=True)


def tube(
    line: Float[ndarray, "points 3"], radius: float, sides: int = 6, closed: bool = False
) -> tuple[Float[ndarray, "vertices 3"], Int32[ndarray, "triangles 3"]]:
    """A tube along a line, open at its ends; a ring where ``closed``."""
    if closed:
        line = np.concatenate([line, line[:1]])
    along = np.gradient(line, axis=0)
    if closed:
        along[[0, -1]] = line[1] - line[-2]
    along /= np.maximum(np.linalg.norm(along, axis=1, keepdims=True), 1e-9)
    helper = np.where(np.abs(along[:, 1:2]) < 0.9, [[0.0, 1.0, 0.0]], [[1.0, 0.0, 0.0]])
    across = np.cross(along, helper)
    across /= np.linalg.norm(across, axis=1, keepdims=True)
    other = np.cross(along, across)
    turn = np.linspace(0, 2 * np.pi, sides, endpoint=False)
    ring = across[:, None] * np.cos(turn)[:, None] + other[:, None] * np.sin(turn)[:, None]
    vertices = (line[:, None] + radius * ring).reshape(-1, 3)
    return vertices, grid_triangles(len(line), sides, wrap=True)


def joined(parts: list[tuple[ndarray, ndarray]]) -> tuple[Float[ndarray, "vertices 3"], ndarray]:
    """Several meshes as one."""
    starts = np.cumsum([0] + [len(vertices) for vertices, _ in parts[:-1]])
    triangles = [part[1] + start for part, start in zip(parts, starts, strict=True)]
    return np.concatenate([vertices for vertices, _ in parts]), np.concatenate(triangles).astype(np.int32)
