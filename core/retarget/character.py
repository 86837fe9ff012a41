"""A track onto a whole character: its meshes' keys are recognised, or mapped as the user says."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Final

from core.errors import BadInput
from core.retarget.animation import Animation, retarget
from core.retarget.recognise import REST_NAMES, recognise_meshes
from core.retarget.table import Channel, Table, calibrated
from core.retarget.wrinkles import wrinkle_table
from core.track import Track

EXPECTED_SECONDS: Final = {"reading": 0.3, "curves": 1.0}
"""The stages of a retargeting, for a ``Progress``."""

_SHOWN: Final = 8  # names in a warning


@dataclass(frozen=True, kw_only=True)
class RetargetOptions:
    """What the user may choose.

    Attributes:
        name: of the take; the track's where empty.
        table: the mapping; recognised from the keys' names where there is none.
        smoothing: strength, see :func:`core.retarget.smoothing.smooth_track`; 0 for none.
        error: bound of the key reduction, in units of the keys; in Blender also in radians of head and eyes.
        rest: frame whose head pose counts as rest; else the head looks into the camera at rest.
        neutral: frame whose expression counts as the performer's face at rest.
        gain: of all channels, on top of their own.
        swap: left and right, also where the table does not say so.
        wrinkles: also make the custom properties of :mod:`core.retarget.wrinkles`.
    """

    name: str = ""
    table: Table | None = None
    smoothing: float = 1.0
    error: float = 0.005
    rest: int | None = None
    neutral: int | None = None
    gain: float = 1.0
    swap: bool = False
    wrinkles: bool = False


@dataclass(frozen=True)
class CharacterMapping:
    """What drives a character.

    Attributes:
        table: of all its meshes.
        warnings: what stays as it is, a sentence for each mesh.
    """

    table: Table
    warnings: tuple[str, ...]


def map_character(meshes: Mapping[str, Collection[str]], table: Table | None = None) -> CharacterMapping:
    """One mapping for all meshes of a character.

    Args:
        meshes: mesh → names of its shape keys.
        table: the mapping, if the user has one.
    """
    if table is None:
        channels: dict[str, Channel] = {}
        found = recognise_meshes(meshes)
        for recognition in found.values():
            channels = {**recognition.table.channels, **channels}
        names = dict.fromkeys(one.table.name for one in found.values() if one.table.name)
        table = Table(channels, name=", ".join(names))
    warnings = []
    for mesh, keys in meshes.items():
        left = [key for key in keys if key not in table.channels and key.lower() not in REST_NAMES]
        if len(left) == len([key for key in keys if key.lower() not in REST_NAMES]):
            warnings.append(f"{mesh}: no shape key is driven. Name its keys as ARKit does, or map them.")
        elif left:
            more = f" and {len(left) - _SHOWN} more" if len(left) > _SHOWN else ""
            warnings.append(f"{mesh}: nothing drives {', '.join(left[:_SHOWN])}{more}.")
    return CharacterMapping(table, tuple(warnings))


def animate_character(
    track: Track, meshes: Mapping[str, Collection[str]], options: RetargetOptions
) -> tuple[Animation, CharacterMapping]:
    """Curves of all meshes of a character, and the mapping they were made with.

    Raises:
        BadInput: a frame is outside the track, or a number is negative.
    """
    mapped = map_character(meshes, options.table)
    table = mapped.table
    if options.neutral is not None:
        if not 0 <= options.neutral < len(track.times):
            raise BadInput(
                f"The track has no frame {options.neutral}.", f"Choose one from 0 to {len(track.times) - 1}."
            )
        table = calibrated(table, track.coefficients, options.neutral)
    louder = {
        key: replace(channel, gain=channel.gain * options.gain) for key, channel in table.channels.items()
    }
    table = replace(table, channels=louder, mirrored=table.mirrored or options.swap)
    animation = retarget(
        replace(track, name=options.name or track.name),
        meshes,
        dict.fromkeys(meshes, table),
        strength=options.smoothing,
        error=options.error,
        rest=options.rest,
        wrinkles=wrinkle_table(options.gain, table.neutral, table.mirrored) if options.wrinkles else None,
    )
    return animation, mapped
