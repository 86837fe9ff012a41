"""Rows of the Jacobians of points on heads, and their products: most of the solvers' time goes here."""

from __future__ import annotations

from typing import no_type_check

import numba
import numpy as np
import torch
from jaxtyping import Float, Float32, Int
from numpy import ndarray


def point_rows(
    points: Int[ndarray, "n"],
    turned: Float[ndarray, "photos n 3"],
    pull: Float[ndarray, "photos measures n 3"],
    rotation: Float[ndarray, "photos 3 3"],
    shape: Float32[ndarray, "3 all_points unknowns"],
    between: int = 0,
) -> Float32[ndarray, "photos measures n columns"]:
    """How measures of points follow a turn of the head, its translation and the unknowns of its shape.

    In single precision: they only say which way to step.

    Args:
        points: their numbers in ``shape``.
        turned: the points as the head is turned, from its origin; camera axes.
        pull: how each measure follows its point; camera axes.
        rotation: head → camera.
        shape: how all points move by the unknowns; head space.
        between: columns of 0 after those of the pose, for the caller to fill.
    """
    rows = np.empty((*pull.shape[:3], 6 + between + shape.shape[2]), np.float32)
    # of one kind and layout always, so that the loop is compiled once
    inputs = (np.ascontiguousarray(values, np.float32) for values in (turned, pull, rotation, shape))
    _fill(points, *inputs, rows)
    return rows


def pixel_pull(in_camera: Float[ndarray, "*batch n 3"], focal: float) -> Float[ndarray, "*batch 2 n 3"]:
    """How pixels follow points before a camera, in camera axes.

    Args:
        focal: focal length, pixels.
    """
    x, y, z = np.moveaxis(in_camera, -1, 0)
    near = in_camera.dtype.type(focal) / z
    pull = np.zeros((*x.shape[:-1], 2, x.shape[-1], 3), in_camera.dtype)
    pull[..., 0, :, 0] = pull[..., 1, :, 1] = near
    pull[..., 0, :, 2], pull[..., 1, :, 2] = -near * x / z, -near * y / z
    return pull


def normal_equations(
    rows: Float32[ndarray, "*batch rows unknowns"], off: Float32[ndarray, "*batch rows"]
) -> tuple[Float[ndarray, "*batch unknowns unknowns"], Float[ndarray, "*batch unknowns"]]:
    """Gauss-Newton matrix and gradient of squared residuals ``off``, from their Jacobian.

    By torch, whose products are several times as fast as those of NumPy 1: its OpenBLAS knows no recent
    processors and takes one matrix at a time.
    """
    J = torch.from_numpy(rows)
    H = J.mT @ J
    g = (J.mT @ torch.from_numpy(off)[..., None])[..., 0]
    return H.double().numpy(), g.double().numpy()


# no_type_check keeps run-time type checkers (used in the tests) from wrapping what Numba compiles.
@numba.njit(cache=True, fastmath=True, nogil=True)
@no_type_check
def _fill(points, turned, pull, rotation, shape, rows):
    first = rows.shape[3] - shape.shape[2]
    for photo in range(rows.shape[0]):
        R = rotation[photo]
        for measure in range(rows.shape[1]):
            for n in range(rows.shape[2]):
                point, out = points[n], rows[photo, measure, n]
                a, b, c = turned[photo, n]
                x, y, z = pull[photo, measure, n]
                # A small turn w moves the point by w × turned.
                out[0], out[1], out[2] = b * z - c * y, c * x - a * z, a * y - b * x
                out[3], out[4], out[5] = x, y, z
                for k in range(6, first):
                    out[k] = 0
                u = x * R[0, 0] + y * R[1, 0] + z * R[2, 0]
                v = x * R[0, 1] + y * R[1, 1] + z * R[2, 1]
                w = x * R[0, 2] + y * R[1, 2] + z * R[2, 2]
                for k in range(shape.shape[2]):
                    out[first + k] = u * shape[0, point, k] + v * shape[1, point, k] + w * shape[2, point, k]
