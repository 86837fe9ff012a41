"""Who is someone else, by vectors whose resemblance is known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.capture.same_person import other_people, person_warnings


def _faces(*angles: float) -> np.ndarray:
    """Vectors at these angles in a plane, degrees: their cosines are known."""
    turned = np.radians(angles)
    return np.stack([np.cos(turned), np.sin(turned)], axis=1)


@pytest.mark.parametrize(
    ("angles", "expected"),
    [
        ((0, 10, 20, 120), [False, False, False, True]),
        ((0, 50, 100), [False, False, False]),  # the ends are linked by the middle
        ((0, 100, 10, 110, 20), [False, True, False, True, False]),
        ((0,), [False]),
    ],
)
def test_those_who_resemble_nobody_of_the_most_are_others(
    angles: tuple[float, ...], expected: list[bool]
) -> None:
    found = other_people(_faces(*angles), np.cos(np.radians(60)))
    assert found is not None and found.tolist() == expected


@pytest.mark.parametrize("angles", [(0, 90), (0, 10, 100, 110), (0, 120, 240)])
def test_nobody_is_chosen_where_no_person_has_most_photos(angles: tuple[float, ...]) -> None:
    assert other_people(_faces(*angles), 0.5) is None


@given(st.permutations(range(5)))
def test_the_order_of_the_photos_does_not_matter(order: list[int]) -> None:
    faces = _faces(0, 15, 30, 120, 200)
    found = other_people(faces[list(order)], 0.5)
    assert found is not None
    np.testing.assert_array_equal(found, np.isin(order, [3, 4]))


def test_the_photo_is_named_that_shows_someone_else() -> None:
    each, every = person_warnings(["a.jpg", "b.jpg", "c.jpg"], _faces(0, 120, 10), 0.5)
    assert each[0] == each[2] == "" and every == []
    assert each[1].startswith("b.jpg: a different person?")
    each, every = person_warnings(["a.jpg", "b.jpg"], _faces(0, 120), 0.5)
    assert each == ["", ""] and "one person?" in every[0]
