"""Rows of captioned pictures on one page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageDraw, ImageFont

MARGIN, GAP, CAPTION, HEADING = 28, 12, 24, 40  # pixels
_PAGE, _TITLE, _TEXT, _DIM = (21, 23, 27), (240, 241, 243), (202, 206, 212), (128, 134, 143)

Cell = tuple[UInt8[np.ndarray, "height width 3"], str]
"""A picture and its caption."""


@dataclass
class Page:
    """Collects rows; every row is as wide as the page."""

    width: int
    title: str
    subtitle: str
    rows: list[tuple[str, list[tuple[Image.Image, str]]]] = field(default_factory=list)

    def cell_width(self, columns: int) -> int:
        """Width of a picture where ``columns`` share a row, pixels."""
        return (self.width - 2 * MARGIN - (columns - 1) * GAP) // columns

    def add_row(self, heading: str, cells: Sequence[Cell]) -> None:
        """Pictures of one height with a caption each; ``heading`` may be empty."""
        self.rows.append((heading, [(Image.fromarray(pixels), caption) for pixels, caption in cells]))

    def draw(self) -> UInt8[np.ndarray, "height width 3"]:
        """The page."""
        heights = [
            (HEADING if heading else 0) + max(picture.height for picture, _ in cells) + CAPTION + GAP
            for heading, cells in self.rows
        ]
        page = Image.new("RGB", (self.width, MARGIN + 62 + sum(heights) + MARGIN // 2), _PAGE)
        pen = ImageDraw.Draw(page)
        pen.text((MARGIN, MARGIN - 4), self.title, _TITLE, _font(30))
        pen.text((MARGIN, MARGIN + 34), self.subtitle, _DIM, _font(15))
        top = MARGIN + 62
        for (heading, cells), height in zip(self.rows, heights, strict=True):
            y = top
            if heading:
                pen.text((MARGIN, y + 12), heading, _TITLE, _font(17))
                y += HEADING
            x = MARGIN
            for picture, caption in cells:
                page.paste(picture, (x, y))
                _caption(pen, x, y + picture.height + 4, picture.width, caption)
                x += picture.width + GAP
            top += height
        return np.asarray(page)


def _caption(pen: ImageDraw.ImageDraw, x: int, y: int, width: int, text: str) -> None:
    font = _font(14)
    while text and pen.textlength(text, font) > width:
        text = text.removesuffix("…")[:-1] + "…" if len(text) > 2 else ""
    pen.text((x, y), text, _TEXT, font)


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)  # comes with Pillow


def backdrop(width: int, height: int) -> np.ndarray:
    """A grey that is lighter in the middle, float sRGB."""
    y, x = np.mgrid[0:height, 0:width]
    off = np.hypot((x + 0.5) / width - 0.5, ((y + 0.5) / height - 0.42) * 0.9)
    level = 0.30 - 0.17 * np.clip(off / 0.7, 0, 1) ** 1.3
    return (level[..., None] * np.array([0.95, 1.0, 1.08])).astype(np.float32)
