"""What the loose parts of a head are: eyeballs, teeth, tongue, and what is fixed to the skin."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy import ndarray
from scipy.spatial import cKDTree

from core.arkit import ARKIT_INDEX
from core.face_model.building import hinge_weights
from core.face_model.model import FaceModel
from core.geometry.alignment import fit_rigid, fit_sphere
from core.retarget.keyless.mesh import Surface

_BALL: Final = (0.6, 1.5)  # of the rig's eyeballs: radii that are one
_ROUND: Final = 0.12  # of the radius: how far its points may be off the sphere
_INSIDE: Final = 1.25  # of the radius: what lies within turns with it
_GAZE: Final = np.cos(np.radians(30))
_MOUTH: Final = 0.014  # metres from the rig's teeth, tongue or cavity, in the middle
_BEHIND, _AROUND = 1.5e-3, 5e-3  # metres behind the foremost skin around, of what lies in the mouth
_TOUCHING, _FARTHEST = 0.004, 0.03  # metres from the skin: in the middle and at most, of lashes and brows
_ROW, _TOOTH = 0.016, 0.014  # metres: a row of teeth or a tongue is no higher, a tooth no wider
_DECIDED: Final = 0.85  # of a part's vertices nearest to one row of the rig's, that make it of that jaw
_FRONT: Final = 0.012  # metres behind the foremost tooth
_ROW_OF: Final = 4  # teeth
_MOST: Final = 0.6  # of a part's vertices nearest to the rig's tongue, that make it one
_TONGUE: Final = 0.008  # metres to both sides of the middle, that no tooth has
_TWO_ROWS: Final = 0.65  # of the height of the rig's front teeth, upper and lower together
_AT_TEETH: Final = 0.008  # metres from teeth or tongue that gums may be
_SMOOTHING: Final = 6  # rounds over which shares of gums are averaged


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
        mouth: vertices of teeth, gums, tongue and cavities that are not connected with the skin.
        jaw, tongue: shares of the jaw's motion and of the tongue's own, of each vertex of ``mouth``.
        attached: vertices of parts that are fixed to the skin.
    """

    balls: dict[str, Ball] = field(default_factory=dict)
    mouth: Int[ndarray, "mouth"] = field(default_factory=lambda: np.zeros(0, np.int64))
    jaw: Float[ndarray, "mouth"] = field(default_factory=lambda: np.zeros(0))
    tongue: Float[ndarray, "mouth"] = field(default_factory=lambda: np.zeros(0))
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
    members = {number: np.flatnonzero(surface.component == number) for number in loose.tolist()}
    taken: set[int] = set()
    for region in ("eye_left", "eye_right"):
        ball, numbers = _find_ball(members, vertices, settled[model.region_mask(region)])
        if ball is not None:
            parts.balls[region] = ball
            taken |= numbers
    face = vertices[np.isin(surface.component, skin)]
    on_skin, across = cKDTree(face), cKDTree(face[:, :2])
    inside = _Inside(model, settled)
    mouth, attached = [], []
    for number, own in members.items():
        if number in taken:
            continue
        if inside.holds(vertices[own]) and _is_behind(vertices[own], face, across):
            mouth.append(own)
            continue
        distance = on_skin.query(vertices[own])[0]
        if np.median(distance) < _TOUCHING and distance.max() < _FARTHEST:
            attached.append(own)
    if mouth:
        parts.mouth = np.concatenate(mouth)
        parts.jaw, parts.tongue = inside.shares(surface, vertices, mouth)
    if attached:
        parts.attached = np.concatenate(attached)
    return parts


