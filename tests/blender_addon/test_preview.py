"""The preview in Blender: what a rig does is read after evaluation, and a real server's photo follows it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from blender_addon.preview.cache import PictureCache
from core.rig import save_rig
from tests.blenders import each_blender
from tests.rigs import photographed_rig

INSIDE = "inside_preview"


@pytest.fixture
def rig(tmp_path: Path) -> Path:
    save_rig(photographed_rig(), tmp_path / "head.semrig")
    return tmp_path / "head.semrig"


@each_blender()
def test_keys_count_as_evaluated(run: Any, rig: Path) -> None:
    told = run("evaluated", rig)
    coefficients, still, way = told["rest"]
    assert coefficients == [0, 0, 0, 0] and still < 1e-5 and way < 1e-6
    assert told["by hand"] == pytest.approx([0.5, 0, 0, 0])  # a muted key shows nothing
    assert told["keyed"] == pytest.approx([0.75, 0.375, 0, 0], abs=1e-6)
    assert told["earlier"] == pytest.approx([0.25, 0.125, 0, 0], abs=1e-6)


@each_blender()
def test_bones_move_the_head_as_blender_does(run: Any, rig: Path) -> None:
    told = run("bones", rig)
    assert told["turned"] > 0.03
    assert told["head"] < 1e-6 and told["eye"] < 1e-6
    assert told["right eye"] < 1e-6 and told["scaled"] < 1e-6 and told["constrained"] < 1e-5


@each_blender()
def test_a_photo_follows_and_plays_from_the_cache(run: Any, rig: Path) -> None:
    told = run("follow", rig, sys.executable)
    assert told["no server"] == "not_running"
    assert told["stage"] == "connect"
    assert told["changed"] > 0.1 and told["from cache"]
    assert told["asked again"] == 0 and told["tick"] < 0.05
    assert told["stopped"] == [True, True, True] and told["timer"]


def test_the_cache_keeps_what_was_used_last_within_its_bytes() -> None:
    cache = PictureCache(most=300)
    pictures = [np.full(100, number, np.uint8) for number in range(4)]
    for number, picture in enumerate(pictures[:3]):
        cache.put(bytes([number]), picture)
    assert cache.get(b"\x00") is pictures[0]
    cache.put(b"\x03", pictures[3])
    assert cache.get(b"\x01") is None and len(cache) == 3
    cache.put(b"\x03", pictures[1])  # again: takes no further room
    assert len(cache) == 3 and cache.get(b"\x03") is pictures[1]
