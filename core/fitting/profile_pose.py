"""The pose of a known head in a photo, by its outline and by what other photos show of its skin.

The outline says where the head is, how large and how it is tilted; seen from the side it hardly says how far
it is turned, for there the outline's change with yaw is of second order. The skin does: what the other photos
show of it is laid over the head (INORig eq. 8), and flow from there to the photo moves every point that the
pose puts wrongly. Both are solved for together, in turns with the flow.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from jaxtyping import Float, Float32, Int
from numpy import ndarray
from scipy.spatial.transform import Rotation

from core.fitting.silhouette import HeadOutline, PhotoOutline, head_outline
from core.fitting.types import Observation, PhotoFit
from core.fitting.view_flow import SkinView, Tracks, ViewFlow

_ROUNDS: Final = 4  # of flow and pose in turns
_STEPS: Final = 4  # of Gauss-Newton in a round
_OUTLINE_NOISE, _SKIN_NOISE = 0.0012, 0.0008  # metres at the face
_OUTLINE_POINTS: Final = 150  # that the outline counts as, however finely it is drawn
_OUTLIER: Final = 0.003  # metres at which a point's weight has fallen to a quarter
_TRACKED: Final = 0.05  # trust from which a point of the skin is judged by
_DAMPING: Final = 1e-3


@dataclass(frozen=True)
class Posed:
    """A pose that was found, and how well it explains the photo; lengths in metres at the face.

    Attributes:
        outline: below which half, and four fifths, of the face's outline lie from the photo's.
        skin: median distance between where the pose puts the skin's points and where flow finds them.
        coverage: mean trust in the skin's points, see ``Tracks.coverage``.
    """

    fit: PhotoFit
    outline: tuple[float, float]
    skin: float
    coverage: float


@dataclass(frozen=True)
class KnownHead:
    """A head before the others' cameras.

    Attributes:
        neutral: at rest; ``posed`` with the expression of the photo that is placed.
        points: the flow's points on ``posed``.
        triangles: solid ones.
        face: weight of the vertices whose outline is looked at.
        flow, views: of the other photos and, last, the one that is placed; ``views`` of the others alone.
    """

    neutral: Float32[ndarray, "vertices 3"]
    posed: Float32[ndarray, "vertices 3"]
    points: Float[ndarray, "points 3"]
    triangles: Int[ndarray, "triangles 3"]
    face: Float[ndarray, "vertices"]
    flow: ViewFlow
    views: Sequence[SkinView]


def solve_pose(known: KnownHead, seen: Observation, outline: PhotoOutline, start: PhotoFit) -> Posed:
    """The pose nearest to ``start`` that explains outline and skin; its light is that of ``start``.

    Args:
        seen: the photo; nothing but its picture, mask and size is looked at.
    """
    middle = known.posed[known.face > 0.5].mean(axis=0)
    fit = start
    for _ in range(_ROUNDS):
        own = known.flow.view(known.neutral, fit, len(known.views))
        tracks = known.flow.track([*known.views, own], len(known.views))
        line = _outline(known, seen, fit)
        for _ in range(_STEPS):
            fit = _stepped(known, tracks, line, outline, fit, middle)
    return _judged(known, tracks, _outline(known, seen, fit), outline, fit)


def _outline(known: KnownHead, seen: Observation, fit: PhotoFit) -> HeadOutline:
    in_camera = (known.posed @ fit.rotation.T + fit.translation).astype(np.float32)
    return head_outline(in_camera, known.triangles, seen.crop_camera(fit.camera), known.face)


def _stepped(
    known: KnownHead,
    tracks: Tracks,
    line: HeadOutline,
    outline: PhotoOutline,
    fit: PhotoFit,
    middle: Float[ndarray, "3"],
) -> PhotoFit:
    """A damped Gauss-Newton step of turn about the head's middle and shift."""
    places = line.on(known.posed)
    at = _project(places, fit)
    nearest, far = outline.nearest(at, line.normals)
    metre = float(fit.translation[2]) / fit.camera.intrinsics[0]
    across = np.where(np.isfinite(far), ((at - nearest) * line.normals).sum(axis=1), 0) * metre
    off = (_project(known.points, fit) - tracks.pixels) * metre
    firm = np.isfinite(far) * line.weights * _robust(across) / _OUTLINE_NOISE**2
    firm *= min(1.0, _OUTLINE_POINTS / max(len(places), 1))
    trust = _on_skin(tracks) * _robust(np.linalg.norm(off, axis=1)) / _SKIN_NOISE**2

    of_line = np.einsum("pdk,pd->pk", _slopes(places, fit, middle), line.normals) * metre
    of_skin = _slopes(known.points, fit, middle) * metre
    H = (of_line * firm[:, None]).T @ of_line + np.einsum("pdk,p,pdl->kl", of_skin, trust, of_skin)
    g = (of_line * firm[:, None]).T @ across + np.einsum("pdk,p,pd->k", of_skin, trust, off)
    step = np.linalg.solve(H + np.diag(_DAMPING * np.diag(H) + 1e-9), -g)
    return _moved(fit, step, middle)


