"""Mapping tables, calibration and presets."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import blender_addon.preset_check
from core.arkit import ARKIT_INDEX, ARKIT_NAMES, mirrored_name
from core.errors import OutputFailed, PresetUnreadable
from core.retarget import preset_check
from core.retarget.preset import load_preset, save_preset
from core.retarget.recognise import recognise
from core.retarget.table import Channel, Table, apply_table, calibrated

finite = st.floats(-2, 2, allow_nan=False)
channels = st.builds(
    Channel,
    weights=st.dictionaries(st.sampled_from(ARKIT_NAMES), finite, max_size=4),
    gain=finite,
    offset=finite,
    low=st.floats(-1, 0),
    high=st.floats(0.1, 2),
    muted=st.booleans(),
)
tables = st.builds(
    Table,
    channels=st.dictionaries(st.text(min_size=1, max_size=8), channels, max_size=6),
    name=st.text(max_size=8),
    neutral=st.dictionaries(st.sampled_from(ARKIT_NAMES), st.floats(0, 1), max_size=5),
    mirrored=st.booleans(),
)


def take(frames: int = 30, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).random((frames, 52), np.float32)


@settings(max_examples=60, deadline=None)
@given(tables, st.integers(0, 1000))
def test_curves_follow_the_formula(table: Table, seed: int) -> None:
    coefficients = take(3, seed)
    names, curves = apply_table(table, coefficients)
    heard = {name: channel for name, channel in table.channels.items() if not channel.muted}
    assert names == tuple(heard) and curves.shape == (3, len(names))
    for column, channel in enumerate(heard.values()):
        for frame in range(3):
            total = 0.0
            for unit, weight in channel.weights.items():
                own = mirrored_name(unit) if table.mirrored else unit
                rest = min(table.neutral.get(own, 0.0), 0.95)
                total += weight * max(float(coefficients[frame, ARKIT_INDEX[own]]) - rest, 0.0) / (1 - rest)
            expected = min(max(channel.gain * total + channel.offset, channel.low), channel.high)
            assert curves[frame, column] == pytest.approx(expected, abs=1e-5)


def test_a_face_at_rest_becomes_zero_and_all_stays_all() -> None:
    coefficients = take()
    coefficients[4] *= 0.5
    coefficients[7] = 1.0
    table = calibrated(recognise(ARKIT_NAMES).table, coefficients, 4)
    _, curves = apply_table(table, coefficients)
    assert curves[4].max() == 0 and curves[7].min() == pytest.approx(1)
    assert curves.min() >= 0
    with pytest.raises(IndexError):
        calibrated(table, coefficients, 30)


def test_left_and_right_swap() -> None:
    coefficients = take()
    table = recognise(ARKIT_NAMES).table
    names, plain = apply_table(table, coefficients)
    _, swapped = apply_table(Table(table.channels, mirrored=True), coefficients)
    order = [names.index(mirrored_name(name)) for name in names]
    np.testing.assert_array_equal(swapped, plain[:, order])


def test_a_mesh_gets_the_curves_of_its_keys() -> None:
    table = recognise(ARKIT_NAMES).table
    names, curves = apply_table(table, take(), keys={"jawOpen", "tongueOut", "hat"})
    assert names == ("jawOpen", "tongueOut") and curves.shape == (30, 2)
    names, curves = apply_table(table, take(), keys=())
    assert names == () and curves.shape == (30, 0)


@settings(max_examples=40, deadline=None)
@given(tables)
def test_a_preset_keeps_the_table(tmp_path_factory: pytest.TempPathFactory, table: Table) -> None:
    path = tmp_path_factory.mktemp("preset") / "preset.json"
    save_preset(table, path)
    assert load_preset(path) == table


def altered(path: Path, **changes: Any) -> Path:
    document = json.loads(path.read_text(encoding="utf-8")) | changes
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


GOOD = {"weights": {"jawOpen": 1.0}, "gain": 1.0, "offset": 0.0, "low": 0.0, "high": 1.0}


@pytest.mark.parametrize(
    "changes, says",
    [
        ({"format": "semblance-rig"}, "not a mapping preset"),
        ({"schema": 0.5}, "schema"),
        ({"schema": 2}, "newer Semblance"),
        ({"mirrored": 1}, "mirrored"),
        ({"neutral": {"smile": 1.0}}, "smile"),
        ({"channels": []}, "channels"),
        ({"channels": {"a": {**GOOD, "weights": {"smile": 1.0}}}}, "smile"),
        ({"channels": {"a": {**GOOD, "low": 2.0}}}, "lower limit of 'a'"),
        ({"channels": {"a": {**GOOD, "gain": "much"}}}, "gain"),
        ({"channels": {"a": {**GOOD, "gain": float("nan")}}}, "not a finite number"),
        ({"channels": {"a": {**GOOD, "gain": 10**400}}}, "not a finite number"),
        ({"channels": {"a": {**GOOD, "muted": 1}}}, "muted"),
        ({"channels": {"a": {"weights": {}}}}, "gain is missing"),
    ],
)
def test_presets_that_make_no_sense(tmp_path: Path, changes: dict[str, Any], says: str) -> None:
    path = tmp_path / "preset.json"
    save_preset(Table({"a": Channel({"jawOpen": 1.0})}), path)
    with pytest.raises(PresetUnreadable, match=says) as caught:
        load_preset(altered(path, **changes))
    assert caught.value.hint


def test_presets_that_know_nothing_of_muting(tmp_path: Path) -> None:
    path = tmp_path / "preset.json"
    save_preset(Table({"a": Channel({"jawOpen": 1.0})}), path)
    assert "muted" not in path.read_text(encoding="utf-8")
    assert not load_preset(path).channels["a"].muted


def test_the_add_on_refuses_what_the_command_line_refuses() -> None:
    """It cannot import the check, so it carries the same file."""
    ours = Path(preset_check.__file__).read_bytes()
    assert Path(blender_addon.preset_check.__file__).read_bytes() == ours


def test_files_that_are_no_preset(tmp_path: Path) -> None:
    (tmp_path / "preset.json").write_bytes(b"\xff\x00")
    for path in (tmp_path / "preset.json", tmp_path / "missing.json", tmp_path):
        with pytest.raises(PresetUnreadable, match=re.escape(str(path))):
            load_preset(path)
    with pytest.raises(OutputFailed):
        save_preset(Table({}), tmp_path / "nowhere" / "preset.json")
