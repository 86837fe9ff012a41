"""Mapping tables as JSON files, to keep and to share."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from core.atomic import staged_output
from core.documents import field, pack_json, unpack_json
from core.errors import PresetUnreadable
from core.face_model.arkit import ARKIT_INDEX
from core.retarget.table import Channel, Table

FORMAT: Final = "semblance-mapping"
SCHEMA: Final = 1
_PARTS: Final = ("gain", "offset", "low", "high")


def save_preset(table: Table, path: Path) -> None:
    """Write a table as a preset.

    Raises:
        OutputFailed: the file cannot be written.
        ValueError: a number is not finite.
    """
    text = pack_json(to_preset(table))
    with staged_output(path) as temporary:
        temporary.write_bytes(text)


def load_preset(path: Path) -> Table:
    """Read a preset.

    Raises:
        PresetUnreadable: the file is missing, damaged, of a newer schema, or names units that ARKit lacks.
    """
    try:
        return from_preset(unpack_json(path.read_bytes(), "the file", FORMAT, "a mapping preset"))
    except (OSError, ValueError) as error:
        reason = (getattr(error, "strerror", None) or str(error)).rstrip(".")
        raise PresetUnreadable(
            f"Cannot read the preset {path}: {reason}.", "Choose another file, or save the preset again."
        ) from error


def to_preset(table: Table) -> dict[str, Any]:
    """The content of a preset file."""
    return {
        "format": FORMAT,
        "schema": SCHEMA,
        "name": table.name,
        "mirrored": table.mirrored,
        "neutral": {unit: float(value) for unit, value in table.neutral.items()},
        "channels": {
            key: {
                "weights": {unit: float(weight) for unit, weight in channel.weights.items()},
                **{part: float(getattr(channel, part)) for part in _PARTS},
            }
            for key, channel in table.channels.items()
        },
    }


def from_preset(document: Mapping[str, Any]) -> Table:
    """The table of a preset's content.

    Raises:
        PresetUnreadable: the schema is newer than this release.
        ValueError: it is no preset, or a field is missing, of another type, or out of range.
    """
    if document.get("format") != FORMAT:
        raise ValueError("it is not a mapping preset")
    schema = field(document, "schema", int)
    if schema > SCHEMA:
        raise PresetUnreadable(
            f"The preset was written by a newer Semblance (schema {schema}; this one reads up to {SCHEMA}).",
            "Update Semblance, then open it again.",
        )
    channels = field(document, "channels", dict)
    mirrored = document.get("mirrored")
    if not isinstance(mirrored, bool):
        raise ValueError("mirrored is not true or false")
    return Table(
        channels={key: _channel(key, field(channels, key, dict)) for key in channels},
        name=field(document, "name", str),
        neutral=_units(document, "neutral"),
        mirrored=mirrored,
    )


def _channel(key: str, item: Mapping[str, Any]) -> Channel:
    gain, offset, low, high = (field(item, part, float) for part in _PARTS)
    if low > high:
        raise ValueError(f"the lower limit of {key!r} is above the upper one")
    return Channel(_units(item, "weights"), gain, offset, low, high)


def _units(document: Mapping[str, Any], name: str) -> dict[str, float]:
    values = field(document, name, dict)
    if unknown := set(values) - set(ARKIT_INDEX):
        raise ValueError(f"{sorted(unknown)[0]!r} is not an ARKit name")
    return {unit: field(values, unit, float) for unit in values}
