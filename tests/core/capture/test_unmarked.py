from __future__ import annotations

from pathlib import Path

import numpy as np

from core.capture.masks import PersonMasker
from core.capture.photos import Photo
from core.capture.unmarked import UnmarkedFace, unmarked_face


def ramp(width: int, height: int) -> Photo:
    """Red is the column, green the row."""
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[..., 0], pixels[..., 1] = np.arange(width), np.arange(height)[:, None]
    return Photo(pixels, Path("ramp.png"), "0", None, (width, height))


def test_a_square_shows_its_part_of_photo_and_mask() -> None:
    person = np.zeros((60, 80), np.float32)
    person[:, 40:] = 1  # right of column 100 of the photo
    face = UnmarkedFace(ramp(200, 150), np.array([100.0, 75.0]), 50.0, person, 20.0, 10.0, 0.5)
    image, mask = face.square(np.array([60.0, 30.0]), 80.0, 40)
    assert image.shape == (40, 40, 3) and mask.shape == (40, 40)
    columns = 60 + 2 * (np.arange(40) + 0.5) - 0.5  # a value is that of the pixel's centre
    np.testing.assert_allclose(image[20, :, 0] * 255, columns, atol=0.6)
    np.testing.assert_allclose(image[:, 20, 1] * 255, columns - 30, atol=0.6)
    assert mask[20, :18].max() == 0 and mask[20, 22:].min() == 1


def test_beyond_the_mask_there_is_nobody() -> None:
    face = UnmarkedFace(
        ramp(200, 150), np.array([100.0, 75.0]), 50.0, np.ones((60, 60), np.float32), 20.0, 10.0, 1.0
    )
    _, mask = face.square(np.array([0.0, 0.0]), 100.0, 50)
    assert mask[30, 30] == 1 and mask[2].max() == 0 and mask[:, 45].max() == 0


def test_the_part_ends_with_the_photo() -> None:
    with PersonMasker() as masker:
        face = unmarked_face(ramp(200, 150), np.array([190.0, 20.0]), 60.0, masker)
    assert (face.left, face.top, face.scale) == (112.0, 0.0, 1.0)
    assert face.person.shape == (98, 88)
