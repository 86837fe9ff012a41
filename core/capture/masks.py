"""Which pixels of a photo show the person, and which the bare skin of the face."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from jaxtyping import Bool, Float, Float32, UInt8

from core.capture.faces import Face
from core.capture.mediapipe_graphs import PersonSegmenter
from core.capture.photos import Photo
from core.geometry.smooth import smoothstep
from core.landmark_topology import EYE_LEFT, EYE_RIGHT, FACE_OVAL, LIPS_INNER, LIPS_OUTER, SKIN_PATCHES

_SEGMENT_SIDE = 768  # pixels: the network sees 256; more only costs time
_SKIN_SIDE = 320  # pixels, longer side of the face's box where the skin statistics work
_HEAD_REGION = 3.5  # side of the close look at the head, in face heights
_DETAIL = ((0, 0), 2.0)  # OpenCV's size and sigma of the smoothing before colours are judged
# Distances in robust standard deviations from the person's own skin: full weight below, none above
_SKIN_NEAR, _SKIN_FAR = 2.5, 4.5
SIDEWAYS: Final = np.radians(70)
"""Yaw beyond which a face's oval is no outline of what is seen of it."""
# Lab units: skin is never taken to be more uniform than this
_CHROMA_FLOOR, _LIGHT_FLOOR = 3.0, 7.0


class PersonMasker:
    """Soft person masks; starts the network at first use and keeps it. Use it from one thread at a time."""

    def __init__(self) -> None:
        self._segmenter: PersonSegmenter | None = None

    def __enter__(self) -> PersonMasker:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Free the network; the next call starts it again."""
        if self._segmenter is not None:
            self._segmenter.close()
        self._segmenter = None

    def person_mask(self, photo: Photo, face: Face | None = None) -> Float32[np.ndarray, "height width"]:
        """Probability, 0–1, that a pixel shows a person, at the photo's resolution.

        The network sees 256² pixels of whatever it is given, so with ``face`` the head and shoulders are
        looked at once more from near. The result is snapped to edges of the photo by a guided filter
        (He et al. 2010) at a working size of 768 pixels.
        """
        self._segmenter = self._segmenter or PersonSegmenter()
        height, width = photo.pixels.shape[:2]
        mask = self._segment(photo.pixels)
        if face is not None:
            left, top, right, bottom = face.box
            centre, half = ((left + right) / 2, (top + bottom) / 2), _HEAD_REGION * (bottom - top) / 2
            x0, x1 = (int(np.clip(centre[0] + s * half, 0, width)) for s in (-1, 1))
            y0, y1 = (int(np.clip(centre[1] + s * half, 0, height)) for s in (-1, 1))
            if (x1 - x0) * (y1 - y0) < 0.7 * width * height and min(x1 - x0, y1 - y0) > 16:
                near = self._segment(photo.pixels[y0:y1, x0:x1])
                weight = _feathered_box(height, width, (x0, y0, x1, y1))
                mask = mask * (1 - weight)
                mask[y0:y1, x0:x1] += weight[y0:y1, x0:x1] * near
        return mask

    def _segment(self, pixels: UInt8[np.ndarray, "height width 3"]) -> Float32[np.ndarray, "height width"]:
        assert self._segmenter is not None
        height, width = pixels.shape[:2]
        small = _shrunk(pixels, _SEGMENT_SIDE)
        mask = self._segmenter(small)
        guide = small.astype(np.float32) / 255.0
        mask = cv2.ximgproc.guidedFilter(guide, mask, radius=max(2, max(small.shape) // 100), eps=1e-4)
        mask = cv2.resize(mask, (width, height), interpolation=cv2.INTER_LINEAR)
        return np.clip(mask, 0.0, 1.0).astype(np.float32)


@dataclass(frozen=True)
class FaceMask:
    """A mask of the part of a photo with its top left pixel at (``left``, ``top``).

    ``values`` is ``(h, w)`` float32 in [0, 1] at the photo's resolution.
    """

    values: Float32[np.ndarray, "h w"]
    left: int
    top: int

    def on_photo(self, photo: Photo) -> Float32[np.ndarray, "height width"]:
        """The mask at the photo's full size, zero outside."""
        full = np.zeros(photo.pixels.shape[:2], np.float32)
        h, w = self.values.shape
        full[self.top : self.top + h, self.left : self.left + w] = self.values
        return full


