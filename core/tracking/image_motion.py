"""How the head moves between the key frames of a clip, from pixels.

Each crop is compared with the key frames most like it: the skin that a key frame shows, on the head it was
found to be, is turned until it looks like the crop (Lucas and Kanade 1981, with a head for the warp). Only
skin that expressions hardly move counts, and what nevertheless moves is an outlier.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import torch
from jaxtyping import Float, Float32
from numpy import ndarray
from scipy.spatial.transform import Rotation

from core.capture.face_crops import FaceCrop, FaceCrops
from core.face_model.model import FaceModel
from core.fitting.face_surface import face_weight
from core.fitting.types import PhotoFit
from core.scene.rasterise import rasterise
from core.tracking.image_steps import align_skin, read_picture
from core.tracking.key_views import KeyFrames

_POINTS: Final = 600  # of a key frame
_MOBILE: Final = 0.55e-3  # metres that the units move skin of half trust, root of the mean square of all
_LOCAL: Final = 13  # pixels over which contrast is normalised
_FLAT: Final = 0.03  # contrast (log intensity) of noise
_OUTLIER: Final = 0.24  # difference, in local contrasts, where trust falls to a quarter
_ZOOMS: Final = (0.5, 1.0)
_STEPS: Final = (4, 3)  # at each size
_ENOUGH: Final = 3e-4  # radians that no step is needed for
_INDEPENDENT: Final = 50.0  # pixels' worth of evidence: neighbours err together
_TURN: Final = 0.15  # radians that the start may be off, standard deviation about one axis
_AWAY: Final = 0.05  # the same of the distance, as a part of it
_AT_KEY: Final = 0.01  # radians from a key frame within which others hardly count
_LEAST: Final = 0.1  # share of the nearer key frame's weight below which the other is not asked
_ALIKE: Final = 0.6  # correlation below which the crop is taken to show something else


@dataclass(frozen=True)
class Sight:
    """What a crop says of the head's turn.

    Attributes:
        rotation: head → camera.
        trust: 0-1; 0 where no key frame looks like it.
    """

    rotation: Float[ndarray, "3 3"]
    trust: float


@dataclass(frozen=True)
class _Key:
    points: Float32[ndarray, "points 3"]  # head space
    weight: Float32[ndarray, "points"]
    looks: tuple[ndarray, ...]  # even contrast at each size
    rotation: Float[ndarray, "3 3"]


class ImageMotion:
    """Sees how crops are turned; made once for a clip.

    Args:
        keys: the frames that crops are compared with.
        crops: of the clip.
    """

    def __init__(self, model: FaceModel, keys: KeyFrames, crops: FaceCrops) -> None:
        moves = np.sqrt(np.square(model.expression_deltas).sum(axis=-1).mean(axis=0))
        calm = face_weight(model) / (1 + np.square(moves / _MOBILE))
        self._keys = [
            _key(model, keys.views.neutral, photo, crops.crop(index), calm.astype(np.float32))
            for photo, index in zip(keys.views.photos, keys.crops.tolist(), strict=True)
        ]

    @property
    def key_rotations(self) -> Float[ndarray, "keys 3 3"]:
        """Head → camera in the key frames."""
        return np.stack([key.rotation for key in self._keys])

    def see(
        self,
        crop: FaceCrop,
        about: Float[ndarray, "keys 3 3"],
        translation: Float[ndarray, "3"],
        focal: float,
        centre: tuple[float, float],
    ) -> Sight:
        """The turn of a crop by the two key frames nearest to it, blended so that none comes in suddenly.

        Args:
            about: its rotation as guessed from each of the key frames.
            translation: head → camera, as guessed, metres.
            focal, centre: of the frame's camera, pixels.
        """
        apart = Rotation.from_matrix(np.swapaxes(self.key_rotations, 1, 2) @ about).magnitude()
        nearest = np.argsort(apart)
        beyond = apart[nearest[2]] if len(nearest) > 2 else np.inf
        pyramid = _Pyramid.of(crop.grey)
        f, cx, cy = (
            focal * crop.scale,
            (centre[0] - crop.left) * crop.scale,
            (centre[1] - crop.top) * crop.scale,
        )
        rotations, weights, trusts = [], [], []
        shares = 1 / (apart[nearest[:2]] + _AT_KEY) - 1 / (beyond + _AT_KEY)
        for key, share in zip(nearest, shares, strict=False):
            if share < _LEAST * shares[0]:
                continue
            rotation, alike = _align(self._keys[key], pyramid, about[key], translation, f, cx, cy)
            rotations.append(rotation)
            trust = float(np.clip((alike - _ALIKE) / (1 - _ALIKE), 0, 1))
            trusts.append(trust)
            weights.append(trust * max(float(share), 1e-6))
        if not any(weights):
            return Sight(about[nearest[0]], 0.0)
        mean = Rotation.from_matrix(np.stack(rotations)).mean(weights).as_matrix()
        return Sight(mean, max(trusts))


@dataclass(frozen=True)
class _Pyramid:
    """Even contrast at each size, with its slopes."""

    levels: tuple[tuple[ndarray, ndarray, ndarray], ...]

    @classmethod
    def of(cls, grey: ndarray) -> _Pyramid:
        full = _even_contrast(grey)
        return cls((_slopes(cv2.pyrDown(full)), _slopes(cv2.GaussianBlur(full, (3, 3), 0.7))))


def _even_contrast(grey: ndarray) -> Float32[ndarray, "side side"]:
    """Log intensity less its neighbourhood's, in units of the contrast there; light and exposure drop out."""
    values = np.log(grey.astype(np.float32) / 255 + np.float32(0.02))
    size = (_LOCAL, _LOCAL)
    detail = values - cv2.blur(values, size)
    return detail / np.sqrt(cv2.blur(detail * detail, size) + np.float32(_FLAT**2))


