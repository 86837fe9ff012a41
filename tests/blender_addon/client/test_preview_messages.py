"""What a preview's two sides say to each other: the add-on writes what the server reads."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest

from blender_addon.client import preview_messages as say
from blender_addon.client.errors import Damaged
from core.arkit import ARKIT_NAMES
from core.errors import BadInput
from server.preview.messages import read_opening, read_state


def state(turn: float = 0.0, **coefficients: float) -> say.HeadState:
    values = np.array([coefficients.get(name, 0.0) for name in ARKIT_NAMES])
    rotation = np.array([[np.cos(turn), 0, np.sin(turn)], [0, 1, 0], [-np.sin(turn), 0, np.cos(turn)]])
    return say.HeadState(values, rotation, np.zeros(3), np.stack([np.eye(3)] * 2))


def test_both_sides_mean_the_same() -> None:
    one = state(0.1, jawOpen=0.123456, mouthClose=3.0)
    told = read_state(one.text(5))
    assert told.number == 5 and told.coefficients[ARKIT_NAMES.index("jawOpen")] == 0.1235
    assert max(told.coefficients) == 2  # what is driven beyond reason is cut off
    np.testing.assert_allclose(told.head.rotation, one.rotation)
    request = say.StartPreview(None, Path(), "rig", 3, 768, packed=True)
    opening = read_opening(say.opening(request))
    assert (opening.photo, opening.size, opening.format) == (3, 768, "deflate")
    with pytest.raises(BadInput):
        read_state("[]")


def test_keys_are_the_same_for_what_looks_the_same() -> None:
    assert state(0.1, jawOpen=0.5).key() == state(0.1 + 1e-6, jawOpen=0.5 + 1e-5).key()
    assert state(0.1).key() != state(0.102).key() != state(0.102, jawOpen=0.01).key()


@pytest.mark.parametrize(
    "content", [b"", b"\x00" * 12, struct.pack("!IHHB3x", 1, 4, 4, 0) + b"x", b"\xff" * 40]
)
def test_damaged_pictures_are_said(content: bytes) -> None:
    with pytest.raises(Damaged):
        say.unpacked(content, None)
