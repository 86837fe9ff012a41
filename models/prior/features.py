"""Landmarks without pose: what the network sees, and a person's rest as far as landmarks tell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Float, Float32
from numpy import ndarray

from core.arkit import MIRRORED_UNITS
from core.geometry.alignment import align_similarity
from core.landmark_topology import MIRROR

SWAP: Final = np.array(MIRRORED_UNITS)
"""The coefficient at each coefficient's place in a mirrored face."""
_FLIP: Final = np.array([-1.0, 1.0, 1.0], np.float32)
_FRONTAL: Final = np.radians(30)  # frames turned farther than this tell little of the rest
_MOST_FRAMES: Final = 400  # that a rest is made of
_ROUNDS: Final = 6
_KEPT: Final = 0.35  # of the frames, the densest, are taken for rest


def mirror_landmarks(landmarks: Float[ndarray, "*batch 478 3"]) -> Float[ndarray, "*batch 478 3"]:
    """The landmarks of the mirrored picture, whose middle is at x = 0."""
    return landmarks[..., MIRROR, :] * _FLIP.astype(landmarks.dtype)


def mirror_rotations(rotations: Float[ndarray, "*batch 3 3"]) -> Float[ndarray, "*batch 3 3"]:
    """The rotations of mirrored pictures."""
    return rotations * np.outer(_FLIP, _FLIP).astype(rotations.dtype)


@dataclass(frozen=True)
class Canonical:
    """The mean face that others are aligned to.

    Attributes:
        points: symmetric, x right, y down, z away from the camera; of unit mean square distance from the
            weighted centre, times 100: a unit is about a per cent of the face's radius.
        weight: how still each landmark keeps, for the alignment; sums to 1.
    """

    points: Float32[ndarray, "478 3"]
    weight: Float32[ndarray, "478"]

    def align(
        self, landmarks: Float[ndarray, "frames 478 3"]
    ) -> tuple[Float32[ndarray, "frames 478 3"], Float32[ndarray, "frames 3 3"]]:
        """Landmarks brought onto the mean by a similarity each, and its rotation."""
        scale, rotation, translation = align_similarity(
            landmarks.astype(np.float64), self.points.astype(np.float64), self.weight.astype(np.float64)
        )
        turned = np.matmul(landmarks, np.swapaxes(rotation, -1, -2) * scale[:, None, None])
        return (turned + translation[:, None]).astype(np.float32), rotation.astype(np.float32)


def learn_canonical(
    neutral: Float[ndarray, "people 478 3"], moved: Float[ndarray, "people 478 3"]
) -> Canonical:
    """The mean of neutral faces, aligned by the landmarks that expressions move least.

    Args:
        neutral, moved: the same people without and with an expression.
    """
    weight = np.full(neutral.shape[1], 1 / neutral.shape[1])
    mean = neutral[0].astype(np.float64)
    for _ in range(4):
        aligned = _aligned(neutral, mean, weight)
        mean = aligned.mean(axis=0)
        mean = mean - weight @ mean
        mean = (mean + mirror_landmarks(mean)) / 2
        mean *= 100 / np.sqrt(weight @ np.square(mean).sum(axis=1))
        apart = np.square(_aligned(moved, mean, weight) - _aligned(neutral, mean, weight)).sum(-1).mean(0)
        apart = (apart + apart[MIRROR]) / 2
        weight = 1 / (apart + np.median(apart) / 4)
        weight /= weight.sum()
    return Canonical(mean.astype(np.float32), weight.astype(np.float32))


def _aligned(landmarks: ndarray, mean: ndarray, weight: ndarray) -> ndarray:
    scale, rotation, translation = align_similarity(landmarks.astype(np.float64), mean, weight)
    return np.matmul(landmarks, np.swapaxes(rotation, -1, -2)) * scale[:, None, None] + translation[:, None]


def rest_of(
    aligned: Float32[ndarray, "frames 478 3"], rotation: Float32[ndarray, "frames 3 3"]
) -> Float32[ndarray, "478 3"]:
    """The shape that a person's aligned frames come back to: the mean of the densest, frontal ones first.

    Speech and play leave the rest in many directions and come back to it, so it is where frames are dense.
    """
    if len(aligned) > _MOST_FRAMES:
        spread = np.linspace(0, len(aligned) - 1, _MOST_FRAMES).round().astype(int)
        aligned, rotation = aligned[spread], rotation[spread]
    turn = np.arccos(np.clip((np.trace(rotation, axis1=-2, axis2=-1) - 1) / 2, -1, 1))
    frontal = np.exp(-np.square(turn / _FRONTAL)) + 1e-3
    rest = np.median(aligned, axis=0)
    for _ in range(_ROUNDS):
        distance = np.square(aligned - rest).sum(axis=(1, 2)) / frontal
        weight = frontal * (distance <= np.quantile(distance, _KEPT))
        rest = np.tensordot(weight / weight.sum(), aligned, axes=1)
    return rest.astype(np.float32)
