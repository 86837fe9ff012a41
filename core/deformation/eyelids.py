"""Where a model's eyelids are, and keeping them on a person's eyeballs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy import ndarray
from scipy.sparse import csr_array, diags_array
from scipy.sparse.linalg import splu
from scipy.spatial.transform import Rotation

from core.face_model.building import vertex_neighbours
from core.face_model.model import FaceModel
from core.geometry.alignment import fit_sphere

CLEARANCE = 2e-4  # metres between the outside of a lid and the eyeball
_LID_RINGS = 16  # rings of edges from the margin outward that count as lid
_LID_REACH = 1.7  # ... within so many radii of the eyeball's centre
_EDGE_RINGS = 4  # ... and as the lid's edge, where lashes grow
_IRIS_ANGLE = np.radians(27)
_PROFILE_STEP = np.radians(7.5)
_PROFILE_BINS = np.arange(0, np.pi + 0.01, _PROFILE_STEP)


@dataclass(frozen=True)
class Eyelids:
    """The skin around one eye; vertex numbers.

    Attributes:
        eyeball: vertices of the eyeball.
        upper, lower: the lids' margins, where they leave the eyeball, without the corners.
        corners: outer and inner, where the margins meet.
        edge: the lids' edges, from the margin to where lashes grow.
        outside: lid skin from the margin outward, edges included.
        inside: the flap from the margin inward, and the socket.
    """

    eyeball: Int[ndarray, "eyeball"]
    upper: Int[ndarray, "upper"]
    lower: Int[ndarray, "lower"]
    corners: Int[ndarray, "2"]
    edge: Int[ndarray, "edge"]
    outside: Int[ndarray, "outside"]
    inside: Int[ndarray, "inside"]


@dataclass(frozen=True)
class Eyeball:
    """A round eyeball with a cornea: its radius depends on the angle from the optical axis."""

    centre: Float[ndarray, "3"]
    radius: float
    axis: Float[ndarray, "3"]
    profile: Float[ndarray, "bins"]

    def radius_towards(self, direction: Float[ndarray, "points 3"], turn: Float[ndarray, "3 3"]) -> ndarray:
        """Surface distance from the centre in unit directions, of the eyeball turned by a rotation."""
        angle = np.arccos(np.clip(direction @ (turn @ self.axis), -1, 1))
        return np.interp(angle, _PROFILE_BINS, self.profile)


def fit_eyeball(points: Float[ndarray, "points 3"]) -> Eyeball:
    """The eyeball through points on its surface; it looks along +Z at rest."""
    centre, radius = fit_sphere(points.astype(np.float64))
    away = points - centre
    distance = np.linalg.norm(away, axis=1)
    axis = np.array([0.0, 0.0, 1.0])
    angle = np.arccos(np.clip(away @ axis / distance, -1, 1))
    near = np.abs(angle[None] - _PROFILE_BINS[:, None]) < _PROFILE_STEP
    known = near.sum(axis=1) >= 4
    highest = [np.quantile(distance[row], 0.9) for row in near[known]]
    return Eyeball(centre, radius, axis, np.interp(_PROFILE_BINS, _PROFILE_BINS[known], highest))


def gaze_turn(rest: Float[ndarray, "points 3"], delta: Float[ndarray, "points 3"]) -> Float[ndarray, "3 3"]:
    """The turn about the eyeball's centre that takes its iris where a blendshape takes it.

    Some models slide the eyeball as well as turn it; the way of the iris is what lids and viewers go by.
    """
    away = rest.astype(np.float64) - fit_sphere(rest.astype(np.float64))[0]
    front = away[:, 2] > np.cos(_IRIS_ANGLE) * np.linalg.norm(away, axis=1)
    after = away[front] + delta[front]
    return Rotation.align_vectors(after.mean(axis=0)[None], away[front].mean(axis=0)[None])[0].as_matrix()


def find_eyelids(model: FaceModel) -> list[Eyelids]:
    """Eyelids of the left and the right eye; empty for models without eyeballs or without an opening.

    Edge rings are counted from the socket (from the mesh's border where there is none); the margin is the
    first ring that lies outside the eyeball on the template.
    """
    neighbours = vertex_neighbours(model.polygon_vertices, model.polygon_starts, model.vertex_count)
    eyes = [np.flatnonzero(model.region_mask(name)) for name in ("eye_left", "eye_right")]
    if any(len(eye) < 12 for eye in eyes):
        return []
    template = model.template.astype(np.float64)
    centres = np.array([fit_sphere(template[eye])[0] for eye in eyes])
    nearer = np.linalg.norm(template[:, None] - centres, axis=2).argmin(axis=1)
    found = [
        _find(model, template, neighbours, eye, nearer == number, np.sign(centres[number, 0]))
        for number, eye in enumerate(eyes)
    ]
    return [lids for lids in found if lids is not None]


def _find(
    model: FaceModel,
    template: ndarray,
    neighbours: csr_array,
    eyeball: ndarray,
    mine: Bool[ndarray, "vertices"],
    outward: float,
) -> Eyelids | None:
    centre, radius = fit_sphere(template[eyeball])
    away = template - centre
    distance = np.linalg.norm(away, axis=1)
    skin = model.region_mask("skin")
    seen = model.region_mask("eye_socket") & mine
    if not seen.any():
        seen = _border(model) & skin & (distance < 1.6 * radius)
    rings = []
    for _ in range(12 + _LID_RINGS):
        ring = (neighbours @ seen.astype(np.float64) > 0) & ~seen & skin
        if not ring.any():
            break
        rings.append(np.flatnonzero(ring))
        seen |= ring
    first = next((k for k, ring in enumerate(rings) if np.median(distance[ring]) > radius), None)
    if first is None:
        return None
    margin = rings[first]
    # seen from the eyeball's centre: corners are the ends, the lids lie above and below the line between
    longitude, latitude = _angles(away[margin])
    ends = np.array([(longitude * outward).argmax(), (longitude * outward).argmin()])
    line = np.interp(longitude, np.sort(longitude[ends]), latitude[ends][np.argsort(longitude[ends])])
    above = latitude > line
    middle = np.ones(len(margin), bool)
    middle[ends] = False
    socket = np.flatnonzero(model.region_mask("eye_socket") & mine)
    outside = np.concatenate(rings[first : first + _LID_RINGS])
    return Eyelids(
        eyeball=eyeball,
        upper=margin[above & middle],
        lower=margin[~above & middle],
        corners=margin[ends],
        edge=np.concatenate(rings[first : first + _EDGE_RINGS]),
        outside=outside[(distance[outside] < _LID_REACH * radius) & (away[outside, 2] > 0)],
        inside=np.concatenate([socket, *rings[:first]]),
    )


def _border(model: FaceModel) -> Bool[ndarray, "vertices"]:
    """Vertices on edges that only one triangle uses."""
    edges = np.sort(model.triangles[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2), axis=1)
    unique, uses = np.unique(edges, axis=0, return_counts=True)
    border = np.zeros(model.vertex_count, bool)
    border[unique[uses == 1]] = True
    return border


def _angles(away: ndarray) -> tuple[ndarray, ndarray]:
    """Longitude about the vertical axis and latitude, radians, of points seen from the origin."""
    longitude = np.arctan2(away[:, 0], away[:, 2])
    return longitude, np.arctan2(away[:, 1], np.hypot(away[:, 0], away[:, 2]))


def _lower_latitude(lids: Eyelids, away: ndarray, longitude: ndarray) -> ndarray:
    """Latitude of the lower margin, corners included, at given longitudes."""
    curve = np.r_[lids.lower, lids.corners]
    x, y = _angles(away[curve])
    order = np.argsort(x)
    return np.interp(longitude, x[order], y[order])


def close_lids(
    lids: Eyelids,
    eyeball: Eyeball,
    neutral: Float[ndarray, "vertices 3"],
    delta: Float[ndarray, "vertices 3"],
    neighbours: csr_array,
) -> Float[ndarray, "vertices 3"]:
    """A blink whose margins meet: the upper lid travels to where the lower one is, neither less nor more.

    Lid skin turns up or down about the eyeball's centre, by an angle that the margin dictates and that fades
    out (harmonically) over the skin that the blink moves; skin that stays in place in ``delta`` stays so.
    """
    away = neutral + delta - eyeball.centre
    longitude, latitude = _angles(away[lids.upper])
    wanted = _lower_latitude(lids, away, longitude) - latitude
    lid = np.zeros(len(neutral), bool)
    lid[np.r_[lids.outside, lids.inside]] = True
    angle = np.zeros(len(neutral))
    moving = np.linalg.norm(delta, axis=1) > 0
    angle[lids.upper] = np.where(moving[lids.upper], wanted, 0.0)
    free = lid & moving
    free[np.r_[lids.upper, lids.lower, lids.corners]] = False
    rows = np.flatnonzero(free)
    laplacian = csr_array(diags_array(np.ones(len(neutral))) - neighbours)
    inner = laplacian[rows][:, rows].tocsc()
    angle[rows] = splu(inner).solve(-(laplacian[rows] @ angle))
    longitude, latitude = _angles(away)
    flat = np.linalg.norm(away, axis=1) * np.cos(latitude + angle)
    turned = np.stack(
        [
            flat * np.sin(longitude),
            np.linalg.norm(away, axis=1) * np.sin(latitude + angle),
            flat * np.cos(longitude),
        ],
        axis=1,
    )
    return np.where((angle != 0)[:, None], turned + eyeball.centre - neutral, delta)


def keep_outside(
    lids: Eyelids,
    eyeball: Eyeball,
    neutral: Float[ndarray, "vertices 3"],
    delta: Float[ndarray, "vertices 3"],
    turn: Float[ndarray, "3 3"],
) -> Float[ndarray, "vertices 3"]:
    """Push lid skin radially out of the eyeball along the whole way from 0 to ``delta``.

    Args:
        turn: rotation of the eyeball at coefficient 1.

    Skin keeps the clearance, or its distance in the neutral face where that is smaller already.
    """
    skin = lids.outside[np.linalg.norm(delta[lids.outside], axis=1) > 0]
    start, moved = neutral[skin] - eyeball.centre, delta[skin].copy()
    for share in (1.0, 0.8, 0.6, 0.4, 0.2):
        needed = depth_inside(eyeball, start, moved, share, turn)
        away = start + share * moved
        moved += np.maximum(needed, 0)[:, None] / share * away / np.linalg.norm(away, axis=1, keepdims=True)
    result = delta.copy()
    result[skin] = moved
    return result


def depth_inside(
    eyeball: Eyeball, start: ndarray, moved: ndarray, share: float, turn: Float[ndarray, "3 3"]
) -> Float[ndarray, "points"]:
    """How far points (about the eyeball's centre) are deeper than they may be, at a share of their way."""

    def height(away: ndarray, turned: ndarray) -> ndarray:
        distance = np.linalg.norm(away, axis=1)
        return distance - eyeball.radius_towards(away / distance[:, None], turned)

    at_rest = height(start, np.eye(3))
    turned = np.eye(3) + share * (turn - np.eye(3))
    return np.minimum(CLEARANCE, at_rest) - height(start + share * moved, turned)
