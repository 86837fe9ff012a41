"""Texts and the expressions' names."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blender_addon import texts
from blender_addon.expressions import ROWS, key_names, mirrored
from blender_addon.german import GERMAN
from core.arkit import ARKIT_NAMES, mirrored_name


def blanks(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_everything_is_translated() -> None:
    assert set(GERMAN) == set(texts.every_text())


@pytest.mark.parametrize("text", sorted(GERMAN))
def test_translations_have_the_same_blanks_and_endings(text: str) -> None:
    assert blanks(GERMAN[text]) == blanks(text)
    assert (GERMAN[text][-1] == ".") == (text[-1] == ".")


def test_the_sliders_are_the_52_keys() -> None:
    assert sorted(key_names()) == sorted(ARKIT_NAMES)
    assert set(ROWS) == set(texts.REGIONS)


VALUES = st.fixed_dictionaries({name: st.floats(0, 1) for name in ARKIT_NAMES})


@given(VALUES)
def test_swapping_twice_changes_nothing(values: dict[str, float]) -> None:
    swapped = mirrored(values, "SWAP")
    assert {mirrored_name(name): value for name, value in swapped.items()} == values
    assert mirrored(swapped, "SWAP") == values


@given(VALUES)
def test_copying_a_side_makes_the_face_even(values: dict[str, float]) -> None:
    for direction, kept in (("LEFT", "Left"), ("RIGHT", "Right")):
        even = mirrored(values, direction)
        assert all(even[name] == even[mirrored_name(name)] for name in even)
        assert all(even[name] == values[name] for name in even if name.endswith(kept))