class _Inside:
    """The inside of the rig's mouth: who of it goes with the jaw."""

    def __init__(self, model: FaceModel, settled: Float[ndarray, "model_vertices 3"]) -> None:
        lower, upper = model.region_mask("teeth_lower"), model.region_mask("teeth_upper")
        tongue, cavity = model.region_mask("tongue"), model.region_mask("mouth_interior")
        jaw = (lower | tongue).astype(np.float64)
        if cavity.any() and lower.any():
            opened = model.expression_deltas[ARKIT_INDEX["jawOpen"]].astype(np.float64)
            rest = model.template.astype(np.float64)
            turn, shift = fit_rigid(rest[lower], rest[lower] + opened[lower])
            jaw[cavity] = hinge_weights(rest[cavity], opened[cavity], turn, shift)
        solid = lower | upper | tongue
        self._solid, self._solid_jaw = settled[solid], jaw[solid]
        self._tongue = tongue[solid]
        self._cavity, self._cavity_jaw = settled[cavity], jaw[cavity]

    def holds(self, points: Float[ndarray, "points 3"]) -> bool:
        """Whether a part lies where the rig's mouth is."""
        everything = np.r_[self._solid, self._cavity]
        return len(everything) > 0 and float(np.median(cKDTree(everything).query(points)[0])) < _MOUTH

    def shares(
        self, surface: Surface, vertices: ndarray, members: list[ndarray]
    ) -> tuple[Float[ndarray, "mouth"], Float[ndarray, "mouth"]]:
        """Shares of jaw and tongue.

        A tooth, a row of teeth or a tongue is of one jaw as a whole, by the rig's teeth around it. What holds
        more (gums, a cavity) goes by those, then by the rig, and over from one to the other smoothly.
        """
        own = np.concatenate(members)
        jaw, tongue = np.zeros(len(vertices)), np.zeros(len(vertices))
        if not len(self._solid):
            return jaw[own], tongue[own]
        teeth: list[ndarray] = []
        mixed: list[ndarray] = []
        for part in members:
            if self._licks(vertices[part]):
                jaw[part] = tongue[part] = 1.0
                continue
            below = float(self._solid_jaw[cKDTree(self._solid).query(vertices[part])[1]].mean())
            whole = _is_of_one_jaw(vertices[part]) or max(below, 1 - below) > _DECIDED
            (teeth if whole else mixed).append(part)
        solid = self._solid + self._offset(vertices[np.concatenate(teeth)]) if teeth else self._solid
        tree = cKDTree(solid)
        lower = [self._solid_jaw[tree.query(vertices[part])[1]].mean() > 0.5 for part in teeth]
        centres = np.array([vertices[part].mean(axis=0) for part in teeth]).reshape(-1, 3)
        places, shares = [solid], [self._solid_jaw]
        for part, below in zip(teeth, _two_rows(centres, np.array(lower, bool)), strict=True):
            jaw[part] = float(below)
            places, shares = [*places, vertices[part]], [*shares, jaw[part]]
        if mixed:
            self._go_over(
                surface, vertices, np.concatenate(mixed), np.concatenate(places), np.concatenate(shares), jaw
            )
        return jaw[own], tongue[own]

    def _licks(self, points: ndarray) -> bool:
        """Whether a part is a tongue: in the middle, and nearest to the rig's."""
        across = points[:, 0].min() < -_TONGUE and points[:, 0].max() > _TONGUE
        return bool(across and self._tongue[cKDTree(self._solid).query(points)[1]].mean() > _MOST)

    def _offset(self, points: ndarray) -> Float[ndarray, "3"]:
        """From the rig's teeth to the mesh's, by the middle of the front ones, if there are two rows."""
        mine, own = (
            block[block[:, 2] > block[:, 2].max() - _FRONT] for block in (self._solid[~self._tongue], points)
        )
        heights = np.ptp(mine[:, 1]), np.ptp(own[:, 1])
        if heights[1] < _TWO_ROWS * heights[0]:
            return np.zeros(3)
        shift = (own.min(axis=0) + own.max(axis=0) - mine.min(axis=0) - mine.max(axis=0)) / 2
        return np.array([0.0, shift[1], shift[2]])

    def _go_over(
        self,
        surface: Surface,
        vertices: ndarray,
        mixed: ndarray,
        places: ndarray,
        shares: ndarray,
        jaw: ndarray,
    ) -> None:
        distance, nearest = cKDTree(places).query(vertices[mixed])
        jaw[mixed] = shares[nearest]
        if len(self._cavity):
            _, nearest = cKDTree(self._cavity).query(vertices[mixed])
            jaw[mixed] = np.where(distance < _AT_TEETH, jaw[mixed], self._cavity_jaw[nearest])
        for _ in range(_SMOOTHING):
            jaw[mixed] = 0.5 * jaw[mixed] + 0.5 * (surface.around @ jaw)[mixed]


def _is_of_one_jaw(points: ndarray) -> bool:
    width, height, depth = np.ptp(points, axis=0)
    return bool(height < _ROW or max(width, depth) < _TOOTH)


def _two_rows(centres: Float[ndarray, "parts 3"], lower: Bool[ndarray, "parts"]) -> Bool[ndarray, "parts"]:
    """Which single teeth are lower ones: two rows that rise alike towards the back, from a first guess."""
    if min(lower.sum(), (~lower).sum()) < _ROW_OF:
        return lower
    y, z = centres[:, 1], centres[:, 2]
    for _ in range(10):
        terms = np.c_[lower, ~lower, z, z**2].astype(np.float64)
        low, high, slope, bend = np.linalg.lstsq(terms, y, rcond=None)[0]
        nearer = np.abs(y - slope * z - bend * z**2 - low) < np.abs(y - slope * z - bend * z**2 - high)
        if (nearer == lower).all() or nearer.all() or not nearer.any():
            break
        lower = nearer
    return lower


def _is_behind(points: ndarray, face: ndarray, across: cKDTree) -> bool:
    """Whether skin lies before a part, as lips lie before teeth and never before a moustache."""
    chosen = points[:: max(1, len(points) // 200)]
    around = across.query_ball_point(chosen[:, :2], _AROUND)
    gaps = [place[2] - face[near, 2].max() for place, near in zip(chosen, around, strict=True) if near]
    return bool(gaps) and float(np.median(gaps)) < -_BEHIND


def _find_ball(members: dict[int, ndarray], vertices: ndarray, eye: ndarray) -> tuple[Ball | None, set[int]]:
    """The eyeball where the rig's lies, with cornea, iris and whatever else lies in it."""
    if len(eye) < 12:
        return None, set()
    expected, size = fit_sphere(eye)
    best = None
    for own in members.values():
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
