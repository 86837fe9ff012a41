from __future__ import annotations

import numpy as np
import pytest
from numpy import ndarray

from core.fitting.outline import outline_shift

SIDE = 256
MIDDLE = np.array([128.0, 128.0])


def disc(radius: float) -> ndarray:
    rows, columns = np.indices((SIDE, SIDE)) + 0.5
    return (np.hypot(columns - MIDDLE[0], rows - MIDDLE[1]) < radius).astype(np.float32)


def rim(radius: float, towards: float) -> tuple[ndarray, ndarray, ndarray]:
    """Pixels, normals and cosines of points round a disc."""
    angle = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    normals = np.column_stack([np.cos(angle), np.sin(angle), np.zeros(24)])
    return MIDDLE + radius * normals[:, :2], normals, np.full(24, towards)


def photo(radius: float) -> ndarray:
    return 0.2 + 0.5 * np.repeat(disc(radius)[..., None], 3, axis=2)


@pytest.mark.parametrize("larger", [-3.0, 0.0, 3.0])
def test_the_photo_tells_how_much_larger_the_head_is(larger: float) -> None:
    at, normals, towards = rim(60, 0.0)
    shift, trust, across = outline_shift(
        photo(60 + larger), disc(60 + larger), disc(60), at, normals, towards
    )
    assert trust.min() > 0.5
    assert np.allclose((shift * across).sum(axis=1), larger, atol=1.0)


def test_points_that_face_the_camera_or_lie_inside_are_left_alone() -> None:
    for at, normals, towards in (rim(60, 0.9), rim(30, 0.0)):
        shift, trust, across = outline_shift(photo(63), disc(63), disc(60), at, normals, towards)
        assert trust.max() == 0 and np.abs(shift).max() == 0 and np.abs(across).max() == 0


def test_where_the_skin_goes_on_there_is_no_outline() -> None:
    at, normals, towards = rim(60, 0.0)
    everywhere = np.ones((SIDE, SIDE), np.float32)
    assert outline_shift(photo(60), everywhere, disc(60), at, normals, towards)[1].max() == 0
