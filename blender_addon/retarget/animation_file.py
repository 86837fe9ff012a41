# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads animations of a character with NumPy alone. Rotations and positions are in Semblance's axes: +X the
person's left, +Y up, +Z out of the face."""

from __future__ import annotations

import io
import json
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

FORMAT = "semblance-animation"
SCHEMA = 1
MAX_BYTES = 1 << 30  # unpacked


class AnimationUnreadable(Exception):
    """An animation is missing, damaged or of a version that this add-on does not know."""


@dataclass(frozen=True, eq=False)
class KeyCurve:
    """One shape key of one mesh: straight lines between (seconds, value)."""

    mesh: str
    key: str
    times: np.ndarray  # (N,)
    values: np.ndarray  # (N,)


@dataclass(frozen=True, eq=False)
class PropertyCurve:
    """A custom property from 0 to 1: straight lines between (seconds, value)."""

    name: str
    text: str
    times: np.ndarray  # (N,)
    values: np.ndarray  # (N,)


@dataclass(frozen=True, eq=False)
class Animation:
    """What a character does; see the file's writer for the arrays."""

    name: str
    fps: float
    error: float
    curves: tuple[KeyCurve, ...]
    times: np.ndarray  # (F,) seconds
    head_rotation: np.ndarray  # (F, 3, 3) away from rest
    head_translation: np.ndarray  # (F, 3) metres away from rest
    gaze: np.ndarray  # (F, 2, 2) left and right eye; yaw to the person's left, pitch down
    properties: tuple[PropertyCurve, ...] = ()


def read_animation(path: str | Path) -> Animation:
    """Read an animation.

    Raises:
        AnimationUnreadable: with a sentence that names the file and says what to do.
    """
    try:
        content = Path(path).read_bytes()
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            if sum(member.file_size for member in archive.infolist()) > MAX_BYTES:
                raise ValueError("it unpacks to more than 1 GiB")
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            document = json.loads(str(arrays["document"]))
            if not isinstance(document, dict) or document.get("format") != FORMAT:
                raise ValueError("it is not a Semblance animation")
            if int(document["schema"]) > SCHEMA:
                raise AnimationUnreadable(
                    f"{path} was written by a newer Semblance. Update Semblance's add-on."
                )
            times = arrays["times"].astype(np.float64)
            frames = len(times)
            return Animation(
                name=str(document["name"]),
                fps=float(document["fps"]),
                error=float(document["error"]),
                curves=_curves(arrays),
                times=_increasing("times", times),
                head_rotation=_shaped(arrays, "head_rotation", (frames, 3, 3)),
                head_translation=_shaped(arrays, "head_translation", (frames, 3)),
                gaze=_shaped(arrays, "gaze", (frames, 2, 2)),
                properties=_properties(arrays),
            )
    except (OSError, ValueError, KeyError, TypeError, RuntimeError, zipfile.BadZipFile, zlib.error) as error:
        reason = f"{error.args[0]} is missing" if isinstance(error, KeyError) else str(error)
        raise AnimationUnreadable(
            f"Cannot read the animation {path}: {reason.rstrip('.')}. Make it again from the track."
        ) from error


def _curves(arrays: np.lib.npyio.NpzFile) -> tuple[KeyCurve, ...]:
    pairs = _pairs(arrays, ("mesh", "key"), "starts", "key")
    return tuple(KeyCurve(mesh, key, times, values) for (mesh, key), times, values in pairs)


def _properties(arrays: np.lib.npyio.NpzFile) -> tuple[PropertyCurve, ...]:
    if "property" not in arrays:  # of an earlier release
        return ()
    pairs = _pairs(arrays, ("property", "property_text"), "property_starts", "property")
    return tuple(PropertyCurve(name, text, times, values) for (name, text), times, values in pairs)


def _pairs(
    arrays: np.lib.npyio.NpzFile, names: tuple[str, str], cuts: str, prefix: str
) -> list[tuple[tuple[str, str], np.ndarray, np.ndarray]]:
    """Curves as (their two names, times, values)."""
    first_names, second_names = (arrays[name].tolist() for name in names)
    times = arrays[f"{prefix}_times"].astype(np.float64)
    values = arrays[f"{prefix}_values"].astype(np.float64)
    starts = arrays[cuts].tolist()
    fits = (
        len(first_names) == len(second_names) == len(starts) - 1 and len(times) == len(values) == starts[-1]
    )
    if not fits or starts != sorted(starts) or starts[0] != 0 or not np.isfinite(values).all():
        raise ValueError("its curves do not fit together")
    spans = zip(starts[:-1], starts[1:])  # noqa: B905, RUF007 (one is shorter by nature; pairwise is younger)
    return [
        ((str(one), str(other)), _increasing(f"{prefix}_times", times[first:end]), values[first:end])
        for one, other, (first, end) in zip(first_names, second_names, spans)  # noqa: B905 (compared above)
    ]


def _increasing(name: str, times: np.ndarray) -> np.ndarray:
    if not len(times) or not np.isfinite(times).all() or (np.diff(times) <= 0).any():
        raise ValueError(f"{name} do not increase")
    return times


def _shaped(arrays: np.lib.npyio.NpzFile, name: str, shape: tuple[int, ...]) -> np.ndarray:
    array: np.ndarray = arrays[name].astype(np.float64)
    if array.shape != shape or not np.isfinite(array).all():
        raise ValueError(f"{name} has the shape {array.shape}, or numbers that are not finite")
    return array
