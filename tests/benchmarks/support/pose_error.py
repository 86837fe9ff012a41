"""How far head poses are from the true ones, and which way.

Two models call different poses upright, and so do two people of one model: a nod and a longer chin look
alike. That is no error of tracking, and no motion of the clip may be used to take it out, so it is taken from
the neutral heads alone. *Models* compares by the turn between the two models' templates that fits their 478
landmarks best (a similarity, all weights equal). *Heads* compares with the nearest head of Anny to the true
one of the clip (``models.data.shared_identity``), which tracking would call upright in one way: landmarks lie
not quite alike on the two models' surfaces, and by surfaces the templates are 0.7 degrees of pitch apart from
where landmarks have them. *Moved* takes out the clip's mean as well.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Float32
from numpy import ndarray
from scipy.spatial.transform import Rotation

from core.face_model.registry import load_model
from core.fitting.upright import upright_turn
from core.geometry.alignment import align_similarity
from core.track import Track
from models.data.shared_identity import load_shared_identity
from tests.benchmarks.support import ict_truth
from tests.benchmarks.support.truth_clips import Take

_UPRIGHT = np.diag([1.0, -1.0, -1.0])
_AXES = ("pitch", "yaw", "roll")
_FRAMES = ("models", "heads", "moved")


def between_models() -> Float[ndarray, "3 3"]:
    """Rotation from the head space of Anny's template to that of ICT's, by landmarks."""
    anny, ict = load_model("anny"), ict_truth.ict_model()
    own = anny.landmarks(anny.template).astype(np.float64)
    return align_similarity(own, ict.landmarks(ict.template).astype(np.float64), np.ones(478))[1]


def from_anny(neutral: Float32[ndarray, "vertices 3"]) -> Float[ndarray, "3 3"]:
    """Rotation from upright in Anny's sense to the head space of an ICT head, by the nearest head of Anny."""
    anny, ict, shared = load_model("anny"), ict_truth.ict_model(), load_shared_identity("ict")
    away = (neutral - ict.template).astype(np.float64).ravel()
    code = np.linalg.lstsq(ict.identity_basis.reshape(len(ict.identity_basis), -1).T, away, rcond=None)[0]
    nearest = anny.neutral(shared.identity(code).astype(np.float32))
    turn, _ = upright_turn(anny.landmarks(nearest), anny.landmarks(anny.template))
    rotation: ndarray = shared.rotation.astype(np.float64) @ turn.T
    return rotation


def turns_between(
    found: Float[ndarray, "frames 3 3"], true: Float[ndarray, "frames 3 3"]
) -> Float[ndarray, "frames 3"]:
    """Rotation vectors from the true head to the one found: pitch, yaw and roll in degrees."""
    return Rotation.from_matrix(np.swapaxes(true, 1, 2) @ found).as_rotvec(degrees=True)


def without_mean(turns: Float[ndarray, "frames 3"]) -> Float[ndarray, "frames 3"]:
    """The same after the clip's mean error."""
    each = Rotation.from_rotvec(turns, degrees=True)
    return (each * each.mean().inv()).as_rotvec(degrees=True)


def angle(turns: Float[ndarray, "frames 3"]) -> float:
    """Median size, degrees."""
    return float(np.median(np.linalg.norm(turns, axis=1)))


def by_axis(found: Float[ndarray, "frames 3 3"], true: Float[ndarray, "frames 3 3"]) -> str:
    """Of each axis: gain (1: moves as far as in truth), mean error and what is left in degrees."""
    turns = turns_between(found, true)
    moved = Rotation.from_matrix(_UPRIGHT @ true).as_euler("ZYX", degrees=True)[:, ::-1]
    cells = []
    for name, truth, error in zip(_AXES, moved.T, turns.T, strict=True):
        slope, start = np.polyfit(truth, error, 1)
        rest = float(np.std(error - slope * truth - start))
        cells.append(f"{name} x{1 + slope:.2f} {error.mean():+.1f} +-{rest:.1f}")
    return "  ".join(cells)


def report_pose(name: str, track: Track, played: Take) -> tuple[float, ...]:
    """Print and return the errors of a clip's head poses, by what upright means (see above)."""
    found = track.head_rotation.astype(np.float64)
    by_model = played.rotation @ between_models()
    turns = turns_between(found, by_model)
    by_head = turns_between(found, played.rotation @ from_anny(played.neutral))
    errors = angle(turns), angle(by_head), angle(without_mean(turns))
    print(f"clip {name}, {len(found)} frames, head pose, median error in degrees: " + " ".join(
        f"{frame} {value:.2f}" for frame, value in zip(_FRAMES, errors, strict=True)
    ))  # fmt: skip
    print(f"    {by_axis(found, by_model)}")
    away = np.median(track.head_translation[:, 2] / played.translation[:, 2])
    focal = track.shots[0].focal or float("nan")
    print(f"    focal length x{focal / played.focal:.2f}, distance x{away:.2f}")
    return errors


def report_mean_pose(name: str, errors: list[tuple[float, ...]]) -> None:
    """Print the mean of what :func:`report_pose` said of the clips."""
    mean = zip(_FRAMES, np.mean(errors, axis=0), strict=True)
    means = " ".join(f"{frame} {value:.2f}" for frame, value in mean)
    print(f"head pose{name}, mean of the clips' median errors in degrees: {means}")
