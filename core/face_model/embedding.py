"""Where MediaPipe's 478 landmarks lie on a face model's surface.

The network was trained on photos and has its own idea of where, say, the 36th point of the jaw is. So the
embedding is measured: the model is painted, rendered from several sides, the landmarks are detected, and
each is carried back along its pixel's ray onto the surface.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np
import torch
from jaxtyping import Float32, Int32, UInt8
from numpy import ndarray
from scipy.optimize import linear_sum_assignment
from scipy.spatial import cKDTree

from core.arkit import ARKIT_INDEX
from core.face_model.model import LANDMARK_COUNT, FaceModel
from core.geometry.closest import closest_points
from core.landmark_topology import (
    BROW_LEFT,
    BROW_RIGHT,
    IRIS_LEFT,
    IRIS_RIGHT,
    LIPS_INNER,
    LIPS_OUTER,
)
from core.scene.camera import portrait_camera
from core.scene.lighting import ambient_light, directional_light
from core.scene.rasterise import Fragments
from core.scene.render import render
from core.scene.shading import vertex_normals

Detector = Callable[[UInt8[ndarray, "height width 3"]], "Float32[ndarray, '478 3'] | None"]

VIEWS = tuple(
    (math.radians(yaw), math.radians(pitch)) for yaw in range(-30, 31, 10) for pitch in (-12, 0, 12)
)
_OPEN_JAW = 0.35  # shut lips hide the inner lip line, so those landmarks are measured on an open mouth
_SIZE = 512
_MOST_EDGE_ON = -0.25  # cosine between normal and viewing direction
_MIDDLE = 0.015  # metres from the plane of symmetry within which both turns show a point
_FARTHEST = 6.0  # pixels from a landmark to the surface it is carried to
_SKIN_LANDMARKS = [i for i in range(LANDMARK_COUNT) if i not in (*IRIS_LEFT, *IRIS_RIGHT)]
_IRIS_ANGLE = math.radians(27)  # half the angle that a human iris spans, seen from the eyeball's centre
_PUPIL_ANGLE = math.radians(10)
_SKIN, _LIPS, _BROWS = (0.78, 0.58, 0.47), (0.66, 0.32, 0.30), (0.22, 0.14, 0.10)
_SCLERA, _IRIS, _PUPIL, _MOUTH = (0.9, 0.88, 0.86), (0.25, 0.16, 0.08), (0.02, 0.02, 0.02), (0.25, 0.06, 0.06)


def embed_landmarks(
    model: FaceModel, detect: Detector, heads: Sequence[Float32[ndarray, "vertices 3"]] = ()
) -> tuple[Int32[ndarray, "478"], Float32[ndarray, "478 3"]]:
    """Measure the embedding with a landmark detector.

    A first pass sees a head without brows; the second paints brows and lips where the first found them.

    Args:
        model: its own embedding is not used.
        detect: image → landmarks in pixels, or none if it sees no face.
        heads: further heads of the model to average over; the template is always used.

    Returns:
        triangle indices and barycentrics.

    Raises:
        ValueError: the detector sees no face on the renders.
    """
    points = _measure(model, detect, (model.template,), None)
    return attach_landmarks(model, _measure(model, detect, (model.template, *heads), points))


def _measure(
    model: FaceModel,
    detect: Detector,
    heads: Sequence[ndarray],
    known: Float32[ndarray, "478 3"] | None,
) -> Float32[ndarray, "478 3"]:
    """Positions of the landmarks on the template, averaged over views and mirrored halves."""
    colours = _paint(model, known)
    jaw = _OPEN_JAW * model.expression_deltas[ARKIT_INDEX["jawOpen"]]
    shut = _look(model, detect, heads, colours)
    opened = _look(model, detect, [head + jaw for head in heads], colours)
    lips = list(LIPS_INNER)
    points = robust_mean(shut)
    points[lips] = robust_mean(opened[:, lips])
    hidden = np.isnan(points).any(axis=1)
    if hidden.any() and known is None:
        raise ValueError(f"landmarks {np.flatnonzero(hidden).tolist()} are hidden in every view")
    if known is not None:
        points[hidden] = known[hidden]
    return _symmetric(points)


def _look(
    model: FaceModel, detect: Detector, heads: Sequence[ndarray], colours: ndarray
) -> Float32[ndarray, "looks 478 3"]:
    """Where each view of each head puts the landmarks, carried over to the template; NaN where not seen.

    On the far side of a turned head the detector's contour landmarks keep to the silhouette instead of a
    place on the skin, so a view only counts for the side that it shows.
    """
    # lashes are cards with transparent texture: without it they would hide the lids
    triangles = torch.from_numpy(_shown_triangles(model).astype(np.int64))
    soft, key = (
        ambient_light(np.full(3, 0.55)),
        directional_light(np.array([0.2, -0.5, -0.8]), np.full(3, 0.5)),
    )
    light = torch.from_numpy((soft + key).astype(np.float32))
    looks = []
    for head in heads:
        for yaw, pitch in VIEWS:
            camera, rotation, translation = portrait_camera(_SIZE, 0.3, yaw, pitch, target=(0, -0.025, 0.04))
            picture = render(
                torch.from_numpy(head), triangles, torch.from_numpy(colours), camera, rotation, translation,
                sh=light, background=torch.tensor([0.35, 0.4, 0.45]),
            )  # fmt: skip
            landmarks = detect((picture.image.clamp(0, 1) * 255).round().byte().numpy())
            if landmarks is None:
                continue
            look = _carry_back(model, head, picture.fragments, landmarks[:, :2], rotation.numpy())
            far_side = (look[:, 0] * yaw > 0) & (np.abs(look[:, 0]) > _MIDDLE)
            looks.append(np.where(far_side[:, None], np.nan, look))
    if not looks:
        raise ValueError(f"the landmark detector sees no face on renders of {model.name}")
    return np.stack(looks)


def _shown_triangles(model: FaceModel) -> Int32[ndarray, "shown 3"]:
    return model.triangles[~model.region_mask("lashes")[model.triangles].any(axis=1)]


def _carry_back(
    model: FaceModel,
    head: Float32[ndarray, "vertices 3"],
    fragments: Fragments,
    pixels: Float32[ndarray, "478 2"],
    rotation: Float32[ndarray, "3 3"],
) -> Float32[ndarray, "478 3"]:
    """Template positions of the surface seen at the landmarks; NaN where the surface is seen edge-on."""
    triangles = _shown_triangles(model)
    triangle = fragments.triangle.numpy()
    barycentrics = fragments.barycentrics.numpy()
    normals = vertex_normals(torch.from_numpy(head), torch.from_numpy(triangles.astype(np.int64))).numpy()
    away = (normals @ rotation.T)[:, 2]
    points = np.full((LANDMARK_COUNT, 3), np.nan, np.float32)
    iris = [*IRIS_LEFT, *IRIS_RIGHT]
    for landmarks, regions in ((_SKIN_LANDMARKS, ("skin",)), (iris, ("eye_left", "eye_right"))):
        allowed = model.region_mask(*regions)[triangles].all(axis=1)
        rows, columns = np.nonzero((triangle >= 0) & allowed[np.maximum(triangle, 0)])
        if not len(rows):
            continue
        distance, nearest = cKDTree(np.stack([columns, rows], axis=1) + 0.5).query(pixels[landmarks])
        row, column = rows[nearest], columns[nearest]
        corners = triangles[triangle[row, column]]
        weights = barycentrics[row, column]
        seen = np.einsum("lk,lk->l", weights, away[corners]) < _MOST_EDGE_ON
        seen &= distance < _FARTHEST
        where = np.einsum("lk,lkd->ld", weights, model.template[corners])
        points[landmarks] = np.where(seen[:, None], where, np.nan)
    return points


def robust_mean(looks: Float32[ndarray, "looks landmarks 3"]) -> Float32[ndarray, "landmarks 3"]:
    """Geometric median over looks by Weiszfeld's iteration, NaN left out; NaN where no look shows any."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # NumPy warns of landmarks that no look shows
        median = np.nanmedian(looks, axis=0)
    for _ in range(20):
        weight = 1 / np.maximum(np.linalg.norm(looks - median, axis=-1, keepdims=True), 1e-4)
        total = np.nansum(np.where(np.isnan(looks), np.nan, weight), axis=0)
        median = np.nansum(looks * weight, axis=0) / np.where(total > 0, total, np.nan)
    return median.astype(np.float32)


