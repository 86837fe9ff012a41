"""Heads whose expressions are principal components (FLAME, BFM, GNM): the 52 ARKit shapes in their terms.

No such model says what its components mean, so ARKit's meaning is carried over from a head that has it, at
MediaPipe's 478 landmarks, which both heads know:

1. The reference's landmark offsets for each shape are brought to the head's size and axes (similarity),
   those of ``eyeBlink*`` also to its eye openings.
2. The head's own components (and jaw, where it has one) follow them as closely as N(0, 1) coefficients
   reasonably can: ridge regression. This gives the folds and cheeks that landmarks do not see. For shapes of
   one side, the components act on that side alone, which many of them do not by themselves.
3. What is left at the landmarks is smoothed and spread over the surface by geodesic distance, so that the
   upper lip does not pull the lower one.

Gaze turns the eyeballs where there are any. ``tongueOut`` stays zero: landmarks do not see a tongue. The
result is an approximation, as close as the landmarks are and as alike as the two heads' ideas of a shape.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from jaxtyping import Float, Float32, Int
from numpy import ndarray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from core.arkit import ARKIT_NAMES
from core.face_model import building
from core.face_model.embedding_data import absent_landmarks
from core.face_model.model import JOINTS, LANDMARK_COUNT, REGIONS, FaceModel
from core.geometry.alignment import fit_rigid
from core.geometry.smooth import smoothstep

_LANDMARK_NOISE: Final = (
    1e-3  # metres: how far a landmark may stay off before a component moves by its deviation
)
_REACH: Final = (0.012, 0.035)  # metres of surface over which a landmark's remainder fades out
_SHARING: Final = 0.006  # metres of surface: how much farther than the nearest a landmark still counts
_SEAM: Final = 0.012  # metres from the middle over which a one-sided shape fades out
_MIRROR_TOLERANCE: Final = 4e-3  # metres: these heads are not quite symmetric
_HEAD: Final = JOINTS.index("head")
_JAW: Final = JOINTS.index("jaw")
_IRIS_FIRST: Final = 468  # from here on landmarks are irises, which the gaze moves
# Upper and lower lid landmarks that meet in a blink.
_LID_PAIRS: Final = {
    "Right": ((159, 145), (158, 153), (160, 144)),
    "Left": ((386, 374), (385, 380), (387, 373)),
}


@dataclass(frozen=True)
class PcaHead:
    """A converted head without ARKit shapes.

    Attributes:
        model: all but the expressions, which are zero (``jawOpen`` may serve to measure the landmarks).
        expression_basis: offsets of one standard deviation of each expression component; motions of a jaw
            joint may be among them.
    """

    model: FaceModel
    expression_basis: Float32[ndarray, "components vertices 3"]


def bare_model(
    *,
    name: str,
    licence: str,
    template: Float[ndarray, "vertices 3"],
    triangles: Int[ndarray, "triangles 3"],
    identity_basis: Float32[ndarray, "identity vertices 3"],
    joint_offset: Float[ndarray, "5 3"],
    joint_regressor: Float[ndarray, "5 vertices"],
    skin_weights: Float[ndarray, "vertices 5"],
    region: Int[ndarray, "vertices"],
) -> FaceModel:
    """A model of triangles alone, unwrapped on a cylinder, without expressions and landmarks."""
    landmark_triangles, landmark_barycentrics = absent_landmarks()
    return FaceModel(
        name=name,
        licence=licence,
        template=template.astype(np.float32),
        polygon_vertices=triangles.ravel().astype(np.int32),
        polygon_starts=np.arange(0, triangles.size, 3, dtype=np.int32),
        uv=building.cylinder_uv(template, triangles),
        identity_basis=identity_basis,
        identity_variance=1.0,
        expression_deltas=np.zeros((len(ARKIT_NAMES), *template.shape), np.float32),
        joint_offset=joint_offset.astype(np.float32),
        joint_regressor=joint_regressor.astype(np.float32),
        skin_weights=skin_weights.astype(np.float32),
        region=region.astype(np.int32),
        landmark_triangles=landmark_triangles,
        landmark_barycentrics=landmark_barycentrics,
        mirror=building.mirror_map(template, region, building.MIRRORED_REGIONS, tolerance=_MIRROR_TOLERANCE),
    )


def map_expressions(head: PcaHead, reference: FaceModel) -> FaceModel:
    """The head's model with ARKit shapes after the reference's.

    Both models need their landmark embedding.
    """
    model = head.model
    landmarks = model.landmarks(model.template).astype(np.float64)
    wanted = _wanted_offsets(model, landmarks, reference)
    used = slice(0, _IRIS_FIRST)
    deltas = np.zeros((len(ARKIT_NAMES), model.vertex_count, 3))
    for rows, share in _sides(model):
        basis = head.expression_basis * share[:, None]
        at_landmarks = _at_landmarks(model, basis)[:, used].reshape(len(basis), -1)
        normal = at_landmarks @ at_landmarks.T + _LANDMARK_NOISE**2 * np.eye(len(basis))
        target = wanted[rows, used].reshape(len(rows), -1)
        coefficients = np.linalg.solve(normal, at_landmarks @ target.T).T
        deltas[rows] = np.tensordot(coefficients, basis, axes=1)
    rest = (wanted - _at_landmarks(model, deltas))[:, used]
    deltas += np.einsum("vl,sld->svd", _spread(model)[:, used], rest, optimize=True)
    _turn_eyes(model, deltas)
    deltas[ARKIT_NAMES.index("tongueOut")] = 0.0
    mapped = replace(model, expression_deltas=deltas.astype(np.float32))
    return mapped if model.skin_weights[:, _JAW].any() else _with_jaw(mapped)


def _with_jaw(model: FaceModel) -> FaceModel:
    """The model with a jaw joint and its weights, found from ``jawOpen``, for files that have no jaw.

    The part that moves most (lower teeth, chin) tells the rigid motion. A hinge outside the head, which a
    motion that is hardly a rotation can give, is replaced by the average head's.
    """
    template = model.template.astype(np.float64)
    delta = model.expression_deltas[ARKIT_NAMES.index("jawOpen")].astype(np.float64)
    moved = np.linalg.norm(delta, axis=1)
    chin = moved > 0.7 * moved.max()
    rotation, translation = fit_rigid(template[chin], template[chin] + delta[chin])
    hinge = building.JAW_POINT
    if rotation[2, 1] > 0.02:  # turns about +X by more than a degree
        found = building.hinge_point(rotation, translation)
        hinge = found if np.linalg.norm(found - building.JAW_POINT) < 0.05 else hinge
    share = building.hinge_weights(template, delta, rotation, translation)
    share[model.region_mask("teeth_upper", "eye_left", "eye_right", "eye_socket", "lashes")] = 0.0
    share[model.region_mask("teeth_lower")] = 1.0
    weights = model.skin_weights.astype(np.float64)
    weights[:, _JAW] = weights[:, _HEAD] * share
    weights[:, _HEAD] *= 1.0 - share
    regressor = model.joint_regressor.copy()
    skin = model.region == REGIONS.index("skin")
    regressor[_JAW] = 0.0
    regressor[_JAW, skin] = building.affine_weights(template[skin], hinge)
    return replace(model, skin_weights=weights.astype(np.float32), joint_regressor=regressor)


def _sides(model: FaceModel) -> list[tuple[list[int], Float[ndarray, "vertices"]]]:
    """Rows of the shapes of either side and of both, each with the share of it that a vertex takes."""
    whole = np.ones(model.vertex_count)
    left = smoothstep(model.template[:, 0].astype(np.float64), -_SEAM, _SEAM)
    shares = {"": whole, "Left": left, "Right": 1.0 - left}
    rows: dict[str, list[int]] = {side: [] for side in shares}
    for row, name in enumerate(ARKIT_NAMES):
        across = name.removesuffix("Left").removesuffix("Right") in ("jaw", "mouth")  # the whole mouth moves
        side = next((side for side in ("Left", "Right") if name.endswith(side) and not across), "")
        rows[side].append(row)
    return [(rows[side], share) for side, share in shares.items()]


def _at_landmarks(
    model: FaceModel, offsets: Float[ndarray, "shapes vertices 3"]
) -> Float[ndarray, "shapes 478 3"]:
    corners = offsets[:, model.triangles[model.landmark_triangles]]
    return np.einsum("lk,slkd->sld", model.landmark_barycentrics, corners)


def _wanted_offsets(
    model: FaceModel, landmarks: Float[ndarray, "478 3"], reference: FaceModel
) -> Float[ndarray, "52 478 3"]:
    """The reference's landmark offsets in the head's size, axes and eye openings."""
    source = reference.landmarks(reference.template).astype(np.float64)
    rotation, _ = fit_rigid(source, landmarks)
    centred = source - source.mean(axis=0), landmarks - landmarks.mean(axis=0)
    scale = float(np.sqrt((centred[1] ** 2).sum() / (centred[0] ** 2).sum()))
    offsets = scale * _at_landmarks(reference, reference.expression_deltas.astype(np.float64)) @ rotation.T
    for side, pairs in _LID_PAIRS.items():
        upper, lower = np.array(pairs).T
        opening = np.linalg.norm(landmarks[upper] - landmarks[lower], axis=1).mean()
        usual = scale * np.linalg.norm(source[upper] - source[lower], axis=1).mean()
        offsets[ARKIT_NAMES.index(f"eyeBlink{side}")] *= opening / max(usual, 1e-6)
    return offsets


def _spread(model: FaceModel) -> Float[ndarray, "vertices 478"]:
    """How much of each landmark's remainder a vertex takes, by distance along the surface."""
    triangles = model.triangles
    a = np.concatenate([triangles[:, 0], triangles[:, 1], triangles[:, 2]])
    b = np.concatenate([triangles[:, 1], triangles[:, 2], triangles[:, 0]])
    length = np.linalg.norm(model.template[a] - model.template[b], axis=1).astype(np.float64)
    # Edges to an extra vertex for each landmark let the search start inside triangles.
    count = model.vertex_count
    corners = triangles[model.landmark_triangles]
    spots = model.landmarks(model.template)
    to_corner = np.linalg.norm(model.template[corners] - spots[:, None], axis=2).astype(np.float64)
    extra = np.repeat(np.arange(count, count + LANDMARK_COUNT), 3)
    rows, columns = np.r_[a, b, extra], np.r_[b, a, corners.ravel()]
    lengths = np.r_[length, length, to_corner.ravel()] + 1e-9
    # Two triangles share an edge; a matrix would add up what is named twice.
    _, first = np.unique(rows.astype(np.int64) * (count + LANDMARK_COUNT) + columns, return_index=True)
    graph = csr_array(
        (lengths[first], (rows[first], columns[first])),
        shape=(count + LANDMARK_COUNT, count + LANDMARK_COUNT),
    )
    starts = np.arange(count, count + LANDMARK_COUNT)
    distance = dijkstra(graph, directed=True, indices=starts, limit=_REACH[1])[:, :count].T
    # A mean of the landmarks around rather than an interpolation: their remainders are noisy.
    nearest = distance.min(axis=1, keepdims=True)
    farther = distance - np.where(np.isfinite(nearest), nearest, 0.0)
    weights = np.exp(-((farther / _SHARING) ** 2))
    total = weights.sum(axis=1, keepdims=True)
    fade = 1.0 - smoothstep(nearest[:, 0], *_REACH)
    return np.where(total > 0, weights / np.maximum(total, 1e-12), 0.0) * fade[:, None]


def _turn_eyes(model: FaceModel, deltas: Float[ndarray, "52 vertices 3"]) -> None:
    """Replace the eyeballs' offsets: the gaze turns them, nothing else moves them.

    Eyes that hang on the lids (BFM's) are left as they are: turning would tear them off.
    """
    joints = model.joints(model.template)
    eye = model.region_mask("eye_left", "eye_right")[model.triangles]
    if (eye.any(axis=1) & ~eye.all(axis=1)).any():
        return
    balls = {}
    for side in ("Left", "Right"):
        ball = np.flatnonzero(model.region_mask(f"eye_{side.lower()}"))
        deltas[:, ball] = 0.0
        balls[side] = ball, joints[JOINTS.index(f"eye_{side.lower()}")]
    building.turn_eyeballs(deltas, model.template, balls)
