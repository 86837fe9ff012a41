"""Gauss-Newton steps that bring skin into the place where a picture shows it, compiled."""

from __future__ import annotations

from typing import no_type_check

import numba
import numpy as np
from jaxtyping import Float, Float32
from numpy import ndarray


def read_picture(
    picture: Float32[ndarray, "height width"], at: Float32[ndarray, "points 2"]
) -> Float32[ndarray, "points"]:
    """Bilinear values at positions (x, y; pixel centres at integers + 0.5); clamped at the border."""
    out = np.empty(len(at), np.float32)
    _read_all(picture, at, out)
    return out


def align_skin(
    *,
    points: Float32[ndarray, "points 3"],
    weight: Float32[ndarray, "points"],
    look: Float32[ndarray, "points"],
    picture: tuple[ndarray, ndarray, ndarray],
    camera: Float[ndarray, "3"],
    start: tuple[Float[ndarray, "3 3"], float],
    precision: Float[ndarray, "6"],
    evidence: float,
    outlier: float,
    steps: int,
    enough: float,
    rotation: Float[ndarray, "3 3"],
    translation: Float[ndarray, "3"],
    off: Float32[ndarray, "points"],
) -> None:
    """Turn and move skin until the picture looks there as it does.

    Args:
        points, weight, look: of the skin: head space, trust, and what it looks like.
        picture: its values and their slopes across and down.
        camera: focal length and principal point, pixels of the picture.
        start: rotation and distance that the pose is held at.
        precision: of turn and place about them, 1 / σ².
        evidence: precision of a difference at trust 1, 1 / σ².
        outlier: difference at which trust falls to a quarter.
        steps: at most so many, and none after one that turned by less than ``enough`` radians.
        rotation, translation: head → camera; changed in place.
        off: gets the picture's difference from ``look``, before the last step.
    """
    _align(
        points=points, weight=weight, look=look, picture=picture[0], across=picture[1], down=picture[2],
        camera=camera, start=start[0], away=start[1], precision=precision, evidence=evidence,
        outlier=outlier, steps=steps, enough=enough, rotation=rotation, translation=translation, off=off,
    )  # fmt: skip


# no_type_check keeps run-time type checkers (used in the tests) from wrapping what Numba compiles.
@numba.njit(cache=True, nogil=True)
@no_type_check
def _corner(picture, x, y):
    """Column and row left of and above a place, and what share of it the next ones have."""
    height, width = picture.shape
    x, y = min(max(x - 0.5, 0.0), width - 1.0), min(max(y - 0.5, 0.0), height - 1.0)
    column, row = min(int(x), width - 2), min(int(y), height - 2)
    return column, row, np.float32(x - column), np.float32(y - row)


@numba.njit(cache=True, nogil=True)
@no_type_check
def _blend(picture, column, row, right, below):
    upper = picture[row, column] + right * (picture[row, column + 1] - picture[row, column])
    lower = picture[row + 1, column] + right * (picture[row + 1, column + 1] - picture[row + 1, column])
    return upper + below * (lower - upper)


@numba.njit(cache=True, nogil=True)
@no_type_check
def _read_all(picture, at, out):
    for k in range(len(at)):
        out[k] = _blend(picture, *_corner(picture, at[k, 0], at[k, 1]))


@numba.njit(cache=True, nogil=True)
@no_type_check
def _turn(w):
    """Rotation matrix of a rotation vector (Rodrigues)."""
    angle = np.sqrt(w[0] ** 2 + w[1] ** 2 + w[2] ** 2)
    K = np.array([[0.0, -w[2], w[1]], [w[2], 0.0, -w[0]], [-w[1], w[0], 0.0]])
    if angle < 1e-8:
        return np.eye(3) + K
    return np.eye(3) + np.sin(angle) / angle * K + (1 - np.cos(angle)) / angle**2 * (K @ K)


@numba.njit(cache=True, nogil=True)
@no_type_check
def _vector(R):
    """Rotation vector of a rotation matrix of less than half a turn."""
    axis = np.array([R[2, 1] - R[1, 2], R[0, 2] - R[2, 0], R[1, 0] - R[0, 1]]) / 2  # sine times axis
    sine = np.sqrt((axis**2).sum())
    return axis if sine < 1e-8 else axis / sine * np.arctan2(sine, (np.trace(R) - 1) / 2)


@numba.njit(cache=True, nogil=True)
@no_type_check
def _align(
    points, weight, look, picture, across, down, camera, start, away, precision,
    evidence, outlier, steps, enough, rotation, translation, off,
):  # fmt: skip
    f, cx, cy = camera
    J = np.empty(6)
    for _ in range(steps):
        H, g = np.zeros((6, 6)), np.zeros(6)
        for n in range(len(points)):
            p, q, r = points[n]
            # x = R p + t, seen at f x / z + c
            a = rotation[0, 0] * p + rotation[0, 1] * q + rotation[0, 2] * r
            b = rotation[1, 0] * p + rotation[1, 1] * q + rotation[1, 2] * r
            c = rotation[2, 0] * p + rotation[2, 1] * q + rotation[2, 2] * r
            x, y, z = a + translation[0], b + translation[1], c + translation[2]
            near = f / z
            column, row, right, below = _corner(picture, x * near + cx, y * near + cy)
            off[n] = _blend(picture, column, row, right, below) - look[n]
            u = _blend(across, column, row, right, below) * near
            v = _blend(down, column, row, right, below) * near
            w = -(u * x + v * y) / z
            # the picture's slope along the point, and along a turn w: w × R p
            J[0], J[1], J[2] = b * w - c * v, c * u - a * w, a * v - b * u
            J[3], J[4], J[5] = u, v, w
            # Geman-McClure: weight (1 + (r / c)²)⁻²
            trust = weight[n] / (1 + (off[n] / outlier) ** 2) ** 2
            for i in range(6):
                g[i] += trust * off[n] * J[i]
                for j in range(i + 1):
                    H[i, j] += trust * J[i] * J[j]
        for i in range(6):
            g[i] *= evidence
            for j in range(i + 1):
                H[i, j] *= evidence
                H[j, i] = H[i, j]
            H[i, i] += precision[i]
        # and p (x - m)² of turn and distance
        turned = _vector(rotation @ start.T)
        g[:3] += precision[:3] * turned
        g[5] += precision[5] * (translation[2] - away)
        step = -np.linalg.solve(H, g)
        rotation[:] = _turn(step[:3]) @ rotation
        translation += step[3:]
        if np.abs(step[:3]).max() < enough:
            break
