"""From a track to the curves of one character, and the file that carries them to Blender.

Everything numerical happens here: mapping, calibration, smoothing, key reduction. The add-on, which cannot
use this code, gets finished curves and only writes them.
"""

from __future__ import annotations

import io
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from jaxtyping import Float, Float32, Float64
from numpy import ndarray

from core.atomic import staged_output
from core.documents import pack_json
from core.errors import BadInput
from core.retarget.keys import reduced_keys
from core.retarget.smoothing import smooth_track
from core.retarget.table import Table, apply_table
from core.retarget.wrinkles import WRINKLES
from core.track import Track

FORMAT: Final = "semblance-animation"
SCHEMA: Final = 1
_UPRIGHT: Final = np.diag([1.0, -1.0, -1.0])  # camera axes to +Y up, +Z towards the camera
_OTHER_SIDE: Final = np.diag([-1.0, 1.0, 1.0])


@dataclass(frozen=True, eq=False)
class KeyCurve:
    """One shape key of one mesh: straight lines between (time in seconds, value)."""

    mesh: str
    key: str
    times: Float64[ndarray, "keys"]
    values: Float32[ndarray, "keys"]


@dataclass(frozen=True, eq=False)
class PropertyCurve:
    """A custom property of the character, 0-1: straight lines between (time in seconds, value)."""

    name: str
    text: str
    times: Float64[ndarray, "keys"]
    values: Float32[ndarray, "keys"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Animation:
    """What a character does.

    Attributes:
        curves: of shape keys, reduced.
        properties: of the character as a whole, reduced; see :mod:`core.retarget.wrinkles`.
        error: largest difference between a curve and the smoothed samples.
        times: seconds, of the arrays below.
        head_rotation: turn of the head away from rest; +X the person's left, +Y up, +Z out of the face.
        head_translation: way of the head from its place at rest, metres, same axes.
        gaze: yaw (to the person's left) and pitch (down) of the left and the right eye, radians.
    """

    name: str
    fps: float
    curves: tuple[KeyCurve, ...]
    error: float
    times: Float64[ndarray, "frames"]
    head_rotation: Float32[ndarray, "frames 3 3"]
    head_translation: Float32[ndarray, "frames 3"]
    gaze: Float32[ndarray, "frames 2 2"]
    properties: tuple[PropertyCurve, ...] = ()


def retarget(
    track: Track,
    meshes: Mapping[str, Collection[str]],
    tables: Mapping[str, Table],
    *,
    strength: float = 1.0,
    error: float = 0.005,
    rest: int | None = None,
    wrinkles: Table | None = None,
) -> Animation:
    """Curves of a character's meshes.

    Args:
        meshes: mesh → names of its shape keys.
        tables: mesh → its mapping; a mesh without one is left out. Where a table swaps left and right, head
            and eyes are mirrored too.
        strength: of the smoothing, see :func:`core.retarget.smoothing.smooth_track`; 0 for none.
        error: bound of the key reduction, in units of the keys; 0 keeps every sample that is not on a line.
        rest: frame whose head pose counts as rest. ``None``: a head that looks into the camera, at the place
            of the first frame that saw it.
        wrinkles: table of :func:`core.retarget.wrinkles.wrinkle_table`; none for no such properties.

    Raises:
        BadInput: ``rest`` is outside the track, or ``error`` is negative.
    """
    if rest is not None and not 0 <= rest < len(track.times):
        raise BadInput(f"The track has no frame {rest}.", f"Choose one from 0 to {len(track.times) - 1}.")
    if error < 0:
        raise BadInput("The error of the key reduction is negative.", "Use 0 or more.")
    track = smooth_track(track, strength)
    curves: list[KeyCurve] = []
    for mesh, table in tables.items():
        names, values = apply_table(table, track.coefficients, meshes[mesh])
        kept = reduced_keys(track.times, values, error)
        curves.extend(
            KeyCurve(mesh, name, track.times[keys], column[keys])
            for name, column, keys in zip(names, values.T, kept.T, strict=True)
        )
    rotation, translation = _from_rest(
        track.head_rotation,
        track.head_translation,
        rest,
        int(np.argmax(track.confidence > 0)),
    )
    gaze = track.gaze
    if any(table.mirrored for table in tables.values()):
        rotation, translation = _OTHER_SIDE @ rotation @ _OTHER_SIDE, translation @ _OTHER_SIDE
        gaze = gaze[:, ::-1] * np.array([-1.0, 1.0])
    return Animation(
        name=track.name,
        fps=track.fps,
        curves=tuple(curves),
        error=float(error),
        times=track.times,
        head_rotation=rotation.astype(np.float32),
        head_translation=translation.astype(np.float32),
        gaze=gaze.astype(np.float32),
        properties=() if wrinkles is None else _properties(track, wrinkles, error),
    )


def _properties(track: Track, table: Table, error: float) -> tuple[PropertyCurve, ...]:
    names, values = apply_table(table, track.coefficients)
    kept = reduced_keys(track.times, values, error)
    return tuple(
        PropertyCurve(name, WRINKLES[name].text, track.times[keys], column[keys])
        for name, column, keys in zip(names, values.T, kept.T, strict=True)
    )


def _from_rest(
    rotation: Float[ndarray, "frames 3 3"],
    translation: Float[ndarray, "frames 3"],
    rest: int | None,
    first_seen: int,
) -> tuple[Float[ndarray, "frames 3 3"], Float[ndarray, "frames 3"]]:
    """Head poses relative to a pose at rest, in axes that stand upright with the head at rest."""
    turned, place = upright(rotation, translation)
    if rest is None:
        return turned, place - place[first_seen]
    return turned[rest].T @ turned, (place - place[rest]) @ turned[rest]


def upright(
    rotation: Float[ndarray, "*frames 3 3"], translation: Float[ndarray, "*frames 3"]
) -> tuple[Float[ndarray, "*frames 3 3"], Float[ndarray, "*frames 3"]]:
    """Poses of a track (head → camera) in axes that stand upright and face the camera, metres."""
    return _UPRIGHT @ rotation, translation @ _UPRIGHT


def save_animation(animation: Animation, path: Path) -> None:
    """Write an animation as one ``.npz`` that NumPy alone reads, without pickle.

    Arrays: ``document`` (JSON), for the curves ``mesh`` and ``key`` (names), ``starts`` (of each curve in the
    next two, and their end), ``key_times``, ``key_values``; the same of custom properties (``property``,
    ``property_text``, ``property_starts``, ``property_times``, ``property_values``), which readers may do
    without; and ``times``, ``head_rotation``, ``head_translation``, ``gaze``.

    Raises:
        OutputFailed: the file cannot be written.
    """
    document = {
        "format": FORMAT,
        "schema": SCHEMA,
        "name": animation.name,
        "fps": float(animation.fps),
        "error": animation.error,
    }
    curves, properties = animation.curves, animation.properties
    buffer = io.BytesIO()
    np.savez_compressed(
        buffer,
        document=np.array(pack_json(document).decode()),
        mesh=np.array([curve.mesh for curve in curves], np.str_),
        key=np.array([curve.key for curve in curves], np.str_),
        starts=np.cumsum([0, *(len(curve.times) for curve in curves)]),
        key_times=np.concatenate([np.zeros(0), *(curve.times for curve in curves)]),
        key_values=np.concatenate([np.zeros(0, np.float32), *(curve.values for curve in curves)]),
        property=np.array([curve.name for curve in properties], np.str_),
        property_text=np.array([curve.text for curve in properties], np.str_),
        property_starts=np.cumsum([0, *(len(curve.times) for curve in properties)]),
        property_times=np.concatenate([np.zeros(0), *(curve.times for curve in properties)]),
        property_values=np.concatenate([np.zeros(0, np.float32), *(curve.values for curve in properties)]),
        times=animation.times,
        head_rotation=animation.head_rotation,
        head_translation=animation.head_translation,
        gaze=animation.gaze,
    )
    with staged_output(path) as temporary:
        temporary.write_bytes(buffer.getvalue())
