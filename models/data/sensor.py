"""What a camera and a file format do to a picture."""

from __future__ import annotations

import cv2
import numpy as np
import torch
from jaxtyping import Float32, UInt8
from numpy import ndarray

from core.scene.shading import linear_to_srgb


def photograph(
    linear: Float32[ndarray, "side side 3"], rng: np.random.Generator, *, clean: bool = False
) -> UInt8[ndarray, "side side 3"]:
    """sRGB pixels with the blur, coarseness, noise and compression of a random camera.

    A third of the pictures stay nearly clean, or all of them where ``clean``.
    White balance and exposure are the light's business.

    Args:
        linear: linear light, clipped at 1.
    """
    side = linear.shape[0]
    dirty = rng.random() > 0.33 and not clean
    image: ndarray = linear
    if dirty and rng.random() < 0.3:
        image = _blurred(image, rng)
    if dirty and rng.random() < 0.35:
        small = int(side * rng.uniform(0.2, 0.9) ** 0.7)
        how = (cv2.INTER_LINEAR, cv2.INTER_CUBIC)[rng.integers(2)]
        image = cv2.resize(
            cv2.resize(image, (small, small), interpolation=cv2.INTER_AREA), (side, side), None, 0, 0, how
        )
    shot, read = (rng.uniform(0, 0.025), rng.uniform(0, 0.008)) if dirty else (0.004, 0.001)
    grain = rng.standard_normal(image.shape, np.float32)
    if rng.random() < 0.4:  # coarse, as scaled or denoised pictures have it
        grain = 1.8 * cv2.GaussianBlur(grain, (0, 0), 0.8)
    image = image + grain * np.sqrt(shot**2 * np.clip(image, 0, 1) + read**2).astype(np.float32)
    encoded = linear_to_srgb(torch.from_numpy(image.clip(0, 1))).numpy()
    if dirty and rng.random() < 0.3:  # a camera's own rendering: contrast and colour
        encoded = _developed(encoded, rng)
    pixels = np.rint(255 * encoded.clip(0, 1)).astype(np.uint8)
    if dirty and rng.random() < 0.5:
        quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(22, 95))]
        _, packed = cv2.imencode(".jpg", pixels[..., ::-1], quality)
        pixels = np.ascontiguousarray(cv2.imdecode(packed, cv2.IMREAD_COLOR)[..., ::-1])
    return pixels


def _blurred(image: ndarray, rng: np.random.Generator) -> ndarray:
    if rng.random() < 0.6:
        return cv2.GaussianBlur(image, (0, 0), rng.uniform(0.4, 1.8))
    length, angle = int(rng.integers(3, 10)), rng.uniform(0, 180)  # motion
    kernel = np.zeros((length, length), np.float32)
    kernel[length // 2] = 1
    turn = cv2.getRotationMatrix2D(((length - 1) / 2, (length - 1) / 2), angle, 1.0)
    streak = cv2.warpAffine(kernel, turn, (length, length))
    return cv2.filter2D(image, -1, streak / max(float(streak.sum()), 1e-3))


def _developed(encoded: ndarray, rng: np.random.Generator) -> ndarray:
    contrast, saturation = rng.uniform(0.85, 1.2), rng.uniform(0.0 if rng.random() < 0.15 else 0.6, 1.3)
    grey = encoded.mean(axis=2, keepdims=True)
    return np.asarray(0.5 + contrast * (grey + saturation * (encoded - grey) - 0.5), np.float32)
