"""Pictures of a reenactment → a film, or a zip of PNGs with alpha."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path
from typing import Final

from jaxtyping import UInt8
from numpy import ndarray

from core.atomic import staged_output
from core.credentials import Credentials
from core.digital_source import DigitalSource, film_tags, mark_film, png_with_source
from core.errors import BadInput, Cancelled
from core.film import open_film, open_sound

Picture = UInt8[ndarray, "height width channels"]
TIMES_FILE: Final = "frames.ffconcat"
"""Of the zip: names and lengths of the pictures, as FFmpeg's concat demuxer reads them."""


def write_movie(
    pictures: Iterable[tuple[float, Picture]],
    out: Path,
    source: DigitalSource,
    last: float,
    sound: Path | None = None,
    begins: float = 0.0,
    warn: Callable[[str], None] = lambda sentence: None,
    credentials: Credentials | None = None,
) -> int:
    """Write an .mp4; how many pictures it has.

    Args:
        pictures: seconds, and RGB.
        out: appears whole or not at all.
        last: seconds that the last picture is shown.
        sound: a video whose sound is copied, from ``begins`` (seconds since its first picture) on.
        credentials: sign the film.

    Raises:
        Cancelled: there was no picture.
        OutputFailed: the film cannot be written.
    """
    with ExitStack() as stack:
        heard = None if sound is None else stack.enter_context(open_sound(sound, begins))
        if heard is not None and not heard.is_there:
            warn("The driver has no sound to keep.")
            heard = None
        staged = stack.enter_context(staged_output(out))
        film, count, ends = None, 0, 0.0
        with ExitStack() as writing:
            for time, picture in pictures:
                if film is None:
                    height, width = picture.shape[:2]
                    film = writing.enter_context(open_film(staged, (width, height), heard, film_tags(source)))
                film.add(picture, time)
                count, ends = count + 1, time + last
            if film is None:
                raise Cancelled()
            film.end(ends)
        mark_film(staged, source)
        if credentials is not None:
            credentials.sign(staged, "video/mp4", source)
    return count


def write_pictures(
    pictures: Iterable[tuple[float, Picture]],
    out: Path,
    source: DigitalSource,
    last: float,
    credentials: Credentials | None = None,
) -> int:
    """Write a .zip of PNGs, numbered from 1, and a list of how long each is shown; how many there are.

    Args:
        pictures: seconds, and RGB or RGBA.
        out: appears whole or not at all.
        last: seconds that the last picture is shown.
        credentials: sign each picture.

    Raises:
        Cancelled: there was no picture.
        OutputFailed: the file cannot be written.
    """
    times: list[float] = []
    with staged_output(out) as staged, zipfile.ZipFile(staged, "w", zipfile.ZIP_STORED) as archive:
        for time, picture in pictures:
            times.append(time)
            content = png_with_source(picture, source)
            if credentials is not None:
                content = credentials.signed(content, "image/png", source)
            archive.writestr(_name(len(times)), content)
        if not times:
            raise Cancelled()
        archive.writestr(TIMES_FILE, _shown([*times, times[-1] + last]))
    return len(times)


def unpack_pictures(archive: Path, folder: Path) -> None:
    """Put the content of such a .zip into an empty folder.

    Raises:
        BadInput: the file is none, or holds other things.
        OSError: a file cannot be written.
    """
    try:
        with zipfile.ZipFile(archive) as packed:
            names = packed.namelist()
            expected = {TIMES_FILE, *(_name(number) for number in range(1, len(names)))}
            if set(names) != expected:  # names become paths
                raise BadInput(f"{archive} holds other files than pictures.", "Check which server made it.")
            for name in names:
                (folder / name).write_bytes(packed.read(name))
    except zipfile.BadZipFile as error:
        raise BadInput(f"{archive} is damaged ({error}).", "Try again.") from error


def _name(number: int) -> str:
    return f"{number:06d}.png"


def _shown(times: list[float]) -> str:
    lines = ["ffconcat version 1.0"]
    for number, (begin, end) in enumerate(pairwise(times), start=1):
        lines += [f"file {_name(number)}", f"duration {end - begin:.6f}"]
    return "\n".join(lines) + "\n"
