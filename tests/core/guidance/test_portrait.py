"""Squares of photos."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from core.guidance.portrait import frame_around


def _photo(width: int, height: int) -> np.ndarray:
    column, row = np.meshgrid(np.arange(width), np.arange(height))
    waves = np.stack([np.sin(column / 17), np.cos(row / 13), np.sin((row + column) / 23)], axis=-1)
    return (127 + 120 * waves).astype(np.uint8)


@settings(max_examples=20, deadline=None)
@given(
    width=st.integers(120, 400), height=st.integers(120, 400), x=st.floats(0.2, 0.8), y=st.floats(0.2, 0.8),
    face=st.floats(0.15, 0.45), side=st.sampled_from([128, 256]),
)  # fmt: skip
def test_a_square_put_back_is_the_photo(
    width: int, height: int, x: float, y: float, face: float, side: int
) -> None:
    photo = _photo(width, height)
    reach = face * min(width, height) / 2
    points = np.array([x * width, y * height]) + reach * np.array([[-1, -1], [1, 1], [0, 0]])
    frame = frame_around(points, (width, height), side)
    back = frame.put(frame.cut(photo).astype(np.float32) / 255, photo)
    assert back.shape == photo.shape and back.dtype == np.uint8
    if frame.scale >= 1:
        assert np.abs(back.astype(int) - photo).mean() < 2


def test_the_square_lies_in_the_photo_where_it_fits() -> None:
    points = np.array([[10.0, 10.0], [60.0, 70.0]])
    frame = frame_around(points, (400, 300), 256)
    assert frame.left >= 0 and frame.top >= 0
    assert frame.side == 256


def test_where_the_photo_goes_on_the_square_fades_out() -> None:
    photo = _photo(400, 300)
    frame = frame_around(np.array([[170.0, 110.0], [230.0, 190.0]]), (400, 300), 128)
    white = np.ones((128, 128, 3), np.float32)
    put = frame.put(white, photo)
    left, top = round(frame.left), round(frame.top)
    middle = round(64 / frame.scale)
    assert put[top + middle, left + middle].min() == 255
    assert np.abs(put[top + 1, left + middle].astype(int) - photo[top + 1, left + middle]).max() < 60
    assert (put[0] == photo[0]).all()
