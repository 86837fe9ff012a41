"""Tracks as one JSON file, for programs that read nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np

from core.arkit import ARKIT_INDEX, ARKIT_NAMES
from core.atomic import staged_output
from core.documents import check_schema, field, pack_json, reading, unpack_json
from core.errors import TrackUnreadable
from core.track.codec import SCHEMA, TRACK_ARRAYS, check, from_parts, to_arrays, to_document
from core.track.document import Track

FORMAT: Final = "semblance-track-json"
_DECIMALS: Final = 7
_COLUMNS: Final = ("times", "head_rotation", "head_translation", "gaze", "confidence")


def write_json(track: Track, path: Path) -> None:
    """Write a track as JSON: the fields of ``track.json``, the arrays by name, one list for each coefficient.

    Numbers keep seven decimals. Landmarks are left out.

    Raises:
        OutputFailed: the file cannot be written.
        ValueError: the track does not hold together.
    """
    document, arrays = to_document(track, FORMAT), to_arrays(track)
    check(document, arrays)
    document["coefficients"] = {name: _numbers(track.curve(name)) for name in ARKIT_NAMES}
    document |= {name: _numbers(arrays[name]) for name in _COLUMNS}
    with staged_output(path) as temporary:
        temporary.write_bytes(pack_json(document, indent=None))


def _numbers(array: np.ndarray) -> list:
    numbers: list = np.round(array.astype(np.float64), _DECIMALS).tolist()
    return numbers


def read_json(path: Path) -> Track:
    """Read a track that :func:`write_json` wrote. Coefficients that the file leaves out are 0.

    Raises:
        TrackUnreadable: the file is missing, damaged, of a newer schema, or inconsistent.
    """
    with reading(path, "track", TrackUnreadable):
        content = path.read_bytes()
        document = unpack_json(content, "the file", FORMAT, "a Semblance track in JSON", most=1 << 30)
        check_schema(document, SCHEMA, "track", TrackUnreadable)
        arrays = {name: _array(field(document, name, list), name) for name in _COLUMNS}
        curves = field(document, "coefficients", dict)
        if unknown := set(curves) - set(ARKIT_NAMES):
            raise ValueError(f"{sorted(unknown)[0]!r} is not an ARKit name")
        coefficients = np.zeros((len(arrays["times"]), len(ARKIT_NAMES)))
        for name in curves:
            curve = _array(field(curves, name, list), name)
            if curve.shape != coefficients.shape[:1]:
                raise ValueError(f"{name} has the shape {curve.shape}")
            coefficients[:, ARKIT_INDEX[name]] = curve
        arrays |= {"coefficients": coefficients, "coefficient_names": np.array(ARKIT_NAMES)}
        check(document, {name: arrays[name] for name in TRACK_ARRAYS})
        return from_parts(document, arrays)


def _array(values: list, name: str) -> np.ndarray:
    try:
        return np.array(values, np.float64)
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f"{name} is not an array of numbers") from None
