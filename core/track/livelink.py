"""Takes of Epic's Live Link Face app: one CSV row a frame.

Columns: ``Timecode`` (``HH:MM:SS:FF.mmm``, frames and thousandths of a frame), ``BlendShapeCount`` (61), the
52 coefficients in ARKit's own order with a capital first letter, then yaw, pitch and roll in radians of the
head, the left and the right eye.

An orientation is ``Rx(pitch) Ry(-yaw) Rz(roll)`` of the part's space (+X the person's left, +Y up, +Z out of
the face): positive yaw turns to the person's right, positive pitch down, and positive roll tilts the head
counterclockwise as the camera sees it. The eye columns of the app's takes say so themselves: an eye does not
roll about its line of sight, and their roll is ``atan(sin(yaw) tan(pitch))`` to the last digit, which this
order explains; their yaw and pitch follow the look-in, look-out and look-down units with these signs. The
head's columns are taken to follow the eyes'.
"""

from __future__ import annotations

import csv
import io
import math
from pathlib import Path
from typing import Final

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from core.arkit import ARKIT_INDEX, ARKIT_NAMES
from core.atomic import staged_output
from core.errors import TrackUnreadable
from core.track.document import Source, Track

APPLE_ORDER: Final[tuple[str, ...]] = (
    "eyeBlinkLeft", "eyeLookDownLeft", "eyeLookInLeft", "eyeLookOutLeft", "eyeLookUpLeft", "eyeSquintLeft",
    "eyeWideLeft", "eyeBlinkRight", "eyeLookDownRight", "eyeLookInRight", "eyeLookOutRight",
    "eyeLookUpRight", "eyeSquintRight", "eyeWideRight", "jawForward", "jawRight", "jawLeft", "jawOpen",
    "mouthClose", "mouthFunnel", "mouthPucker", "mouthRight", "mouthLeft", "mouthSmileLeft",
    "mouthSmileRight", "mouthFrownLeft", "mouthFrownRight", "mouthDimpleLeft", "mouthDimpleRight",
    "mouthStretchLeft", "mouthStretchRight", "mouthRollLower", "mouthRollUpper", "mouthShrugLower",
    "mouthShrugUpper", "mouthPressLeft", "mouthPressRight", "mouthLowerDownLeft", "mouthLowerDownRight",
    "mouthUpperUpLeft", "mouthUpperUpRight", "browDownLeft", "browDownRight", "browInnerUp",
    "browOuterUpLeft", "browOuterUpRight", "cheekPuff", "cheekSquintLeft", "cheekSquintRight",
    "noseSneerLeft", "noseSneerRight", "tongueOut",
)  # fmt: skip
"""The 52 coefficients in the order of Apple's enumeration, which these files keep."""

_ANGLES: Final = [
    part + angle for part in ("Head", "LeftEye", "RightEye") for angle in ("Yaw", "Pitch", "Roll")
]
_HEADER: Final = [
    "Timecode",
    "BlendShapeCount",
    *(name[0].upper() + name[1:] for name in APPLE_ORDER),
    *_ANGLES,
]
_RATES: Final = (60.0, 30.0, 24.0, 25.0, 48.0, 50.0, 100.0, 120.0)  # of timecodes, the app's own first
_DAY: Final = 86_400.0
_TO_CAMERA: Final = np.diag([1.0, -1.0, -1.0])  # a head that looks into the camera
_HINT: Final = "Choose a CSV that the Live Link Face app or Semblance wrote."


def write_livelink(track: Track, path: Path, timecode_rate: float = 60.0) -> None:
    """Write a track as a Live Link Face CSV.

    Head positions, confidence, landmarks and cuts have no place in it.

    Args:
        timecode_rate: frames a second that timecodes count in; need not be the track's.

    Raises:
        OutputFailed: the file cannot be written.
    """
    values = livelink_values(track.coefficients, track.head_rotation, track.gaze)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_HEADER)
    for time, row in zip(track.times + (track.timecode or 0.0), values.tolist(), strict=True):
        numbers = [f"{value:.10f}" for value in row]
        writer.writerow([_timecode(time, timecode_rate), str(len(row)), *numbers])
    with staged_output(path) as temporary:
        temporary.write_text(text.getvalue(), encoding="utf-8", newline="")


