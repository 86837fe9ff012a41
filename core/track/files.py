"""Tracks in any of the files that hold one."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from core.errors import BadInput
from core.track.archive import load_track, save_track
from core.track.document import Track
from core.track.json_file import read_json, write_json
from core.track.livelink import read_livelink, write_livelink

_READERS: Final = {".semtrack": load_track, ".csv": read_livelink, ".json": read_json}
_WRITERS: Final = {".semtrack": save_track, ".csv": write_livelink, ".json": write_json}
TRACK_ENDINGS: Final = tuple(_READERS)


def read_track(path: Path) -> Track:
    """Read a ``.semtrack``, a Live Link Face ``.csv`` or a track in ``.json``.

    Raises:
        BadInput: the name has another ending.
        TrackUnreadable: the file is missing, damaged or of a newer schema.
    """
    return _READERS[_ending(path)](path)


def write_track(track: Track, path: Path) -> None:
    """Write a track as its name's ending says; what a CSV or JSON has no place for is left out.

    Raises:
        BadInput: the name has another ending.
        OutputFailed: the file cannot be written.
        ValueError: the track does not hold together.
    """
    _WRITERS[_ending(path)](track, path)


def _ending(path: Path) -> str:
    ending = path.suffix.lower()
    if ending not in _READERS:
        raise BadInput(f"{path} is no track.", f"The name of a track ends in {', '.join(TRACK_ENDINGS)}.")
    return ending
