"""Pieces from which providers make a FaceModel: joints, skin weights, gaze, mirror twins, soft masks."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Final

import numpy as np
from jaxtyping import Bool, Float, Float32, Int, Int32
from numpy import ndarray
from scipy.sparse import csr_array
from scipy.spatial import cKDTree
from scipy.spatial.transform import Rotation

from core.arkit import ARKIT_INDEX
from core.face_model.model import REGIONS
from core.geometry.smooth import smoothstep

GAZE_DEGREES: Final[dict[str, float]] = {"In": 28.0, "Out": 39.0, "Up": 25.0, "Down": 35.0}
"""How far an eyeball turns at coefficient 1, in every model.

Takes of the Live Link Face app record the eyes' angles beside the coefficients: these are the slopes of one
(4,030 frames; In 26-29, Out 38-39, Up 25, Down 35, correlation 1.00). Anny's own units turn by 10-15 degrees,
ICT's files leave the eyeballs still.
"""

NECK_POINT: Final = np.array([0.0, -0.150, -0.095])
HEAD_POINT: Final = np.array([0.0, -0.050, -0.095])
JAW_POINT: Final = np.array([0.0, -0.041, -0.062])
"""Where the neck, head and jaw of an average head turn, metres from the middle between the eyes."""

MIRRORED_REGIONS: Final = np.array(
    [REGIONS.index({"eye_left": "eye_right", "eye_right": "eye_left"}.get(name, name)) for name in REGIONS]
)
"""Index of the region on the other side, for :func:`mirror_map` of models whose parts are their regions."""


def hinge_point(rotation: Float[ndarray, "3 3"], translation: Float[ndarray, "3"]) -> Float[ndarray, "3"]:
    """The point in the plane x = 0 that a rotation about the X axis with a translation leaves in place."""
    fixed = np.linalg.solve(np.eye(2) - rotation[1:, 1:], translation[1:])
    return np.array([0.0, *fixed])


def outward(
    vertices: Float[ndarray, "vertices 3"], triangles: Int[ndarray, "triangles 3"]
) -> Int[ndarray, "triangles 3"]:
    """The triangles turned so that, as a whole, they face away from a point inside the head."""
    a, b, c = (vertices[triangles[:, corner]] for corner in range(3))
    inside = vertices.mean(axis=0) - [0.0, 0.0, np.ptp(vertices[:, 2])]
    facing = (np.cross(b - a, c - a) * (a - inside)).sum()
    return triangles if facing >= 0 else triangles[:, ::-1]


def affine_weights(
    points: Float[ndarray, "points 3"], target: Float[ndarray, "3"]
) -> Float[ndarray, "points"]:
    """Weights that sum to 1 and carry ``points`` to ``target``, as even as possible.

    Because they sum to 1 and hold the target, the result follows any translation, scale or shear of
    the points.
    """
    even = np.full(len(points), 1.0 / len(points))
    system = np.c_[points - target, np.ones(len(points))].T
    wanted = np.array([0.0, 0.0, 0.0, 1.0])
    return even + np.linalg.lstsq(system, wanted - system @ even, rcond=None)[0]


def hinge_weights(
    vertices: Float[ndarray, "vertices 3"],
    delta: Float[ndarray, "vertices 3"],
    rotation: Float[ndarray, "3 3"],
    translation: Float[ndarray, "3"],
) -> Float[ndarray, "vertices"]:
    """How much of a rigid motion each vertex of a blendshape takes part in, 0 to 1.

    The share is the delta's projection on the displacement that the whole rigid motion would give.
    """
    whole = vertices @ rotation.T + translation - vertices
    share = (delta * whole).sum(axis=1) / np.maximum((whole**2).sum(axis=1), 1e-12)
    # Vertices that the motion hardly moves (near the hinge) and scan noise give no usable share.
    share[np.linalg.norm(delta, axis=1) < 1e-4] = 0.0
    return smoothstep(share, 0.02, 0.98)


def gaze_rotation(action: str, side: str) -> Rotation:
    """Turn of an eyeball for ``eyeLook<action><side>`` at coefficient 1 (``In`` is towards the nose)."""
    degrees = GAZE_DEGREES[action]
    if action in ("Up", "Down"):
        return Rotation.from_euler("x", -degrees if action == "Up" else degrees, degrees=True)
    towards_left = (action == "Out") == (side == "Left")
    return Rotation.from_euler("y", degrees if towards_left else -degrees, degrees=True)


def turn_eyeballs(
    deltas: Float[ndarray, "52 vertices 3"],
    rest: Float[ndarray, "vertices 3"],
    balls: Mapping[str, tuple[Int[ndarray, " ball"], Float[ndarray, "3"]]],
) -> None:
    """Write the eyeballs' part of the eight ``eyeLook`` units: a turn about the centre by ``GAZE_DEGREES``.

    Args:
        deltas: changed in place; lids and everything else stay.
        balls: vertices and centre of the ``Left`` and the ``Right`` eyeball.
    """
    for side, (ball, centre) in balls.items():
        arm = rest[ball].astype(np.float64) - centre
        for action in GAZE_DEGREES:
            turned = gaze_rotation(action, side).apply(arm) - arm
            deltas[ARKIT_INDEX[f"eyeLook{action}{side}"], ball] = turned.astype(deltas.dtype)


def vertex_neighbours(
    polygon_vertices: Int32[ndarray, "corners"], polygon_starts: Int32[ndarray, "polygons"], count: int
) -> csr_array:
    """Row-normalised adjacency of polygon edges; rows of lone vertices are zero."""
    following = np.arange(1, len(polygon_vertices) + 1)
    following[np.append(polygon_starts[1:], len(polygon_vertices)) - 1] = polygon_starts
    a, b = polygon_vertices, polygon_vertices[following]
    ones = np.ones(2 * len(a))
    matrix = csr_array((ones, (np.r_[a, b], np.r_[b, a])), shape=(count, count))
    matrix.data[:] = 1.0
    return csr_array(matrix.multiply(1.0 / np.maximum(matrix.sum(axis=1), 1.0)[:, None]))


def soften(
    weights: Float[ndarray, "vertices"], neighbours: csr_array, rounds: int
) -> Float[ndarray, "vertices"]:
    """Weights diffused over the mesh: each round averages a vertex half with its neighbours."""
    for _ in range(rounds):
        weights = 0.5 * weights + 0.5 * (neighbours @ weights)
    return weights


def mirror_map(
    vertices: Float[ndarray, "vertices 3"],
    part: Int[ndarray, "vertices"],
    mirrored_part: Int[ndarray, "parts"],
    tolerance: float = 2e-3,
) -> Int32[ndarray, "vertices"]:
    """Index of the vertex nearest to each vertex's mirror image in x, its own inverse everywhere.

    Args:
        vertices: a template symmetric about x = 0, to within a millimetre or so.
        part: part of each vertex; twins are sought in the mirrored part only.
        mirrored_part: the part on the other side of each part (itself for parts across the middle).
        tolerance: twins are no farther from the mirror image than this, metres.

    Vertices without a twin that agrees (more of them on one side) are their own twins.
    """
    twin = np.arange(len(vertices))
    for index, other in enumerate(mirrored_part):
        here, there = np.flatnonzero(part == index), np.flatnonzero(part == other)
        if other < index or len(here) == 0 or len(there) == 0:
            continue
        free_here, free_there = here, there
        # Coincident vertices choose the same twin; those that lose seek again among the vertices left.
        while len(free_here) and len(free_there):
            image = vertices[free_here] * [-1.0, 1.0, 1.0]
            distance, nearest = cKDTree(vertices[free_there]).query(image)
            back_image = vertices[free_there] * [-1.0, 1.0, 1.0]
            _, back = cKDTree(vertices[free_here]).query(back_image)
            agree = (back[nearest] == np.arange(len(free_here))) & (distance <= tolerance)
            if not agree.any():
                break
            twin[free_here[agree]] = free_there[nearest[agree]]
            twin[free_there[nearest[agree]]] = free_here[agree]
            taken = np.unique(np.r_[free_here[agree], free_there[nearest[agree]]])
            free_here, free_there = np.setdiff1d(free_here, taken), np.setdiff1d(free_there, taken)
    return twin.astype(np.int32)


def inside_polygon(
    points: Float[ndarray, "points 2"], polygon: Float[ndarray, "corners 2"]
) -> Bool[ndarray, "points"]:
    """Whether points lie in a closed polygon (even-odd rule)."""
    x, y = points[:, :1], points[:, 1:]
    (x0, y0), (x1, y1) = polygon.T, np.roll(polygon, -1, axis=0).T
    crosses = (y0 > y) != (y1 > y)
    with np.errstate(divide="ignore", invalid="ignore"):
        at = x0 + (y - y0) * (x1 - x0) / (y1 - y0)
    return np.logical_xor.reduce(crosses & (x < at), axis=1)


def distance_to_line(
    points: Float[ndarray, "points 3"], line: Float[ndarray, "corners 3"]
) -> Float[ndarray, "points"]:
    """Distance of each point to a line of straight pieces."""
    best = np.full(len(points), np.inf)
    for start, end in pairwise(line):
        along = end - start
        t = np.clip((points - start) @ along / (along @ along), 0.0, 1.0)
        best = np.minimum(best, np.linalg.norm(points - start - t[:, None] * along, axis=1))
    return best


def cylinder_uv(
    vertices: Float[ndarray, "vertices 3"], triangles: Int[ndarray, "triangles 3"]
) -> Float32[ndarray, "corners 2"]:
    """Texture corners of a head unwrapped on an upright cylinder, cut at the back; for files that have none.

    Ears, nostrils and eyeballs overlap their surroundings in such a layout.
    """
    axis = 0.5 * (vertices[:, 2].min() + vertices[:, 2].max())
    around = np.arctan2(vertices[:, 0], vertices[:, 2] - axis) / (2 * np.pi) + 0.5
    low, high = vertices[:, 1].min(), vertices[:, 1].max()
    u = around[triangles]
    # A triangle across the cut lies beyond the right border, for which a tenth of the width is left.
    across = u.max(axis=1) - u.min(axis=1) > 0.5
    u = np.where(across[:, None] & (u < 0.5), u + 1.0, u)
    upright = (vertices[:, 1] - low) / (high - low)
    # A triangle that holds the axis itself may reach farther than that.
    corners = np.stack([np.minimum(u / 1.1, 1.0), upright[triangles]], axis=-1)
    return corners.reshape(-1, 2).astype(np.float32)
