"""The landmarks of a mesh as a document that people may edit."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray
from scipy.interpolate import RBFInterpolator

from core.documents import MAX_JSON_BYTES, field, pack_json, unpack_json
from core.errors import LandmarksUnreadable
from core.face_model.model import LANDMARK_COUNT

FORMAT: Final = "semblance-landmarks"
SCHEMA: Final = 1

NAMED: Final[dict[str, int]] = {
    "eye_outer_left": 263, "eye_inner_left": 362, "lid_upper_left": 386, "lid_lower_left": 374,
    "eye_outer_right": 33, "eye_inner_right": 133, "lid_upper_right": 159, "lid_lower_right": 145,
    "brow_inner_left": 336, "brow_middle_left": 334, "brow_outer_left": 300,
    "brow_inner_right": 107, "brow_middle_right": 105, "brow_outer_right": 70,
    "nose_bridge": 168, "nose_tip": 1, "nose_base": 2, "nose_wing_left": 358, "nose_wing_right": 129,
    "mouth_corner_left": 291, "mouth_corner_right": 61,
    "lip_upper_top": 0, "lip_upper_bottom": 13, "lip_lower_top": 14, "lip_lower_bottom": 17,
    "lip_upper_left": 269, "lip_upper_right": 39, "lip_lower_left": 405, "lip_lower_right": 181,
    "chin": 152, "jaw_left": 288, "jaw_right": 58, "cheek_left": 425, "cheek_right": 205,
}  # fmt: skip
"""Readable names for the points that people edit, and their numbers among MediaPipe's 478. Left and right
are the person's own."""

NEEDED: Final = (
    "eye_outer_left", "eye_inner_left", "eye_outer_right", "eye_inner_right", "nose_tip",
    "mouth_corner_left", "mouth_corner_right", "chin",
)  # fmt: skip
"""Without these a face that is not recognised cannot be registered."""

_UNMOVED: Final = 1e-4  # of the distance of the outer eye corners: a point this near was not edited
_HINT: Final = "Write a fresh one with --write-landmarks, or show the landmarks in Blender."


@dataclass(frozen=True)
class Landmarks:
    """MediaPipe's 478 landmarks on a mesh, in the mesh's own coordinates.

    Attributes:
        known: those that were found or given; the positions of the others mean nothing.
    """

    positions: Float[ndarray, "478 3"]
    known: Bool[ndarray, "478"]

    @property
    def named(self) -> dict[str, Float[ndarray, "3"]]:
        """The points that people edit, by name."""
        return {name: self.positions[index] for name, index in NAMED.items() if self.known[index]}


def edited(found: Landmarks | None, points: Mapping[str, Float[ndarray, "3"]] | None) -> Landmarks | None:
    """Landmarks with some of the named ones put elsewhere; the others go along smoothly.

    Args:
        found: by rendering; none where no face was recognised.
        points: by hand, in the same coordinates.
    """
    if not points:
        return found
    chosen = [NAMED[name] for name in points]
    wanted = np.array(list(points.values()), np.float64).reshape(-1, 3)
    if found is None:
        positions, known = np.zeros((LANDMARK_COUNT, 3)), np.zeros(LANDMARK_COUNT, bool)
        positions[chosen], known[chosen] = wanted, True
        return Landmarks(positions, known)
    positions, known = found.positions.copy(), found.known.copy()
    fixed = np.array([i for name, i in NAMED.items() if name not in points and known[i]], int)
    had = np.array(chosen)[known[chosen]]
    shift = wanted[known[chosen]] - positions[had]
    size = np.linalg.norm(positions[NAMED["eye_outer_left"]] - positions[NAMED["eye_outer_right"]])
    if len(had) and np.linalg.norm(shift, axis=1).max() > _UNMOVED * size:
        places = np.r_[positions[had], positions[fixed]]
        shifts = np.r_[shift, np.zeros((len(fixed), 3))]
        _, first = np.unique(np.round(places / (1e-6 * size)), axis=0, return_index=True)
        degree = 0 if len(first) >= 1 else -1
        field_of_shifts = RBFInterpolator(places[first], shifts[first], kernel="linear", degree=degree)
        positions[known] += field_of_shifts(positions[known])
    positions[chosen], known[chosen] = wanted, True
    return Landmarks(positions, known)


def to_document(landmarks: Landmarks) -> dict[str, Any]:
    """The named points as JSON can hold them."""
    return points_document(landmarks.named)


def points_document(named: Mapping[str, Float[ndarray, "3"]]) -> dict[str, Any]:
    """Points by name as a document."""
    points = {name: [float(x) for x in place] for name, place in named.items()}
    return {"format": FORMAT, "schema": SCHEMA, "axes": "+Y up, +Z out of the face", "points": points}


def from_document(document: Mapping[str, Any]) -> dict[str, Float[ndarray, "3"]]:
    """Named points of a document; it may hold only some.

    Raises:
        ValueError: it does not hold together.
    """
    if document.get("format") != FORMAT:
        raise ValueError("it is no landmark document")
    if document.get("schema") != SCHEMA:
        raise ValueError(f"it has the version {document.get('schema')!r}; this release reads {SCHEMA}")
    points = {}
    for name, place in field(document, "points", dict).items():
        if name not in NAMED:
            raise ValueError(f"there is no landmark {name!r}")
        if not isinstance(place, list) or len(place) != 3:
            raise ValueError(f"{name} is not three numbers")
        points[name] = np.array([field({name: x}, name, float) for x in place])
    return points


def load_landmarks(path: Path) -> dict[str, Float[ndarray, "3"]]:
    """
    Raises:
        LandmarksUnreadable: the file is missing or damaged.
    """
    try:
        content = path.read_bytes()
        return from_document(unpack_json(content, path.name, FORMAT, "a landmark document", MAX_JSON_BYTES))
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise LandmarksUnreadable(f"The landmarks {path} cannot be read: {reason}.", _HINT) from error


def save_landmarks(landmarks: Landmarks, path: Path) -> None:
    """Write the named points as JSON."""
    path.write_bytes(pack_json(to_document(landmarks)))


def check_points(document: Mapping[str, Any]) -> dict[str, Float[ndarray, "3"]]:
    """:func:`from_document` for documents that came over the wire.

    Raises:
        LandmarksUnreadable: it does not hold together.
    """
    try:
        return from_document(json.loads(json.dumps(document)))
    except ValueError as error:
        raise LandmarksUnreadable(f"The landmarks cannot be read: {error}.", _HINT) from error
