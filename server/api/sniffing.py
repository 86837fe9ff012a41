"""What a file is, by its content alone."""

from __future__ import annotations

import warnings
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from core.errors import SemblanceError
from server.errors import TooLarge, UnsupportedMedia
from server.store.records import FileKind

FIRST_BYTES: Final = 64
"""Bytes that :func:`kind_of` needs."""

MOST_PIXELS: Final = 170_000_000  # as core.capture.photos: a larger header is a mistake or an attack
_MEDIA_TYPES: Final = {
    "JPEG": "image/jpeg",
    "MPO": "image/jpeg",
    "PNG": "image/png",
    "TIFF": "image/tiff",
    "WEBP": "image/webp",
    "AVIF": "image/avif",
    "BMP": "image/bmp",
}
_IMAGE_STARTS: Final = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"II*\0", b"MM\0*", b"II+\0", b"MM\0+", b"BM")
_HEIC: Final = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"mif1", b"msf1")


@dataclass(frozen=True)
class Sniffed:
    """What a file is."""

    kind: FileKind
    media_type: str


def kind_of(start: bytes) -> FileKind:
    """What a file seems to be from its first bytes, so that a wrong one is refused before it is sent whole.

    A track or a mesh passes for a rig here: all are zips.

    Raises:
        UnsupportedMedia: no image, rig, track, mesh or video that is known.
    """
    if start[4:8] == b"ftyp":
        brand = start[8:12]
        if brand in _HEIC:
            raise UnsupportedMedia(
                "HEIC photos are not supported.",
                "Convert it to JPEG (on an iPhone: Settings > Camera > Formats > Most Compatible).",
            )
        return "image" if brand in (b"avif", b"avis") else "video"
    if start.startswith(b"PK\x03\x04"):
        return "rig"
    if start.startswith(_IMAGE_STARTS) or (start.startswith(b"RIFF") and start[8:12] == b"WEBP"):
        return "image"
    if start.startswith(b"\x1a\x45\xdf\xa3") or (start.startswith(b"RIFF") and start[8:12] == b"AVI "):
        return "video"
    raise _unknown()


def sniff(path: Path, kind: FileKind) -> Sniffed:
    """Look into a whole file, as far as its headers.

    Raises:
        UnsupportedMedia: it is not what it seemed to be.
        TooLarge: it would unpack to more than is taken.
    """
    if kind == "image":
        return _image(path)
    if kind == "rig":
        members = _members(path)
        if "polygon_vertices.npy" in members and "object_names.npy" in members:
            return Sniffed("mesh", "application/x-semblance-mesh")  # the job that uses it looks inside
        return _track(path) if "track.json" in members else _rig(path)
    with path.open("rb") as stream:
        start = stream.read(FIRST_BYTES)
    if start[4:8] == b"ftyp":
        return Sniffed("video", "video/quicktime" if start[8:12] == b"qt  " else "video/mp4")
    return Sniffed("video", "video/x-msvideo" if start.startswith(b"RIFF") else "video/x-matroska")


def _image(path: Path) -> Sniffed:
    from PIL import Image

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # the limit below is ours
        try:
            Image.init()
            formats = [name for name in _MEDIA_TYPES if name in Image.OPEN]  # MPO opens as a JPEG
            with Image.open(path, formats=formats) as image:
                width, height = image.size
                media_type = _MEDIA_TYPES[image.format or ""]
        except Image.DecompressionBombError:
            raise _bomb() from None
        except Exception:  # Pillow's parsers report damage by exceptions of many kinds
            raise _unknown() from None
    if width * height > MOST_PIXELS:
        raise _bomb()
    return Sniffed("image", media_type)


def _members(path: Path) -> list[str]:
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.namelist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return []  # the rig's reader says what is wrong


def _track(path: Path) -> Sniffed:
    from core.track import load_track_document

    try:
        load_track_document(path)  # the arrays are looked at by the job that uses them
    except SemblanceError as error:
        message = error.message.replace(str(path), "that was sent")
        raise UnsupportedMedia(f"The file is a zip, but no track. {message}", error.hint) from None
    return Sniffed("track", "application/x-semtrack")


def _rig(path: Path) -> Sniffed:
    from server.rig_summary import read_summary

    try:
        read_summary(path)  # refuses what unpacks to more than a gigabyte
    except SemblanceError as error:
        message = error.message.replace(str(path), "that was sent")
        raise UnsupportedMedia(f"The file is a zip, but no rig. {message}", error.hint) from None
    return Sniffed("rig", "application/x-semrig")


def _unknown() -> UnsupportedMedia:
    return UnsupportedMedia(
        "The file is no photo, rig, track or video of a known format, or it is damaged.",
        "Photos may be JPEG, PNG, TIFF, WebP, AVIF or BMP; rigs are .semrig files, tracks .semtrack.",
    )


def _bomb() -> TooLarge:
    return TooLarge(
        f"The photo holds more than {MOST_PIXELS // 10**6} megapixels.", "Export a smaller copy of it."
    )
