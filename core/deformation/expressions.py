"""The 52 expressions of one person: transferred from the template, then made to fit their lids and jaw.

Landmarks of the photos do not change the shapes any further: what a photo shows of a shape can hardly be told
from its coefficient, the pose and the neutral, so corrections learned from them follow the landmarks' errors.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float32, Int
from numpy import ndarray

from core.arkit import ARKIT_INDEX, ARKIT_NAMES
from core.deformation.eyelids import close_lids, find_eyelids, fit_eyeball, gaze_turn, keep_outside
from core.deformation.interior import (
    at_roots,
    follow_rigidly,
    jaw_gain,
    lash_roots,
    neighbour_matrix,
    skin_components,
)
from core.deformation.transfer import DeformationTransfer
from core.face_model.embedding_data import has_landmarks, landmark_vertices
from core.face_model.model import FaceModel
from core.landmark_topology import LIP_PAIRS

STILL = 1e-5
"""Metres. What a shape moves by no more than this on the template stays exactly in place on the person."""

_LID_SHAPES = ("eye", "cheekSquint")
_CARRIED = ("teeth_upper", "teeth_lower", "tongue")


def personalise_expressions(
    model: FaceModel, neutral: Float32[ndarray, "vertices 3"]
) -> Float32[ndarray, "52 vertices 3"]:
    """Fit the model's expressions to a person.

    Skin follows by deformation transfer; eyeballs turn about their own centres by the template's angle; teeth
    and tongue follow the jaw; lids close on these eyes and stay outside them; lashes stay on the lids.

    Args:
        neutral: the person's neutral head, insides settled.

    Returns:
        offsets from ``neutral`` for coefficient 1.
    """
    person = neutral.astype(np.float64)
    shapes = model.expression_deltas.astype(np.float64)
    result = _transfer_skin(model, person, shapes)
    _fit_lids(model, person, shapes, result)
    _hang_lashes(model, shapes, result, person)
    return result.astype(np.float32)


def _transfer_skin(model: FaceModel, person: ndarray, shapes: ndarray) -> ndarray:
    transfer = DeformationTransfer(model.template, both_halvings(model), person)
    skin = skin_components(model)
    apart = model.region_mask("eye_left", "eye_right", "lashes")
    still = np.linalg.norm(shapes, axis=2) <= STILL
    jaw_open, mouth_close = ARKIT_INDEX["jawOpen"], ARKIT_INDEX["mouthClose"]
    result = np.zeros_like(shapes)
    for index, shape in enumerate(shapes):
        if index == mouth_close:
            # mouthClose undoes jawOpen at the lips: transferred together, closed lips stay closed
            held = still[index] | ~skin
            both = transfer.transfer(shape + shapes[jaw_open], held, result[jaw_open])
            if has_landmarks(model):
                both += _meet_lips(model, transfer, shape + shapes[jaw_open], both, held)
            result[index] = np.where(held[:, None], 0.0, both - result[jaw_open])
        else:
            result[index] = transfer.transfer(shape, still[index] | ~skin)
        _move_insides(model, transfer, person, shape, still[index], skin | apart, result[index])
    return result


def _meet_lips(
    model: FaceModel,
    transfer: DeformationTransfer,
    shape: ndarray,
    moved: ndarray,
    held: Bool[ndarray, "vertices"],
) -> ndarray:
    """Displacement that brings the lips as near to each other as on the template.

    The lips hang together only at the corners, so the transfer alone lets them drift apart by up to a
    millimetre. The lower lip makes up for it, the skin around it follows harmonically.
    """
    upper, lower = landmark_vertices(model)[np.array(LIP_PAIRS)].T
    off = (moved[lower] - moved[upper]) - transfer.scale * (shape[lower] - shape[upper])
    values = np.zeros_like(moved)
    values[lower] = -off
    fixed = held.copy()
    fixed[np.r_[upper, lower]] = True
    values[held] = 0.0
    nothing = np.zeros_like(shape)
    return transfer.transfer(nothing, fixed, values, nothing)


def _move_insides(
    model: FaceModel,
    transfer: DeformationTransfer,
    person: ndarray,
    shape: ndarray,
    still: Bool[ndarray, "vertices"],
    done: Bool[ndarray, "vertices"],
    result: ndarray,
) -> None:
    """Teeth, tongue and gums that are not connected with the skin, and the eyeballs, in place."""
    held = done | still
    if not held.all():
        gain = jaw_gain(model, person, result, shape, transfer.scale)
        for region in _CARRIED:
            part = model.region_mask(region)
            if part.any() and not still[part].any():
                result[part] = follow_rigidly(model.template[part], shape[part], person[part], gain)
                held = held | part
        result[:] = transfer.transfer(shape, held, result)
    for region in ("eye_left", "eye_right"):
        part = model.region_mask(region)
        if part.any() and not still[part].all():
            eyeball = fit_eyeball(person[part])
            turn = gaze_turn(model.template[part], shape[part])
            result[part] = (person[part] - eyeball.centre) @ (turn - np.eye(3)).T


def _fit_lids(model: FaceModel, person: ndarray, shapes: ndarray, result: ndarray) -> None:
    neighbours = neighbour_matrix(model)
    for lids in find_eyelids(model):
        eyeball = fit_eyeball(person[lids.eyeball])
        for name in ARKIT_NAMES:
            if not name.startswith(_LID_SHAPES):
                continue
            index = ARKIT_INDEX[name]
            if not result[index][lids.upper].any():
                continue
            turn = gaze_turn(model.template[lids.eyeball], shapes[index][lids.eyeball])
            result[index] = keep_outside(lids, eyeball, person, result[index], turn)
            if name.startswith("eyeBlink"):
                for _ in range(2):
                    result[index] = close_lids(lids, eyeball, person, result[index], neighbours)
                    result[index] = keep_outside(lids, eyeball, person, result[index], turn)


def _hang_lashes(model: FaceModel, shapes: ndarray, result: ndarray, person: ndarray) -> None:
    """Lashes move with the skin at their roots, plus what they do beyond it on the template."""
    lashes = model.region_mask("lashes")
    if not lashes.any():
        return
    roots = lash_roots(model)
    size = np.linalg.norm(person[lashes].std(axis=0)) / np.linalg.norm(model.template[lashes].std(axis=0))
    for index, shape in enumerate(shapes):
        own = size * (shape[lashes] - at_roots(model, roots, shape))
        moving = np.linalg.norm(shape[lashes], axis=1) > STILL
        result[index][lashes] = np.where(moving[:, None], at_roots(model, roots, result[index]) + own, 0.0)


def both_halvings(model: FaceModel) -> Int[ndarray, "triangles 3"]:
    """Triangles of the model with each quad halved both ways, so that a symmetric head stays symmetric."""
    corners, starts = model.polygon_vertices, model.polygon_starts
    quads = np.diff(np.append(starts, len(corners))) == 4
    a, b, c = (corners[starts + k] for k in range(3))
    d = corners[starts[quads] + 3]
    qa, qb, qc = a[quads], b[quads], c[quads]
    sets = ((a, b, c), (qa, qc, d), (qa, qb, d), (qb, qc, d))
    return np.concatenate([np.stack(corner, axis=1) for corner in sets])
