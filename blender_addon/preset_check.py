# SPDX-License-Identifier: Apache-2.0
"""What a mapping preset must be.

The add-on can import nothing of Semblance and carries this very file, so that both refuse the same; a test
holds the two alike. Hence the standard library alone, and nothing newer than Python 3.10.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from typing import Any

FORMAT = "semblance-mapping"
SCHEMA = 1
PARTS = ("gain", "offset", "low", "high")
NEWER_HINT = "Update Semblance, then open it again."
UNREADABLE = "Cannot read the preset {path}: {reason}."
UNREADABLE_HINT = "Choose another file, or save the preset again."


class PresetNewer(ValueError):
    """A newer release wrote the preset."""


def check_preset(document: object, units: Collection[str]) -> None:
    """Check a preset's content.

    Args:
        units: the names that may drive a key.

    Raises:
        PresetNewer: the schema is newer than this release.
        ValueError: it is no preset, or a field is missing, of another type, or out of range.
    """
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise ValueError("it is not a mapping preset")
    schema = _field(document, "schema", int)
    if schema > SCHEMA:
        raise PresetNewer(
            f"The preset was written by a newer Semblance (schema {schema}; this one reads up to {SCHEMA})."
        )
    channels = _field(document, "channels", dict)
    _field(document, "name", str)
    _field(document, "mirrored", bool)
    _check_units(document, "neutral", units)
    for key in channels:
        channel = _field(channels, key, dict)
        limits = {part: _field(channel, part, float) for part in PARTS}
        if limits["low"] > limits["high"]:
            raise ValueError(f"the lower limit of {key!r} is above the upper one")
        if "muted" in channel:  # presets did not say so at first
            _field(channel, "muted", bool)
        _check_units(channel, "weights", units)


def _check_units(document: Mapping[str, Any], name: str, units: Collection[str]) -> None:
    values = _field(document, name, dict)
    if unknown := set(values) - set(units):
        raise ValueError(f"{sorted(unknown)[0]!r} is not an ARKit name")
    for unit in values:
        _field(values, unit, float)


def _field(document: Mapping[str, Any], name: str, kind: type) -> Any:
    if name not in document:
        raise ValueError(f"{name} is missing")
    value = document[name]
    if kind is bool and not isinstance(value, bool):
        raise ValueError(f"{name} is not true or false")
    if not isinstance(value, (int, float) if kind is float else kind) or (
        isinstance(value, bool) and kind is not bool
    ):
        raise ValueError(f"{name} is {value!r}")
    if kind is float and not _finite(value):
        raise ValueError(f"{name} is not a finite number")
    return value


def _finite(value: Any) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # JSON's whole numbers have no end
        return False
