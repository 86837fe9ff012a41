"""Mapping tables as JSON files, to keep and to share."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from core.arkit import ARKIT_INDEX
from core.atomic import staged_output
from core.documents import pack_json, unpack_json
from core.errors import PresetUnreadable
from core.retarget.preset_check import (
    FORMAT,
    NEWER_HINT,
    PARTS,
    SCHEMA,
    UNREADABLE,
    UNREADABLE_HINT,
    PresetNewer,
    check_preset,
)
from core.retarget.table import Channel, Table


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
        raise PresetUnreadable(UNREADABLE.format(path=path, reason=reason), UNREADABLE_HINT) from error


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
                **{part: float(getattr(channel, part)) for part in PARTS},
                **({"muted": True} if channel.muted else {}),
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
    try:
        check_preset(document, ARKIT_INDEX)
    except PresetNewer as error:
        raise PresetUnreadable(str(error), NEWER_HINT) from error
    return Table(
        channels={key: _channel(item) for key, item in document["channels"].items()},
        name=document["name"],
        neutral=_units(document["neutral"]),
        mirrored=document["mirrored"],
    )


def _channel(item: Mapping[str, Any]) -> Channel:
    gain, offset, low, high = (float(item[part]) for part in PARTS)
    return Channel(_units(item["weights"]), gain, offset, low, high, item.get("muted", False))


def _units(values: Mapping[str, float]) -> dict[str, float]:
    return {unit: float(value) for unit, value in values.items()}