def livelink_values(
    coefficients: Float[ndarray, "frames 52"],
    head_rotation: Float[ndarray, "frames 3 3"],
    gaze: Float[ndarray, "frames 2 2"],
) -> Float[ndarray, "frames 61"]:
    """Frames of a track as the app's 61 values: coefficients in its order, then the angles."""
    order = [ARKIT_INDEX[name] for name in APPLE_ORDER]
    head = _angles(_TO_CAMERA @ head_rotation.astype(np.float64))
    eyes = [_angles(_eye(gaze[:, eye].astype(np.float64))) for eye in (0, 1)]
    values: Float[ndarray, "frames 61"] = np.concatenate([coefficients[:, order], head, *eyes], axis=1)
    return values + 0.0  # no negative zeros


def read_livelink(path: Path) -> Track:
    """Read a Live Link Face CSV, with columns in any order and coefficients missing or not.

    Times begin at the first row and follow the timecodes (over midnight too); rows that do not advance are
    left out. Timecodes do not tell their rate: it is the one that makes the intervals most even, 60 where
    several do.

    Raises:
        TrackUnreadable: the file is missing or not such a CSV.
    """
    rows = _rows(path)
    header = [name.strip() for name in rows[0]]
    columns = {name.lower(): index for index, name in enumerate(header)}
    known = [name for name in ARKIT_NAMES if name.lower() in columns]
    if "timecode" not in columns or not known:
        raise TrackUnreadable(
            f"{path} has no columns of Live Link Face (Timecode, EyeBlinkLeft, ...).", _HINT
        )
    body = [row for row in rows[1:] if row]
    if not body:
        raise TrackUnreadable(f"{path} holds no frames.", _HINT)
    try:
        clock = [_clock(row[columns["timecode"]]) for row in body]
        table = np.array([[float(row[columns[name.lower()]]) for name in known] for row in body], np.float32)
        angles = np.array(
            [
                [float(row[columns[n.lower()]]) if n.lower() in columns else 0.0 for n in _ANGLES]
                for row in body
            ]
        )
    except (ValueError, IndexError) as error:
        raise TrackUnreadable(f"{path} is damaged ({error}).", _HINT) from None
    if not np.isfinite(table).all() or not np.isfinite(angles).all():
        raise TrackUnreadable(f"{path} holds numbers that are not finite.", _HINT)
    seconds, rate = _seconds(clock)
    kept = np.concatenate([[True], np.diff(np.maximum.accumulate(seconds)) > 1e-6])
    frames = int(kept.sum())
    coefficients = np.zeros((frames, len(ARKIT_NAMES)), np.float32)
    coefficients[:, [ARKIT_INDEX[name] for name in known]] = table[kept]
    times = seconds[kept] - seconds[0]
    angles = angles[kept]
    return Track(
        name=path.stem,
        fps=float(1.0 / np.median(np.diff(times))) if frames > 1 else rate,
        times=times,
        coefficients=coefficients,
        head_rotation=(_TO_CAMERA @ _rotation(angles[:, :3])).astype(np.float32),
        head_translation=np.zeros((frames, 3), np.float32),
        gaze=np.stack([_gaze(angles[:, 3:6]), _gaze(angles[:, 6:9])], axis=1).astype(np.float32),
        confidence=np.ones(frames, np.float32),
        source=Source(path.name),
        timecode=float(seconds[0]),
        warnings=(f"{len(body) - frames} frames did not advance in time and were left out.",)
        if frames < len(body)
        else (),
        provenance={"imported from": "Live Link Face CSV", "timecode rate": rate},
    )