def skin_mask(photo: Photo, face: Face) -> FaceMask:
    """Where the face's own bare skin is seen: V_I of DECA's photometric term (eq. 7).

    Inside the outline of the face, a pixel counts by how well it matches this person's skin in this light:
    its chroma against the median and deviation on cheeks, nose and forehead, its lightness against a smooth
    fit over the face that leaves shading in. Hair, glasses, hands of another colour, microphones and hard
    shadows fall out; so do open eyes and the inside of the mouth. Lips are judged by their own colour. On a
    grey photo lightness alone decides. What it cannot tell from skin: a bare hand in the same light, thin
    spectacle frames, a fringe in the skin's own colour.
    """
    height, width = photo.pixels.shape[:2]
    left = int(np.clip(np.floor(face.box[0]), 0, width - 1))
    top = int(np.clip(np.floor(face.box[1]), 0, height - 1))
    right = int(np.clip(np.ceil(face.box[2]), left + 1, width))
    bottom = int(np.clip(np.ceil(face.box[3]), top + 1, height))
    part = photo.pixels[top:bottom, left:right]
    small = _shrunk(part, _SKIN_SIDE)
    scale = np.array([small.shape[1] / part.shape[1], small.shape[0] / part.shape[0]])
    points = (face.landmarks[:, :2] - (left, top)) * scale
    shape = (small.shape[0], small.shape[1])

    # seen from the side the oval covers itself
    oval = (
        _hull_filled(points, range(len(points)), shape)
        if abs(face.yaw) > SIDEWAYS
        else _filled(points, FACE_OVAL, shape)
    )
    lips = _filled(points, LIPS_OUTER, shape)
    holes = _filled(points, LIPS_INNER, shape)
    eyes = _filled(points, EYE_LEFT, shape) | _filled(points, EYE_RIGHT, shape)
    seeds = np.zeros(shape, bool)
    for patch in SKIN_PATCHES:
        seeds |= _hull_filled(points, patch, shape)
    seeds &= oval & ~lips & ~eyes
    sigma = _DETAIL[1] * max(small.shape) / _SKIN_SIDE
    lab = cv2.cvtColor(small.astype(np.float32) / 255.0, cv2.COLOR_RGB2LAB)
    lab = cv2.GaussianBlur(lab, _DETAIL[0], sigma)

    weight = _likeness(lab, seeds, oval & ~lips & ~eyes, points)
    if (lips & ~holes).sum() > 20:
        own = np.where(lips, _likeness(lab, lips & ~holes, lips & ~holes, None), 0.0)
        weight = np.maximum(weight, own)
    eyes = cv2.dilate(eyes.astype(np.uint8), np.ones((3, 3), np.uint8)).astype(bool)
    weight = np.where(oval & ~holes & ~eyes, weight, 0.0).astype(np.float32)
    # specks of either kind are noise
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (5, 5))
    weight = cv2.morphologyEx(cv2.morphologyEx(weight, cv2.MORPH_OPEN, disc), cv2.MORPH_CLOSE, disc)
    weight = cv2.GaussianBlur(weight, (0, 0), 1.0) * (weight > 0)
    size = (right - left, bottom - top)
    values = np.clip(cv2.resize(weight, size, interpolation=cv2.INTER_LINEAR), 0.0, 1.0)
    return FaceMask(values.astype(np.float32), left, top)


def _likeness(
    lab: Float32[np.ndarray, "h w 3"],
    seeds: Bool[np.ndarray, "h w"],
    region: Bool[np.ndarray, "h w"],
    points: Float[np.ndarray, "478 2"] | None,
) -> Float32[np.ndarray, "h w"]:
    """1 where a pixel's colour is that of ``seeds``, 0 where it is foreign.

    With ``points`` the expected lightness is a quadratic in the position on the face, fitted to ``region``
    by iteratively reweighted least squares starting from the seeds; without, it is the seeds' median.
    """
    if not seeds.any():
        return region.astype(np.float32)
    chroma = lab[..., 1:]
    median, std = _robust(chroma[seeds])
    far = np.square((chroma - median) / np.maximum(std, _CHROMA_FLOOR)).sum(-1)
    if points is None:
        expected = np.full(region.shape, np.median(lab[seeds][:, 0]))
    else:
        expected = _smooth_lightness(lab[..., 0], seeds, region & (far < _SKIN_FAR**2), points)
    residual = lab[..., 0] - expected
    _, light_std = _robust(residual[seeds][:, None])
    # a highlight is still skin, and tells of light; hair, frames and hard shadows are darker
    tolerance = np.maximum(light_std[0], _LIGHT_FLOOR) * np.where(residual > 0, 1.5, 1.0)
    distance = np.sqrt(far + np.square(residual / tolerance))
    return (1.0 - smoothstep(distance, _SKIN_NEAR, _SKIN_FAR)).astype(np.float32)


