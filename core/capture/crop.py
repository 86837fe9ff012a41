"""Turned square cut-outs of a photo, resampled without aliasing."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Float, UInt8


@dataclass(frozen=True)
class SquareCrop:
    """A square in a photo: ``centre`` (x, y), ``side`` in pixels, turned clockwise by ``angle`` radians."""

    centre: tuple[float, float]
    side: float
    angle: float = 0.0

    @property
    def axes(self) -> Float[np.ndarray, "2 2"]:
        """Columns: the square's x and y directions in the photo."""
        c, s = np.cos(self.angle), np.sin(self.angle)
        return np.array([[c, -s], [s, c]])

    def moved(self, shift: tuple[float, float], zoom: float, turn: float) -> SquareCrop:
        """The square shifted by fractions of its side along its axes, enlarged, and turned."""
        x, y = np.asarray(self.centre) + self.axes @ np.asarray(shift) * self.side
        return SquareCrop((float(x), float(y)), self.side * zoom, self.angle + turn)

    def to_photo(self, points: Float[np.ndarray, "points 2"]) -> Float[np.ndarray, "points 2"]:
        """Points in fractions of the square (0–1 from its top left corner) to pixels of the photo."""
        return (points - 0.5) * self.side @ self.axes.T + np.asarray(self.centre)

    def cut(self, pixels: UInt8[np.ndarray, "height width 3"], n: int) -> UInt8[np.ndarray, "n n 3"]:
        """Resample the square to ``n`` × ``n``; outside the photo it is black.

        Pixel centres are at integers + 0.5. Above one photo pixel a sample, the photo is first averaged down.
        """
        height, width = pixels.shape[:2]
        step = self.side / n
        radius = int(np.ceil(self.side * 0.75)) + 2  # the square's half diagonal, and some
        x0, y0 = (int(np.floor(c)) - radius for c in self.centre)
        left, top = min(max(x0, 0), width - 1), min(max(y0, 0), height - 1)
        right, bottom = max(min(x0 + 2 * radius, width), left + 1), max(min(y0 + 2 * radius, height), top + 1)
        part = pixels[top:bottom, left:right]
        scale = np.ones(2)
        if step > 1.3:
            small = [max(1, round(extent / step)) for extent in (part.shape[1], part.shape[0])]
            scale = np.array(small) / (part.shape[1], part.shape[0])
            part = cv2.resize(part, small, interpolation=cv2.INTER_AREA)
        linear = np.diag(scale) @ self.axes * step
        corner = self.to_photo(np.zeros((1, 2)))[0] - (left, top)
        # OpenCV counts pixel centres at integers: half a pixel less on both sides
        offset = linear @ (0.5, 0.5) + scale * corner - 0.5
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        return cv2.warpAffine(part, np.column_stack([linear, offset]), (n, n), flags=flags)
