from __future__ import annotations

import numpy as np

from core.capture.faces import Face
from core.capture.masks import PersonMasker, skin_mask
from core.landmark_topology import IRIS_LEFT, IRIS_RIGHT
from tests.core.capture.conftest import photo_of

_CHEEKS = (50, 280)


def at(mask: np.ndarray, face: Face, landmark: int) -> float:
    x, y = face.landmarks[landmark, :2]
    return float(mask[int(y), int(x)])


def test_skin_is_cheeks_and_nose_but_not_eyes_or_background(
    astronaut: np.ndarray, astronaut_face: Face
) -> None:
    photo = photo_of(astronaut)
    mask = skin_mask(photo, astronaut_face)
    full = mask.on_photo(photo)
    assert full.shape == (512, 512) and full.min() >= 0 and full.max() <= 1
    assert full.max() == mask.values.max()
    assert all(at(full, astronaut_face, i) > 0.8 for i in (*_CHEEKS, 4, 9))
    assert all(at(full, astronaut_face, i) < 0.2 for i in (IRIS_LEFT[0], IRIS_RIGHT[0]))
    assert full[300:].max() == 0 and full[:, :120].max() == 0


def test_a_foreign_thing_before_the_cheek_is_left_out(astronaut: np.ndarray, astronaut_face: Face) -> None:
    x, y = astronaut_face.landmarks[280, :2].astype(int)
    for colour in ((20, 20, 20), (30, 90, 200), (250, 250, 250)):
        pixels = astronaut.copy()
        pixels[y - 8 : y + 8, x - 8 : x + 8] = colour
        photo = photo_of(pixels)
        full = skin_mask(photo, astronaut_face).on_photo(photo)
        assert at(full, astronaut_face, 280) < 0.25
        assert at(full, astronaut_face, 50) > 0.8


def test_a_grey_photo_has_skin_too(astronaut: np.ndarray, astronaut_face: Face) -> None:
    grey = np.repeat(astronaut.mean(-1, keepdims=True).astype(np.uint8), 3, -1)
    full = skin_mask(photo_of(grey), astronaut_face).on_photo(photo_of(grey))
    assert all(at(full, astronaut_face, i) > 0.8 for i in (*_CHEEKS, 4))


def test_a_face_half_outside_the_photo_is_masked_within_it(
    astronaut: np.ndarray, astronaut_face: Face
) -> None:
    from dataclasses import replace

    shifted: np.ndarray = astronaut_face.landmarks - np.array([220, 0, 0], np.float32)
    photo = photo_of(astronaut[:, 220:])
    full = skin_mask(photo, replace(astronaut_face, landmarks=shifted)).on_photo(photo)
    assert full[130, 15] > 0.8


def test_person_mask_separates_the_astronaut_from_the_wall(
    astronaut: np.ndarray, astronaut_face: Face
) -> None:
    with PersonMasker() as masker:
        for face in (None, astronaut_face):
            mask = masker.person_mask(photo_of(astronaut), face)
            assert mask.shape == (512, 512) and mask.min() >= 0 and mask.max() <= 1
            assert at(mask, astronaut_face, 4) > 0.95
            assert mask[60:120, 60:110].mean() < 0.1
