"""The add-on's mapping of live frames is that of Semblance itself."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

import blender_addon
from core.arkit import ARKIT_NAMES
from core.retarget.preset import to_preset
from core.retarget.table import Channel, Table, apply_table


def _mapping() -> ModuleType:
    """``retarget.mapping`` without the package, which imports bpy."""
    folder = Path(blender_addon.__file__).parent / "retarget"
    name = "blender_addon.retarget"
    package = ModuleType(name)
    package.__path__ = [str(folder)]
    before = sys.modules.get(name)
    sys.modules[name] = package
    try:
        spec = importlib.util.spec_from_file_location(f"{name}.mapping", folder / "mapping.py")
        assert spec and spec.loader
        module = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = module
        spec.loader.exec_module(module)
        return module
    finally:
        if before is None:
            del sys.modules[name]
        else:
            sys.modules[name] = before


mapping: Any = _mapping()

number = st.floats(-2, 2, allow_nan=False)
channels = st.builds(
    lambda weights, gain, offset, low, more, muted: Channel(weights, gain, offset, low, low + more, muted),
    st.dictionaries(st.sampled_from(ARKIT_NAMES), number, max_size=4),
    number, number, st.floats(-1, 0), st.floats(0, 2), st.booleans(),
)  # fmt: skip
tables = st.builds(
    Table,
    st.dictionaries(st.text(min_size=1, max_size=5), channels, max_size=5),
    st.just("x"),
    st.dictionaries(st.sampled_from(ARKIT_NAMES), st.floats(0, 1), max_size=5),
    st.booleans(),
)


@given(tables, st.integers(0, 2**32 - 1), st.permutations(range(52)))
def test_values_are_the_same_whatever_the_order_of_names(table: Table, seed: int, order: list[int]) -> None:
    coefficients = np.random.default_rng(seed).random((3, 52))
    keys, values = apply_table(table, coefficients)
    made = mapping.KeyTable(to_preset(table), [ARKIT_NAMES[index] for index in order])
    assert made.keys == keys
    np.testing.assert_allclose(made(coefficients[:, order]), values, atol=1e-6)
