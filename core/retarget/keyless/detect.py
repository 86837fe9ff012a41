"""Landmarks of a mesh by looking at it: rendered from several sides, read as photos are, lifted back."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy import ndarray
from scipy.spatial import cKDTree
from scipy.spatial.transform import Rotation

from core.face_model.detector import render_detector
from core.face_model.embedding import Detector, robust_mean
from core.face_model.model import LANDMARK_COUNT, FaceModel
from core.geometry.closest import closest_points
from core.landmark_topology import IRIS_LEFT, IRIS_RIGHT
from core.retarget.keyless.landmarks import Landmarks
from core.retarget.keyless.mesh import Surface
from core.retarget.keyless.placement import Placement, fit_similarity
from core.retarget.keyless.views import IRISES, MIDDLE, TONE, PaintedHead, picture, place_under

_FEW = tuple((math.radians(yaw), 0.0) for yaw in (-15, 0, 15))
_MANY = tuple(
    (math.radians(yaw), math.radians(pitch))
    for yaw, pitch in (
        (-30, 0),
        (-15, 0),
        (0, 0),
        (15, 0),
        (30, 0),
        (-15, -12),
        (15, -12),
        (-15, 12),
        (15, 12),
    )
)
_SKIN_POINTS = np.setdiff1d(np.arange(LANDMARK_COUNT), IRISES)
_MOST_UNLIKE = 0.012  # metres of rig: median residual of a face that is one
_SUNKEN = 0.009  # metres behind the rig's corneas, of an iris that is the back of a socket
_NEIGHBOURS = 8  # landmarks round one that tell where it lies
_THROUGH = 0.02  # metres of rig, from where they tell: seen through a gap, as between parted lips
_LEAST_VOTES = 0.08  # of the landmarks, that make a part skin


@dataclass(frozen=True)
class Sight:
    """A face found on a mesh.

    Attributes:
        landmarks: in the mesh's own coordinates.
        placement: of the mesh in the rig's space, by them.
        skin: numbers of the connected parts that the landmarks lie on.
        eyes: numbers of those in front of which the irises were seen.
    """

    landmarks: Landmarks
    placement: Placement
    skin: Int[ndarray, "parts"]
    eyes: Int[ndarray, "eye_parts"]


def find_face(
    surface: Surface,
    shown: Bool[ndarray, "triangles"],
    colours: Float[ndarray, "welded 3"] | None,
    model: FaceModel,
    hint: Placement | None = None,
    report: Callable[[float], None] = lambda fraction: None,
) -> Sight | None:
    """Look for a face and its landmarks; none where no view shows one.

    Args:
        shown: triangles to draw; lashes, whose cards would hide the lids, are left out.
        colours: albedo, linear; paint of our own where there is none.
        model: the rig that the mesh is to be placed like; its eyeballs fill sockets that are empty.
        hint: where the mesh lies, if that is known.
        report: told the fraction done.
    """
    triangles = surface.triangles[shown]
    rig_landmarks = model.landmarks(model.template).astype(np.float64)
    seen: set[int] = set()
    with render_detector() as detect:
        first = _first_look(surface, triangles, colours, rig_landmarks, hint, detect, report)
        if first is None:
            return None
        placement, points, skin, eyes = first
        borrowed = _eyes_for(model, placement.to_rig(points))
        for views, begin, end in ((_FEW, 0.3, 0.4), (_MANY, 0.4, 1.0)):
            stage = PaintedHead(
                surface, triangles, colours,
                placement=placement, points=points, skin=skin, eyes=eyes, borrowed=borrowed,
            )  # fmt: skip
            looks = []
            for done, (yaw, pitch) in enumerate(views):
                report(begin + (end - begin) * done / len(views))
                looks += stage.look(yaw, pitch, detect)
            seen |= stage.seen
            if not looks:
                return None
            fresh = robust_mean(np.stack(looks).astype(np.float32)).astype(np.float64)
            points = np.where(np.isnan(fresh), points, fresh)
            placement = _place(points, rig_landmarks)[0]
            points = _not_through_gaps(points, placement, rig_landmarks)
    return Sight(_on_surface(surface, points, triangles[sorted(seen)]), placement, skin, eyes)


def _eyes_for(model: FaceModel, points: ndarray) -> list[tuple[ndarray, ndarray]]:
    """The rig's eyeballs for sockets into which the irises were seen to fall: meshes may come without."""
    found = []
    for region, centre in (("eye_left", IRIS_LEFT[0]), ("eye_right", IRIS_RIGHT[0])):
        own = model.region_mask(region)
        front = float(model.template[own, 2].max()) if own.any() else 0.0
        if own.any() and not points[centre, 2] > front - _SUNKEN:
            renumber = np.cumsum(own) - 1
            ball = renumber[model.triangles[own[model.triangles].all(axis=1)]]
            found.append((model.template[own].astype(np.float64), ball.astype(np.int64)))
    return found


