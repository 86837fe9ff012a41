"""What the loose parts of a head are: eyeballs, teeth, tongue, and what is fixed to the skin."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray
from scipy.spatial import cKDTree

from core.face_model.building import fit_sphere
from core.face_model.model import FaceModel
from core.retarget.keyless.mesh import Surface

_BALL: Final = (0.6, 1.5)  # of the rig's eyeballs: radii that are one
_ROUND: Final = 0.12  # of the radius: how far its points may be off the sphere
_INSIDE: Final = 1.25  # of the radius: what lies within turns with it
_GAZE: Final = np.cos(np.radians(30))
_MOUTH: Final = 0.006  # metres from teeth or tongue of the rig, in the middle
_TOUCHING, _FARTHEST = 0.004, 0.03  # metres from the skin: in the middle and at most, of lashes and brows
_SPLIT: Final = 0.003  # metres about the biting edge over which a part with both jaws changes over


@dataclass(frozen=True)
class Ball:
    """An eyeball of the mesh, in the rig's space."""

    vertices: Int[ndarray, "ball"]
    centre: Float[ndarray, "3"]
    radius: float


@dataclass
class Parts:
    """Vertices of the mesh by what they are; those in none stay where they are.

    Attributes:
        balls: by region of the rig, ``eye_left`` and ``eye_right``.
        jaw: share of the jaw's motion of each vertex of the teeth and gums, by vertex.
        tongue: vertices.
        attached: vertices of parts that are fixed to the skin.
    """

    balls: dict[str, Ball] = field(default_factory=dict)
    jaw: dict[int, float] = field(default_factory=dict)
    tongue: Int[ndarray, "tongue"] = field(default_factory=lambda: np.zeros(0, np.int64))
    attached: Int[ndarray, "attached"] = field(default_factory=lambda: np.zeros(0, np.int64))


def find_parts(
    surface: Surface,
    vertices: Float[ndarray, "vertices 3"],
    skin: Int[ndarray, "parts"],
    model: FaceModel,
    settled: Float[ndarray, "model_vertices 3"],
) -> Parts:
    """Tell the parts of a mesh by where the rig's are once its skin lies on the mesh's.

    Args:
        vertices: of the surface, in the rig's space.
        skin: connected parts that are the face's skin.
        settled: the rig's head on the mesh.
    """
    parts = Parts()
    used = np.unique(surface.triangles)
    loose = np.setdiff1d(np.unique(surface.component[used]), skin)
    members = {number: np.flatnonzero(surface.component == number) for number in loose}
    taken: set[int] = set()
    for region in ("eye_left", "eye_right"):
        ball, numbers = _find_ball(members, vertices, settled[model.region_mask(region)])
        if ball is not None:
            parts.balls[region] = ball
            taken |= numbers
    trees = {
        name: cKDTree(settled[model.region_mask(name)])
        for name in ("teeth_upper", "teeth_lower", "tongue")
        if model.region_mask(name).any()
    }
    on_skin = cKDTree(vertices[np.isin(surface.component, skin)])
    bite = _biting_edge(model, settled)
    tongue, attached = [], []
    for number, own in members.items():
        if number in taken:
            continue
        near = {name: float(np.median(tree.query(vertices[own])[0])) for name, tree in trees.items()}
        nearest = min(near, key=near.__getitem__, default="")
        if nearest and near[nearest] < _MOUTH:
            if nearest == "tongue":
                tongue.append(own)
            else:
                parts.jaw.update(zip(own.tolist(), _jaw_share(vertices[own], bite), strict=True))
            continue
        distance = on_skin.query(vertices[own])[0]
        if np.median(distance) < _TOUCHING and distance.max() < _FARTHEST:
            attached.append(own)
    if tongue:
        parts.tongue = np.concatenate(tongue)
    if attached:
        parts.attached = np.concatenate(attached)
    return parts


def _find_ball(
    members: dict[int, ndarray], vertices: ndarray, eye: ndarray
) -> tuple[Ball | None, set[int]]:
    """The eyeball where the rig's lies, with cornea, iris and whatever else lies in it."""
    if len(eye) < 12:
        return None, set()
    expected, size = fit_sphere(eye)
    best = None
    for number, own in members.items():
        if len(own) < 12 or np.linalg.norm(vertices[own].mean(axis=0) - expected) > 2 * size:
            continue
        centre, radius = fit_sphere(vertices[own])
        away = vertices[own] - centre
        distance = np.linalg.norm(away, axis=1)
        looks = (away[:, 2] > _GAZE * distance).any()
        off = float(np.median(np.abs(distance - radius))) / radius
        fits = _BALL[0] * size < radius < _BALL[1] * size and off < _ROUND and looks
        if fits and np.linalg.norm(centre - expected) < size and (best is None or len(own) > best[0]):
            best = len(own), centre, radius
    if best is None:
        return None, set()
    _, centre, radius = best
    inside = {
        number
        for number, own in members.items()
        if (np.linalg.norm(vertices[own] - centre, axis=1) < _INSIDE * radius).all()
        and _covers_gaze(vertices[own] - centre)
    }
    return Ball(np.concatenate([members[number] for number in sorted(inside)]), centre, radius), inside


def _covers_gaze(away: ndarray) -> bool:
    """Whether a part lies before the pupil, as no lash or rim of tears does."""
    return bool((away[:, 2] > _GAZE * np.linalg.norm(away, axis=1)).any())


def _biting_edge(model: FaceModel, settled: ndarray) -> float:
    """Height at which the rig's upper teeth end and the lower ones begin."""
    upper, lower = model.region_mask("teeth_upper"), model.region_mask("teeth_lower")
    if not upper.any() or not lower.any():
        return 0.0
    return float((np.quantile(settled[upper, 1], 0.2) + np.quantile(settled[lower, 1], 0.8)) / 2)


def _jaw_share(points: ndarray, bite: float) -> list[float]:
    """0 for upper, 1 for lower teeth; what holds both goes over from one to the other."""
    below = bite - points[:, 1]
    if (below > 0).mean() > 0.85 or (below < 0).mean() > 0.85:
        return [float(below.mean() > 0)] * len(points)
    return np.clip(0.5 + below / (2 * _SPLIT), 0.0, 1.0).tolist()