def _slopes(picture: ndarray) -> tuple[ndarray, ndarray, ndarray]:
    across = cv2.Sobel(picture, cv2.CV_32F, 1, 0, scale=1 / 8)
    return picture, across, cv2.Sobel(picture, cv2.CV_32F, 0, 1, scale=1 / 8)


def _key(model: FaceModel, neutral: ndarray, photo: PhotoFit, crop: FaceCrop, calm: ndarray) -> _Key:
    """Points of the calm skin that a key frame shows, and how they look."""
    head = neutral + np.tensordot(photo.expression.astype(np.float32), model.expression_deltas, axes=1)
    posed = (head @ photo.rotation.T + photo.translation).astype(np.float32)
    side = len(crop.grey)
    camera = photo.camera.square(crop.left, crop.top, crop.scale, side)
    triangles = torch.from_numpy(model.triangles.astype(np.int64))
    seen = rasterise(torch.from_numpy(posed), triangles, camera)
    rows, columns = np.nonzero(seen.covered.numpy())
    corners = model.triangles[seen.triangle.numpy()[rows, columns]]
    bary = seen.barycentrics.numpy()[rows, columns]
    a, b, c = (posed[corners[:, k]] for k in range(3))
    normal = np.cross(b - a, c - a)
    towards = -(normal * a).sum(axis=1) / (
        np.linalg.norm(normal, axis=1) * np.linalg.norm(a, axis=1) + np.float32(1e-12)
    )
    weight = (calm[corners] * bary).sum(axis=1) * np.clip((towards - 0.25) / 0.4, 0, 1)
    chosen = np.flatnonzero(weight > 0.05)
    if len(chosen) > _POINTS:
        chosen = np.sort(np.random.default_rng(0).choice(chosen, _POINTS, replace=False))
    at = np.column_stack([columns, rows])[chosen] + 0.5
    levels = _Pyramid.of(crop.grey).levels
    points = np.einsum("pk,pkd->pd", bary[chosen], head[corners[chosen]])
    looks = tuple(
        read_picture(level[0], (at * zoom).astype(np.float32))
        for level, zoom in zip(levels, _ZOOMS, strict=True)
    )
    return _Key(points.astype(np.float32), weight[chosen].astype(np.float32), looks, photo.rotation)


def _align(
    key: _Key,
    pyramid: _Pyramid,
    rotation: ndarray,
    translation: ndarray,
    f: float,
    cx: float,
    cy: float,
) -> tuple[ndarray, float]:
    """Rotation that makes the key frame's skin look like the crop, and their correlation there."""
    if len(key.points) < _INDEPENDENT:
        return rotation, 0.0
    away = float(translation[2])
    precision = np.array([_TURN**-2] * 3 + [1e-9, 1e-9, (_AWAY * away) ** -2])
    evidence = _INDEPENDENT / float(key.weight.sum()) / _OUTLIER**2
    start, rotation, moved = np.ascontiguousarray(rotation), rotation.copy(), translation.astype(np.float64)
    off = np.empty_like(key.weight)
    for picture, look, steps, zoom in zip(pyramid.levels, key.looks, _STEPS, _ZOOMS, strict=True):
        align_skin(
            points=key.points, weight=key.weight, look=look, picture=picture,
            camera=np.array([f, cx, cy]) * zoom, start=(start, away), precision=precision,
            evidence=evidence, outlier=_OUTLIER, steps=steps, enough=_ENOUGH,
            rotation=rotation, translation=moved, off=off,
        )  # fmt: skip
    return rotation, _correlation(off + look, look, key.weight)


def _correlation(a: ndarray, b: ndarray, weight: ndarray) -> float:
    total = weight.sum()
    a, b = a - (weight * a).sum() / total, b - (weight * b).sum() / total
    variances = float((weight * a * a).sum() * (weight * b * b).sum())
    return float((weight * a * b).sum()) / max(variances, 1e-12) ** 0.5  # cov(a, b) / (σ_a σ_b)