def _symmetric(points: Float32[ndarray, "478 3"]) -> Float32[ndarray, "478 3"]:
    """Average each landmark with its mirrored twin; twins are found by position."""
    mirrored = points * np.array([-1, 1, 1], np.float32)
    apart = np.linalg.norm(points[:, None] - mirrored[None], axis=-1)
    _, twin = linear_sum_assignment(apart**2)
    return (points + mirrored[twin]) / 2


def attach_landmarks(
    model: FaceModel, points: Float32[ndarray, "478 3"]
) -> tuple[Int32[ndarray, "478"], Float32[ndarray, "478 3"]]:
    """Triangle and barycentrics of the nearest places on the skin, or on the eyeballs for the irises."""
    index = np.zeros(LANDMARK_COUNT, np.int32)
    barycentrics = np.zeros((LANDMARK_COUNT, 3), np.float32)
    for landmarks, region in ((_SKIN_LANDMARKS, "skin"), (IRIS_LEFT, "eye_left"), (IRIS_RIGHT, "eye_right")):
        chosen = list(landmarks)
        allowed = np.flatnonzero(model.region_mask(region)[model.triangles].all(axis=1))
        nearest = closest_points(points[chosen], model.template, model.triangles[allowed])
        index[chosen] = allowed[nearest.triangle]
        barycentrics[chosen] = nearest.barycentrics
    return index, barycentrics


