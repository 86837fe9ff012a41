"""A track as a JSON document and arrays, the checks of both, and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from jaxtyping import Float32
from numpy import ndarray

from core.arkit import ARKIT_NAMES
from core.documents import check_arrays, each, field
from core.track.document import Shot, Source, Track

SCHEMA: Final = 1

# name → (dtype kinds, shape); a letter stands for one size wherever it appears.
TRACK_ARRAYS: Final[dict[str, tuple[str, tuple[int | str, ...]]]] = {
    "times": ("f", ("F",)),
    "coefficient_names": ("U", (52,)),
    "coefficients": ("f", ("F", 52)),
    "head_rotation": ("f", ("F", 3, 3)),
    "head_translation": ("f", ("F", 3)),
    "gaze": ("f", ("F", 2, 2)),
    "confidence": ("f", ("F",)),
}
OPTIONAL_ARRAYS: Final[dict[str, tuple[str, tuple[int | str, ...]]]] = {"landmarks": ("f", ("F", 478, 2))}


def to_document(track: Track, format_name: str) -> dict[str, Any]:
    """The content of ``track.json``."""
    source = track.source
    return {
        "format": format_name,
        "schema": SCHEMA,
        "track_id": track.track_id,
        "name": track.name,
        "created": track.created,
        "generator": track.generator,
        "rig_id": track.rig_id,
        "units": "metre, radian, second",
        "axes": "head space +Y up, +Z out of the face; camera +X right, +Y down, +Z forward",
        "fps": float(track.fps),
        "frames": len(track.times),
        "timecode": track.timecode,
        "source": source
        and {
            "file": source.file,
            "width": int(source.width),
            "height": int(source.height),
            "start": float(source.start),
        },
        "shots": [{"first": int(shot.first), "focal": shot.focal} for shot in track.shots],
        "lost": [[int(first), int(end)] for first, end in track.lost],
        "partial": bool(track.partial),
        "warnings": list(track.warnings),
        "provenance": dict(track.provenance),
    }


def to_arrays(track: Track) -> dict[str, ndarray]:
    """The content of ``track.npz``."""
    arrays = {
        "times": track.times,
        "coefficient_names": np.array(ARKIT_NAMES),
        "coefficients": track.coefficients,
        "head_rotation": track.head_rotation,
        "head_translation": track.head_translation,
        "gaze": track.gaze,
        "confidence": track.confidence,
    }
    return arrays if track.landmarks is None else {**arrays, "landmarks": track.landmarks}


def check(document: Mapping[str, Any], arrays: Mapping[str, ndarray]) -> None:
    """Whether the parts of a track make sense; asked before writing and after reading.

    Raises:
        ValueError: an array is missing or of another type or shape, times do not increase, rotations are
            none, or shots and lost spans point outside the frames.
    """
    optional = {name: kind for name, kind in OPTIONAL_ARRAYS.items() if name in arrays}
    frames = check_arrays(arrays, TRACK_ARRAYS | optional)["F"]
    if set(arrays["coefficient_names"].tolist()) != set(ARKIT_NAMES):
        raise ValueError("coefficient_names are not the 52 ARKit names")
    if (np.diff(arrays["times"]) <= 0).any():
        raise ValueError("times do not increase")
    rotation = arrays["head_rotation"].astype(np.float64)
    square = rotation @ rotation.transpose(0, 2, 1)
    if np.abs(square - np.eye(3)).max() > 1e-3 or (np.linalg.det(rotation) < 0).any():
        raise ValueError("head_rotation holds matrices that are no rotations")
    if arrays["confidence"].min() < 0 or arrays["confidence"].max() > 1:
        raise ValueError("confidence is not between 0 and 1")
    if field(document, "fps", float) <= 0:
        raise ValueError("fps is not positive")
    firsts = [field(shot, "first", int) for shot in field(document, "shots", list)]
    if not firsts or firsts[0] != 0 or firsts[-1] >= frames or (np.diff(firsts) <= 0).any():
        raise ValueError("shots do not cut the frames")
    if any(shot.focal is not None and shot.focal <= 0 for shot in _shots(document)):
        raise ValueError("a focal length is not positive")
    end = 0
    for first, after in _spans(document):
        if not end <= first < after <= frames:
            raise ValueError("lost is not a list of spans of frames")
        end = after


def from_parts(document: Mapping[str, Any], arrays: Mapping[str, ndarray]) -> Track:
    """The track of parts that :func:`check` has passed.

    Raises:
        ValueError: a field of the document is missing or of another type.
    """

    def floats(name: str) -> Float32[ndarray, "..."]:
        return np.ascontiguousarray(arrays[name], np.float32)

    file_order = arrays["coefficient_names"].tolist()
    order = [file_order.index(name) for name in ARKIT_NAMES]
    return Track(
        name=field(document, "name", str),
        fps=field(document, "fps", float),
        times=np.ascontiguousarray(arrays["times"], np.float64),
        coefficients=np.ascontiguousarray(floats("coefficients")[:, order]),
        head_rotation=floats("head_rotation"),
        head_translation=floats("head_translation"),
        gaze=floats("gaze"),
        confidence=floats("confidence"),
        landmarks=floats("landmarks") if "landmarks" in arrays else None,
        shots=_shots(document),
        lost=_spans(document),
        source=_source(document),
        timecode=_optional(document, "timecode", float),
        rig_id=_optional(document, "rig_id", str),
        partial=bool(_optional(document, "partial", bool)),
        warnings=tuple(each(document, "warnings", str)),
        provenance=field(document, "provenance", dict),
        track_id=field(document, "track_id", str),
        created=field(document, "created", str),
        generator=field(document, "generator", str),
    )


def _optional(document: Mapping[str, Any], name: str, kind: type) -> Any:
    return None if document.get(name) is None else field(document, name, kind)


def _shots(document: Mapping[str, Any]) -> tuple[Shot, ...]:
    return tuple(
        Shot(field(shot, "first", int), _optional(shot, "focal", float))
        for shot in each(document, "shots", dict)
    )


def _spans(document: Mapping[str, Any]) -> tuple[tuple[int, int], ...]:
    spans = []
    for span in each(document, "lost", list):
        ends = each({"lost": span}, "lost", int)
        if len(ends) != 2:
            raise ValueError("lost is not a list of spans of frames")
        spans.append((ends[0], ends[1]))
    return tuple(spans)


def _source(document: Mapping[str, Any]) -> Source | None:
    source = _optional(document, "source", dict)
    if source is None:
        return None
    return Source(
        file=field(source, "file", str),
        width=field(source, "width", int),
        height=field(source, "height", int),
        start=field(source, "start", float),
    )
