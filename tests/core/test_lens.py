"""What users say of a lens."""

from __future__ import annotations

import pytest

from core.errors import BadInput
from core.lens import GivenLens


@pytest.mark.parametrize(
    ("text", "lens", "pixels"),
    [
        ("50@23.6", GivenLens(50.0, 23.6), 50 / 23.6 * 1800),
        ("50", GivenLens(50.0, 36.0), 2500),
        ("85.5@36", GivenLens(85.5), 4275),
        ("4.25@5.76", GivenLens(4.25, 5.76), 1328.125),
    ],
)
def test_the_sensor_lies_along_the_longer_side(text: str, lens: GivenLens, pixels: float) -> None:
    assert GivenLens.parse(text) == lens
    assert lens.pixels(1800, 1200) == lens.pixels(1200, 1800) == pytest.approx(pixels)


@pytest.mark.parametrize(
    "text", ["", "fifty", "50mm", "50@", "50@wide", "0", "-50", "nan", "inf", "50@0", "50@-36", "50@nan",
             "50@inf", "3", "9000", "50@36@24"],
)  # fmt: skip
def test_what_is_no_lens_is_said_with_how_to_write_one(text: str) -> None:
    with pytest.raises(BadInput) as caught:
        GivenLens.parse(text)
    assert repr(text) in caught.value.message and "50@23.6" in caught.value.hint
