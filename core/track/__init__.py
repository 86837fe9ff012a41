"""The track document: a performance that travels, its file, and the files of other programs."""

from core.track.archive import load_track, load_track_document, save_track
from core.track.document import Shot, Source, Track
from core.track.files import TRACK_ENDINGS, read_track, write_track
from core.track.json_file import read_json, write_json
from core.track.livelink import read_livelink, write_livelink

__all__ = [
    "TRACK_ENDINGS",
    "Shot",
    "Source",
    "Track",
    "load_track",
    "load_track_document",
    "read_json",
    "read_livelink",
    "read_track",
    "save_track",
    "write_json",
    "write_livelink",
    "write_track",
]