def _smooth_lightness(
    lightness: Float32[np.ndarray, "h w"],
    seeds: Bool[np.ndarray, "h w"],
    region: Bool[np.ndarray, "h w"],
    points: Float[np.ndarray, "478 2"],
) -> Float[np.ndarray, "h w"]:
    """Quadratic fit of lightness over the face that follows shading but not hair or frames."""
    centre, extent = points.mean(0), np.ptp(points, axis=0).max() / 2
    y, x = np.mgrid[0 : lightness.shape[0], 0 : lightness.shape[1]] + 0.5
    u, v = (x - centre[0]) / extent, (y - centre[1]) / extent
    terms = np.stack([np.ones_like(u), u, v, u * u, u * v, v * v], axis=-1)
    ridge = np.diag([0.0, 0.02, 0.02, 0.1, 0.1, 0.1])  # seeds cover the middle: do not extrapolate wildly
    weight = seeds.astype(float)
    used = region | seeds
    expected = np.zeros(lightness.shape)
    for _ in range(8):
        rows = terms[used] * weight[used, None]
        gram = rows.T @ terms[used] / weight[used].sum() + ridge
        solution = np.linalg.solve(gram, rows.T @ lightness[used] / weight[used].sum())
        expected = terms @ solution
        residual = (lightness - expected) / (2.0 * _LIGHT_FLOOR)
        weight = np.where(seeds, 1.0, 0.5) / np.square(1.0 + np.square(residual))  # Geman–McClure
    return expected


def _robust(values: Float[np.ndarray, "n k"]) -> tuple[Float[np.ndarray, "k"], Float[np.ndarray, "k"]]:
    """Median and robust standard deviation, 1.4826 median |x - median|, of each column."""
    median = np.median(values, axis=0)
    return median, 1.4826 * np.median(np.abs(values - median), axis=0)


def _filled(
    points: Float[np.ndarray, "478 2"], outline: Sequence[int], shape: tuple[int, int]
) -> Bool[np.ndarray, "h w"]:
    mask = np.zeros(shape, np.uint8)
    polygon = np.round((points[list(outline)] - 0.5) * 16).astype(np.int32)  # 4 fractional bits
    cv2.fillPoly(mask, [polygon], (1,), shift=4)
    return mask.astype(bool)


def _hull_filled(
    points: Float[np.ndarray, "478 2"], patch: Sequence[int], shape: tuple[int, int]
) -> Bool[np.ndarray, "h w"]:
    hull = cv2.convexHull(np.asarray(points[list(patch)], np.float32), returnPoints=False)[:, 0]
    return _filled(points, [patch[int(i)] for i in hull], shape)


def _shrunk(pixels: UInt8[np.ndarray, "height width 3"], side: int) -> UInt8[np.ndarray, "h w 3"]:
    """The image, averaged down so that its longer side is at most ``side``."""
    ratio = min(1.0, side / max(pixels.shape[:2]))
    if ratio == 1.0:
        return np.ascontiguousarray(pixels)
    size = max(1, round(pixels.shape[1] * ratio)), max(1, round(pixels.shape[0] * ratio))
    return cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)


def _feathered_box(
    height: int, width: int, box: tuple[int, int, int, int]
) -> Float32[np.ndarray, "height width"]:
    """1 inside a box, falling to 0 at its sides except where those are the photo's own."""
    x0, y0, x1, y1 = box
    ramps = []
    for low, high, extent in ((x0, x1, width), (y0, y1, height)):
        at = np.arange(extent) + 0.5
        feather = 0.12 * (high - low)
        rise = np.clip((at - low) / feather, 0, 1) if low > 0 else np.ones(extent)
        fall = np.clip((high - at) / feather, 0, 1) if high < extent else np.ones(extent)
        ramps.append(rise * fall)
    return np.outer(ramps[1], ramps[0]).astype(np.float32)
