"""Cameras, poses and landmarks of a picture's square cut-out."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Float32
from numpy import ndarray

from core.capture.crop import SquareCrop

SIDE = 224  # pixels of every picture of the data engine
MARGIN = 1.5  # of a crop over its face, as core.capture.faces.Face.crop has it


def crop_view(
    crop: SquareCrop,
    camera: Float[ndarray, "4"],
    rotation: Float[ndarray, "3 3"],
    translation: Float[ndarray, "3"],
    side: int = SIDE,
) -> tuple[Float32[ndarray, "4"], Float32[ndarray, "3 3"], Float32[ndarray, "3"]]:
    """The camera and pose with which a turned crop shows what the picture showed.

    Turning a picture about its principal point is turning the camera about its axis; the rest of the crop
    moves and scales the intrinsics. Exact for square pixels.

    Args:
        camera: fx, fy, cx, cy in pixels of the picture; fx = fy.
        side: pixels of the crop.
    """
    turn = crop.axes.T  # picture directions to the crop's
    zoom = side / crop.side
    about = np.eye(3)
    about[:2, :2] = turn
    centre = turn @ (np.asarray(crop.centre) - camera[2:])  # of the crop, from the principal point
    moved = np.array([camera[0] * zoom, camera[1] * zoom, *(side / 2 - zoom * centre)])
    return (
        moved.astype(np.float32),
        (about @ rotation).astype(np.float32),
        (about @ translation).astype(np.float32),
    )


def picture_pose(
    crop: SquareCrop, rotation: Float[ndarray, "3 3"], translation: Float[ndarray, "3"]
) -> tuple[Float32[ndarray, "3 3"], Float32[ndarray, "3"]]:
    """A pose before a turned crop's camera as one before the picture's: :func:`crop_view` undone."""
    about = np.eye(3)
    about[:2, :2] = crop.axes
    return (about @ rotation).astype(np.float32), (about @ translation).astype(np.float32)


def crop_points(
    crop: SquareCrop, points: Float[ndarray, "points 3"], side: int = SIDE
) -> Float32[ndarray, "points 3"]:
    """Landmarks (pixels; z in the same pixels) of a picture in pixels of its crop."""
    zoom = side / crop.side
    flat = (points[:, :2] - crop.centre) @ crop.axes * zoom + side / 2
    return np.column_stack([flat, points[:, 2] * zoom]).astype(np.float32)


def project_points(
    points: Float[ndarray, "points 3"],
    camera: Float[ndarray, "4"],
    rotation: Float[ndarray, "3 3"],
    translation: Float[ndarray, "3"],
) -> Float32[ndarray, "points 3"]:
    """Pixels of points of a head, and depth from the head's origin in the same pixels (nearer is smaller)."""
    placed = points @ rotation.T + translation
    pixels = placed[:, :2] / placed[:, 2:] * camera[:2] + camera[2:]
    depth = (placed[:, 2] - translation[2]) * camera[0] / translation[2]
    return np.column_stack([pixels, depth]).astype(np.float32)