def _slopes(
    points: Float[ndarray, "points 3"], fit: PhotoFit, middle: Float[ndarray, "3"]
) -> Float[ndarray, "points 2 6"]:
    """Derivative of the pixels by turn (rotation vector, camera axes, about ``middle``) and shift."""
    arm = (points - middle) @ fit.rotation.T
    x, y, z = (points @ fit.rotation.T + fit.translation).T
    focal, zero = fit.camera.intrinsics[0], np.zeros(len(points))
    by_place = focal * np.stack(
        [np.stack([1 / z, zero, -x / z**2], axis=1), np.stack([zero, 1 / z, -y / z**2], axis=1)], axis=1
    )
    # d(turn × arm) / d turn = -[arm]×
    a, b, c = arm.T
    turned = np.stack(
        [np.stack([zero, c, -b], 1), np.stack([-c, zero, a], 1), np.stack([b, -a, zero], 1)], axis=1
    )
    return np.concatenate([by_place @ turned, by_place], axis=2)


def _moved(fit: PhotoFit, step: Float[ndarray, "6"], middle: Float[ndarray, "3"]) -> PhotoFit:
    turn = Rotation.from_rotvec(step[:3]).as_matrix()
    arm = fit.rotation @ middle
    shift = fit.translation + step[3:] + arm - turn @ arm
    return replace(fit, rotation=turn @ fit.rotation, translation=shift)


def _judged(
    known: KnownHead, tracks: Tracks, line: HeadOutline, outline: PhotoOutline, fit: PhotoFit
) -> Posed:
    metre = float(fit.translation[2]) / fit.camera.intrinsics[0]
    _, far = outline.nearest(_project(line.on(known.posed), fit), line.normals)
    shares = [0.5, 0.8]
    half, most = np.quantile(far * metre, shares, method="lower") if len(far) else (np.inf, np.inf)
    tracked = _on_skin(tracks) > _TRACKED
    off = np.linalg.norm((_project(known.points, fit) - tracks.pixels)[tracked], axis=1) * metre
    skin = float(np.median(off)) if len(off) else float("inf")
    return Posed(fit, (float(half), float(most)), skin, tracks.coverage)


def _on_skin(tracks: Tracks) -> Float[ndarray, "points"]:
    """Trust in the points that flow gives, not the outline."""
    trust: ndarray = tracks.trust * ~tracks.across.any(axis=1)
    return trust


def _robust(off: Float[ndarray, "points"]) -> Float[ndarray, "points"]:
    """Geman and McClure's weight, (1 + r² / c²)⁻²."""
    weight: ndarray = (1 + (off / _OUTLIER) ** 2) ** -2
    return weight


def _project(points: Float[ndarray, "points 3"], fit: PhotoFit) -> Float[ndarray, "points 2"]:
    fx, fy, cx, cy = fit.camera.intrinsics
    x, y, z = (points @ fit.rotation.T + fit.translation).T
    return np.column_stack([fx * x / z + cx, fy * y / z + cy])