def _first_look(
    surface: Surface,
    triangles: ndarray,
    colours: ndarray | None,
    rig_landmarks: ndarray,
    hint: Placement | None,
    detect: Detector,
    report: Callable[[float], None],
) -> tuple[Placement, ndarray, ndarray, ndarray] | None:
    """The first pose in which a face is seen that is shaped like one."""
    painted = np.tile(TONE, (len(surface.vertices), 1)) if colours is None else colours
    poses = list(_poses(surface, triangles)) if hint is None else [hint, *_poses(surface, triangles)]
    for done, pose in enumerate(poses):
        report(0.3 * done / len(poses))
        middle = MIDDLE if pose is hint else (0.0, 0.0, 0.0)
        image, fragments = picture(pose.to_rig(surface.vertices), triangles, painted, 0.0, 0.0, middle)
        pixels = detect(image)
        if pixels is None:
            continue
        index, where = place_under(surface.vertices, triangles, fragments, pixels[:, :2])
        points = where.copy()
        seen = index >= 0
        if seen[_SKIN_POINTS].mean() < 0.5:
            continue
        placement, unlike = _place(points, rig_landmarks)
        if unlike > _MOST_UNLIKE:
            continue
        part = surface.component[triangles[:, 0]]
        votes = np.bincount(part[index[_SKIN_POINTS][seen[_SKIN_POINTS]]], minlength=part.max() + 1)
        skin = np.flatnonzero(votes >= max(_LEAST_VOTES * len(_SKIN_POINTS), 1))
        if not len(skin):
            continue
        at_iris = np.unique(part[index[IRISES][seen[IRISES]]])
        return placement, points, skin, np.setdiff1d(at_iris, skin)
    return None


def _poses(surface: Surface, triangles: ndarray) -> Iterator[Placement]:
    """Ways that a head may lie: Y or Z up, turned by quarters; the whole mesh, then its upper end."""
    used = surface.vertices[np.unique(triangles)]
    upright = [Rotation.identity(), Rotation.from_euler("x", -90, degrees=True)]
    for up, yaw, whole in product(upright, (0, 180, 90, -90), (True, False)):
        turn = (Rotation.from_euler("y", yaw, degrees=True) * up).as_matrix()
        points = used @ turn.T
        low, high = points.min(axis=0), points.max(axis=0)
        width, height = high[:2] - low[:2]
        if not whole:
            if height < 1.3 * width:
                continue
            # the head of a body: an eighth of its height, wherever the hands may be
            low[1] = high[1] - max(0.22 * height, 0.0)
            top = points[points[:, 1] > low[1]]
            low[0], high[0] = top[:, 0].min(), top[:, 0].max()
        size = 1.15 * max(float(high[1] - low[1]), float(min(high[0] - low[0], 2 * (high[1] - low[1]))))
        scale = 0.3 / max(size, 1e-30)
        yield Placement(scale, turn, -scale * (low + high) / 2)


def _place(points: ndarray, rig_landmarks: ndarray) -> tuple[Placement, float]:
    skin = _known_skin(points)
    placement, distance = fit_similarity(points[skin], rig_landmarks[skin].astype(np.float64))
    return placement, float(np.median(distance))


def _known_skin(points: ndarray) -> ndarray:
    """Numbers of the landmarks that were found, without irises: those may lie at the back of a socket."""
    return np.setdiff1d(np.flatnonzero(np.isfinite(points).all(axis=1)), IRISES)


def _not_through_gaps(points: ndarray, placement: Placement, rig_landmarks: ndarray) -> ndarray:
    """Points behind a gap in the skin are put where the landmarks round them say that the skin is."""
    chosen = _known_skin(points)
    off = placement.to_rig(points[chosen]) - rig_landmarks[chosen]
    _, near = cKDTree(rig_landmarks[chosen]).query(rig_landmarks[chosen], k=min(_NEIGHBOURS, len(chosen)))
    expected = np.median(off[near], axis=1)
    through = np.linalg.norm(off - expected, axis=1) > _THROUGH
    mended = points.copy()
    mended[chosen[through]] = placement.to_mesh(rig_landmarks[chosen[through]] + expected[through])
    return mended


def _on_surface(surface: Surface, points: ndarray, seen: Int[ndarray, "triangles 3"]) -> Landmarks:
    """Means over views lie a little inside: back to the nearest place on the skin seen."""
    known = np.isfinite(points).all(axis=1)
    result = np.where(known[:, None], points, 0.0)
    chosen = _known_skin(points)
    result[chosen] = closest_points(result[chosen], surface.vertices, seen).position
    return Landmarks(result, known)
