"""The track document: a performance that travels, its file, and the files of other programs."""

from core.track.archive import load_track, load_track_document, save_track
from core.track.document import Shot, Source, Track
from core.track.json_file import read_json, write_json
from core.track.livelink import read_livelink, write_livelink

__all__ = [
    "Shot",
    "Source",
    "Track",
    "load_track",
    "load_track_document",
    "read_json",
    "read_livelink",
    "save_track",
    "write_json",
    "write_livelink",
]