def _rows(path: Path) -> list[list[str]]:
    try:
        text = path.read_text(encoding="utf-8-sig")
        rows = list(csv.reader(io.StringIO(text)))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        reason = getattr(error, "strerror", None) or "it is not a text file of comma-separated values"
        raise TrackUnreadable(f"Cannot read {path}: {reason}.", _HINT) from error
    if not rows:
        raise TrackUnreadable(f"{path} is empty.", _HINT)
    return rows


def _clock(timecode: str) -> tuple[int, float]:
    """Whole seconds since midnight, and frames into the second."""
    hours, minutes, seconds, frames = timecode.replace(";", ":").split(":")
    return (int(hours) * 60 + int(minutes)) * 60 + int(seconds), float(frames)


def _seconds(clock: list[tuple[int, float]]) -> tuple[Float[ndarray, "rows"], float]:
    """Seconds since midnight of the first row's day, and the rate that timecodes count frames in."""
    whole, frames = (np.array(column, np.float64) for column in zip(*clock, strict=True))
    whole += _DAY * np.cumsum(np.concatenate([[0], np.diff(whole) < -_DAY / 2]))
    possible = [rate for rate in _RATES if frames.max() < rate] or [float(math.ceil(frames.max() + 1e-6))]

    def unevenness(rate: float) -> float:
        steps = np.diff(whole + frames / rate)
        return float(np.abs(steps - np.median(steps)).sum()) if len(steps) else 0.0

    best = min(possible, key=lambda rate: round(unevenness(rate), 6))
    return whole + frames / best, best


def _timecode(seconds: float, rate: float) -> str:
    thousandths = round(rate * 1000)  # of frames, in a second
    whole, rest = divmod(round(seconds * thousandths), thousandths)
    minutes, second = divmod(whole % int(_DAY), 60)
    return f"{minutes // 60:02d}:{minutes % 60:02d}:{second:02d}:{rest // 1000:02d}.{rest % 1000:03d}"


def _rotation(angles: Float[ndarray, "frames 3"]) -> Float[ndarray, "frames 3 3"]:
    """Rotation matrices of (yaw, pitch, roll) in the order that the module's docstring gives."""
    yaw, pitch, roll = angles.T
    return _about(0, pitch) @ _about(1, -yaw) @ _about(2, roll)


def _angles(rotation: Float[ndarray, "frames 3 3"]) -> Float[ndarray, "frames 3"]:
    """(yaw, pitch, roll) of rotation matrices, the inverse of :func:`_rotation`."""
    yaw = -np.arcsin(np.clip(rotation[:, 0, 2], -1.0, 1.0))
    pitch = np.arctan2(-rotation[:, 1, 2], rotation[:, 2, 2])
    roll = np.arctan2(-rotation[:, 0, 1], rotation[:, 0, 0])
    return np.stack([yaw, pitch, roll], axis=-1)


def _about(axis: int, angles: Float[ndarray, "frames"]) -> Float[ndarray, "frames 3 3"]:
    """Right-handed rotations about one axis."""
    second, third = (axis + 1) % 3, (axis + 2) % 3
    result = np.tile(np.eye(3), (len(angles), 1, 1))
    result[:, second, second] = result[:, third, third] = np.cos(angles)
    result[:, third, second] = np.sin(angles)
    result[:, second, third] = -np.sin(angles)
    return result


def _gaze(angles: Float[ndarray, "frames 3"]) -> Float[ndarray, "frames 2"]:
    """Yaw and pitch of the line of sight, +Z of the eye, as tracks hold them."""
    x, y, z = _rotation(angles)[:, :, 2].T
    return np.stack([np.arctan2(x, z), np.arcsin(np.clip(-y, -1.0, 1.0))], axis=-1)


def _eye(gaze: Float[ndarray, "frames 2"]) -> Float[ndarray, "frames 3 3"]:
    """Orientation of an eye with a line of sight, about which it does not roll."""
    yaw, pitch = gaze.T
    return _about(1, yaw) @ _about(0, pitch)