def _paint(model: FaceModel, known: Float32[ndarray, "478 3"] | None) -> Float32[ndarray, "vertices 3"]:
    colours = np.tile(np.array(_SKIN, np.float32), (model.vertex_count, 1))
    colours[model.region_mask("mouth_interior")] = _MOUTH
    colours[model.region_mask("teeth_upper", "teeth_lower")] = _SCLERA
    colours[model.region_mask("lashes")] = _BROWS
    for eye in ("eye_left", "eye_right"):
        own = np.flatnonzero(model.region_mask(eye))
        forward = model.template[own] - model.template[own].mean(axis=0)
        angle = np.arccos(np.clip(forward[:, 2] / np.linalg.norm(forward, axis=1), -1, 1))
        colours[own] = np.where(
            (angle < _PUPIL_ANGLE)[:, None], _PUPIL, np.where((angle < _IRIS_ANGLE)[:, None], _IRIS, _SCLERA)
        )
    skin = model.region_mask("skin")
    lips = model.masks.get("lips", np.zeros(model.vertex_count, np.float32))
    brows = np.zeros(model.vertex_count, np.float32)
    if known is not None:
        for brow in (BROW_LEFT, BROW_RIGHT):
            middle = (known[list(brow[:5])] + known[list(brow[5:])[::-1]]) / 2
            line = np.concatenate([np.linspace(a, b, 20) for a, b in pairwise(middle)])
            distance, _ = cKDTree(line).query(model.template)
            brows = np.maximum(brows, np.clip(1.6 - distance / 0.004, 0, 1))
        if "lips" not in model.masks:
            ring = np.concatenate([known[list(LIPS_OUTER)], known[list(LIPS_INNER)]])
            distance, _ = cKDTree(ring).query(model.template)
            lips = np.clip(1.5 - distance / 0.004, 0, 1)
    for weight, paint in ((lips, _LIPS), (brows, _BROWS)):
        weight = np.where(skin, weight, 0)[:, None].astype(np.float32)
        colours = colours * (1 - weight) + np.array(paint, np.float32) * weight
    return colours.astype(np.float32)
