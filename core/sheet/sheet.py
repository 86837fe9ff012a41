"""A rig on one page: photos and fit, shape and texture from three sides, eight expressions."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from core.atomic import staged_output
from core.progress import Progress
from core.rig import Rig
from core.sheet.layout import Cell, Page
from core.sheet.views import Framing, Views

EXPECTED_SECONDS: Final = {"photos": 1.5, "views": 1.2, "expressions": 1.8}

_WIDTH: Final = 1680  # pixels
_MOST_PHOTOS: Final = 8  # on the sheet
_TURN: Final = 0.96  # radians of the side views
EXPRESSIONS: Final[tuple[tuple[str, Mapping[str, float]], ...]] = (
    ("jawOpen", {"jawOpen": 0.8}),
    ("mouthSmile, mouthUpperUp, jawOpen, cheekSquint", {
        "mouthSmileLeft": 0.9, "mouthSmileRight": 0.9, "mouthUpperUpLeft": 0.25, "mouthUpperUpRight": 0.25,
        "jawOpen": 0.12, "cheekSquintLeft": 0.6, "cheekSquintRight": 0.6,
    }),
    ("mouthPucker", {"mouthPucker": 1.0}),
    ("eyeBlink", {"eyeBlinkLeft": 1.0, "eyeBlinkRight": 1.0}),
    ("browInnerUp, browOuterUp, eyeWide", {
        "browInnerUp": 1.0, "browOuterUpLeft": 0.8, "browOuterUpRight": 0.8, "eyeWideLeft": 0.8,
        "eyeWideRight": 0.8,
    }),
    ("browDown, mouthFrown", {
        "browDownLeft": 1.0, "browDownRight": 1.0, "mouthFrownLeft": 0.9, "mouthFrownRight": 0.9,
    }),
    ("noseSneer, mouthUpperUp", {
        "noseSneerLeft": 1.0, "noseSneerRight": 1.0, "mouthUpperUpLeft": 0.7, "mouthUpperUpRight": 0.7,
    }),
    ("cheekPuff, eyeLookOutLeft, eyeLookInRight", {
        "cheekPuff": 1.0, "eyeLookOutLeft": 0.7, "eyeLookInRight": 0.7,
    }),
)  # fmt: skip
"""Caption and coefficients of the faces in the last rows."""


def save_sheet(rig: Rig, path: Path, progress: Progress | None = None) -> None:
    """Draw :func:`make_sheet` to a .png.

    Raises:
        OutputFailed: it cannot be written.
        Cancelled: the user asked to stop.
    """
    image = make_sheet(rig, progress)
    with staged_output(path) as temporary:
        Image.fromarray(image).save(temporary, "PNG", compress_level=6)


def make_sheet(rig: Rig, progress: Progress | None = None) -> UInt8[np.ndarray, "height width 3"]:
    """The picture sheet of a rig, from what the rig itself holds.

    Args:
        progress: must know the stages of ``EXPECTED_SECONDS``.

    Raises:
        Cancelled: the user asked to stop.
    """
    progress = progress or Progress(EXPECTED_SECONDS)
    views = Views(rig)
    page = Page(_WIDTH, rig.name, _subtitle(rig))
    with progress.stage("photos"):
        _add_photos(page, views, progress)
    with progress.stage("views"):
        _add_views(page, views, progress)
    with progress.stage("expressions"):
        _add_expressions(page, views, progress)
    return page.draw()


def _subtitle(rig: Rig) -> str:
    count = len(rig.photos)
    photos = "1 photo" if count == 1 else f"{count} photos"
    return f"{rig.generator}   ·   {photos}   ·   face model {rig.model_name}   ·   {rig.created[:10]}"


def _add_photos(page: Page, views: Views, progress: Progress) -> None:
    count = min(len(views.photos), _MOST_PHOTOS)
    if count == 0:
        return
    if count == 1:
        size = _square(page, 4)
        pictures: list[Cell] = []
        for draw, caption in (
            (views.photo, views.photos[0][0].file),
            (views.mesh_over_photo, "fitted mesh, detected landmarks"),
            (views.head_over_photo, "textured fit over the photo"),
            (views.clay_as_photo, "the same in clay"),
        ):
            progress.update(len(pictures) / 4)
            pictures.append((draw(0, size), caption))
        page.add_row("Photo and fit", pictures)
        return
    size = _square(page, max(count, 4))
    rows = (
        ("Photos and fit", views.photo, ""),
        ("", views.mesh_over_photo, "mesh, landmarks"),
        ("", views.head_over_photo, "textured fit"),
    )
    for row, (heading, draw, caption) in enumerate(rows):
        cells: list[Cell] = []
        for index in range(count):
            progress.update((row + index / count) / len(rows))
            cells.append((draw(index, size), caption or views.photos[index][0].file))
        page.add_row(heading, cells)


def _add_views(page: Page, views: Views, progress: Progress) -> None:
    width = page.cell_width(6)
    size = (width, round(width * 1.25))
    low, high = views.rig.neutral.min(axis=0), views.rig.neutral.max(axis=0)
    middle = (low + high) / 2
    target = (0.0, float(middle[1]), float(middle[2]) + 0.02)
    height = float(high[1] - low[1]) * 1.08
    sides = (("left", -_TURN), ("front", 0.0), ("right", _TURN))
    cells: list[Cell] = []
    for draw, look in ((views.clay, "clay"), (views.textured, "textured")):
        for side, yaw in sides:
            progress.update(len(cells) / 6)
            cells.append((draw(Framing(target, height, yaw), size), f"{look}, {side}"))
    page.add_row("Shape and texture", cells)


def _add_expressions(page: Page, views: Views, progress: Progress) -> None:
    size = _square(page, 4)
    low, high = views.rig.landmarks.min(axis=0), views.rig.landmarks.max(axis=0)
    middle = (low + high) / 2
    frame = Framing(
        (0.0, float(middle[1]) - 0.004, float(middle[2]) - 0.03), float(high[1] - low[1]) * 1.42, -0.22, 0.03
    )
    cells: list[Cell] = []
    for caption, expression in EXPRESSIONS:
        progress.update(len(cells) / len(EXPRESSIONS))
        cells.append((views.textured(frame, size, expression), caption))
    page.add_row("Expressions", cells[:4])
    page.add_row("", cells[4:])


def _square(page: Page, columns: int) -> tuple[int, int]:
    side = page.cell_width(columns)
    return side, side
