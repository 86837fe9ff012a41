"""Pictures as the add-on reads them."""

from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from blender_addon.client.pictures import read_ppm


@given(st.integers(1, 40), st.integers(1, 40), st.integers(0, 2**31))
def test_what_pillow_writes_is_read(width: int, height: int, seed: int) -> None:
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PPM")
    assert read_ppm(stream.getvalue()) == (width, height, pixels.tobytes())


@pytest.mark.parametrize(
    "content", [b"", b"P6", b"P5\n1 1\n255\n\0", b"P6\n2 2\n255\n\0\0\0", b"P6\n0 0\n255\n", b"\xff\xd8\xff"]
)
def test_anything_else_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match=r"PPM|whole"):
        read_ppm(content)
