"""Changes to training pictures whose labels go along."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import cv2
import numpy as np
import torch
from jaxtyping import Float, UInt8
from numpy import ndarray

from core.capture.crop import SquareCrop
from core.scene.lighting import turned_light
from core.scene.shading import LINEAR_OF_BYTE, linear_to_srgb
from models.crops import SIDE, crop_points, crop_view
from models.data.backgrounds import random_patch
from models.mirror import Mirror

_COARSE: Final = 4  # pixels of a patch's texture


@dataclass(frozen=True)
class Augmentation:
    """How much a picture is changed; shares are probabilities.

    Attributes:
        shift, zoom, turn: standard deviations of the crop's place (of its side), of the logarithm of its
            size, and of its angle (radians).
        mirrored: share of people shown in the mirror, all frames of one alike.
        exposure, white: standard deviations of the logarithms of all channels' gain and of each channel's;
            the label ``sh`` follows.
        blurred, noisy, packed, covered: shares of pictures that are blurred, noisy, compressed again, or
            have a patch laid over; masks follow the patch.
    """

    shift: float = 0.02
    zoom: float = 0.06
    turn: float = 0.08
    mirrored: float = 0.5
    exposure: float = 0.2
    white: float = 0.06
    blurred: float = 0.15
    noisy: float = 0.2
    packed: float = 0.15
    covered: float = 0.1

    def apply(
        self,
        image: UInt8[ndarray, "224 224 3"],
        skin: UInt8[ndarray, "224 224"],
        labels: dict[str, Any],
        mirror: Mirror,
        rng: np.random.Generator,
        person_rng: np.random.Generator,
    ) -> tuple[UInt8[ndarray, "224 224 3"], UInt8[ndarray, "224 224"], dict[str, Any]]:
        """A changed picture, mask and labels; the arguments stay as they are.

        Args:
            person_rng: the same for all frames of a person in an epoch.
        """
        crop = SquareCrop((SIDE / 2, SIDE / 2), float(SIDE)).moved(
            tuple(rng.normal(0, self.shift, 2)),
            float(np.exp(rng.normal(0, self.zoom))),
            float(rng.normal(0, self.turn)),
        )
        image, skin, labels = cropped(image, skin, labels, crop)
        if person_rng.random() < self.mirrored:
            image, skin = cv2.flip(image, 1), cv2.flip(skin, 1)
            labels = mirror.labels(labels)
        gain = np.exp(rng.normal(0, self.exposure) + rng.normal(0, self.white, 3))
        image, labels = exposed(image, labels, gain)
        if rng.random() < self.covered:
            image, skin = _patched(image, skin, rng)
        return self._degraded(image, rng), skin, labels

    def _degraded(self, image: ndarray, rng: np.random.Generator) -> ndarray:
        if rng.random() < self.blurred:
            image = cv2.GaussianBlur(image, (0, 0), rng.uniform(0.4, 1.6))
        if rng.random() < self.noisy:
            grain = np.empty(image.shape, np.int16)
            cv2.setRNGSeed(int(rng.integers(2**31)))
            cv2.randn(grain, np.zeros(3), np.full(3, rng.uniform(1, 8)))
            image = cv2.add(image, grain, dtype=cv2.CV_8U)
        if rng.random() < self.packed:
            _, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(25, 90))])
            image = cv2.imdecode(data, cv2.IMREAD_COLOR)
        return image


def cropped(
    image: UInt8[ndarray, "224 224 3"],
    skin: UInt8[ndarray, "224 224"],
    labels: dict[str, Any],
    crop: SquareCrop,
) -> tuple[UInt8[ndarray, "224 224 3"], UInt8[ndarray, "224 224"], dict[str, Any]]:
    """A square of a picture as a picture of its own; camera, pose, landmarks and light go along.

    Beyond the picture its border is repeated, which is no skin.
    """
    linear = crop.axes * crop.side / SIDE
    corner = crop.to_photo(np.zeros((1, 2)))[0]
    offset = linear @ (0.5, 0.5) + corner - 0.5  # OpenCV counts pixel centres at integers
    matrix = np.column_stack([linear, offset])
    size, flags = (SIDE, SIDE), cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    image = cv2.warpAffine(image, matrix, size, flags=flags, borderMode=cv2.BORDER_REPLICATE)
    flags = cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP
    skin = cv2.warpAffine(skin, matrix, size, flags=flags)
    changed = dict(labels)
    if "rotation" in labels:
        changed["camera"], changed["rotation"], changed["translation"] = crop_view(
            crop, labels["camera"], labels["rotation"], labels["translation"]
        )
    if "sh" in labels:
        changed["sh"] = turned_light(labels["sh"], crop.angle)
    for name in ("landmarks", "seen"):
        if name in labels:
            changed[name] = crop_points(crop, labels[name])
    return image, skin, changed


def exposed(
    image: UInt8[ndarray, "224 224 3"], labels: dict[str, Any], gain: Float[ndarray, "3"]
) -> tuple[UInt8[ndarray, "224 224 3"], dict[str, Any]]:
    """The picture with each channel's linear light times ``gain``, and so the light."""
    bright = (LINEAR_OF_BYTE[:, None] * gain).clip(0, 1)
    coded = linear_to_srgb(torch.from_numpy(bright)).numpy()
    table = np.rint(255 * coded).astype(np.uint8)[None]
    changed = dict(labels)
    if "sh" in labels:
        changed["sh"] = (labels["sh"] * gain).astype(np.float32)
    return cv2.LUT(image, table), changed


def _patched(image: ndarray, skin: ndarray, rng: np.random.Generator) -> tuple[ndarray, ndarray]:
    patch = random_patch(rng, SIDE // _COARSE, always=True)
    assert patch is not None
    colours, cover = (cv2.resize(layer, (SIDE, SIDE), interpolation=cv2.INTER_LINEAR) for layer in patch)
    hidden = cover > 0.5
    image, skin = image.copy(), skin.copy()
    image[hidden] = np.rint(255 * np.sqrt(colours[hidden])).astype(np.uint8)
    skin[hidden] = 0
    return image, skin
