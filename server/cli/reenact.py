"""``semblance reenact``: a photo performs."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from core.errors import BadInput, OutputFailed
from server.cli.files import PHOTO_ENDINGS, check_output
from server.cli.options import Debug, Force, Json, Server, Token
from server.cli.reporting import Reporter
from server.cli.workplaces import workplace

_TRACKS = (".semtrack", ".csv", ".json")


def reenact(
    source: Annotated[Path, typer.Argument(metavar="SOURCE", help="A photo of a person, or their .semrig.")],
    driver: Annotated[
        Path, typer.Argument(metavar="DRIVER", help="A clip, a .semtrack, or a Live Link Face .csv.")
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            help="The .mp4 to write, or a new folder for PNGs with alpha.",
            show_default="the names of both, .mp4",
        ),
    ] = None,
    photo: Annotated[int, typer.Option(min=1, help="Which of the rig's photos performs.")] = 1,
    photo_file: Annotated[
        Path | None,
        typer.Option(help="That photo itself; else the head shot that the rig keeps of it."),
    ] = None,
    expression_only: Annotated[
        bool, typer.Option("--expression-only", help="The head stays as in the photo.")
    ] = False,
    pose_only: Annotated[
        bool, typer.Option("--pose-only", help="The expression stays as in the photo.")
    ] = False,
    relative: Annotated[
        bool, typer.Option("--relative", help="Add what the driver changes since its rest.")
    ] = False,
    absolute: Annotated[
        bool, typer.Option("--absolute", help="Take the driver's expression and turn as they are.")
    ] = False,
    rest: Annotated[
        float | None,
        typer.Option(min=0.0, help="When the driver is at rest, seconds.", show_default="its calmest moment"),
    ] = None,
    size: Annotated[
        int | None,
        typer.Option(min=32, max=4096, help="Longer side of the pictures.", show_default="the photo's"),
    ] = None,
    smoothing: Annotated[
        float, typer.Option(min=0.0, max=5.0, help="Of the driver; 0 leaves the jitter in.")
    ] = 1.0,
    network: Annotated[
        Literal["none"], typer.Option(help="What paints the pictures: none, geometry alone makes them.")
    ] = "none",
    sound: Annotated[
        Literal["none", "keep"], typer.Option(help="Whether the .mp4 gets the sound of the driver's clip.")
    ] = "none",
    force: Force = False,
    server: Server = None,
    token: Token = None,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Let a photo perform what a clip or a track shows.

    Ctrl-C ends it early and keeps what was made so far; pressed again, it keeps nothing.
    """
    parts = _one_of(expression_only, "--expression-only", pose_only, "--pose-only")
    motion = _one_of(relative, "--relative", absolute, "--absolute")
    is_rig, is_track = source.suffix.lower() == ".semrig", driver.suffix.lower() in _TRACKS
    _check_inputs(source, photo, photo_file, is_rig)
    target = out or Path(f"{source.stem}-{driver.stem}.mp4")
    pictures = target.is_dir() or not target.suffix
    if sound == "keep" and (pictures or is_track):
        reason = "a folder of pictures has no sound" if pictures else f"{driver} has no sound"
        raise BadInput(f"There is no sound to keep: {reason}.", "Leave out --sound.")
    if pictures:
        _check_folder(target)
    else:
        check_output(target, (".mp4",), force, [source, driver, photo_file])
    asked: dict[str, Any] = dict(
        name=target.stem, photo=photo, motion=motion or "auto", parts=parts or "all", rest=rest, size=size,
        smoothing=smoothing, network=network, sound=sound == "keep", pictures=pictures,
    )  # fmt: skip
    reporter = Reporter(json)
    shown = photo_file if is_rig else source
    with _file_for(target, pictures) as file, workplace(server, token, reporter) as place:
        files = [place.track(driver) if is_track else place.video(driver)]
        files += place.photos([shown], True) if shown else []
        person = place.rig(source) if is_rig else None
        made = place.job("reenact", file, files=files, rig=person, options=asked)
    reporter.written(made.seconds, target)


def _one_of(first: bool, first_name: str, second: bool, second_name: str) -> str | None:
    """The choice that one of two flags makes, by its name.

    Raises:
        BadInput: both are set.
    """
    if first and second:
        raise BadInput(f"{first_name} and {second_name} exclude each other.", "Leave one of them out.")
    name = first_name if first else second_name if second else None
    return name and name.removeprefix("--").removesuffix("-only")


def _check_inputs(source: Path, photo: int, photo_file: Path | None, is_rig: bool) -> None:
    if is_rig:
        return
    if source.suffix.lower() not in PHOTO_ENDINGS:
        raise BadInput(f"{source} is no photo and no .semrig.", f"Photos end in {', '.join(PHOTO_ENDINGS)}.")
    if photo != 1 or photo_file is not None:
        raise BadInput("--photo and --photo-file are for rigs.", "Name the photo alone, or a .semrig.")


def _check_folder(folder: Path) -> None:
    """Whether pictures may go there.

    Raises:
        BadInput: there is something in it: what it holds is not replaced.
        OutputFailed: the folder that it lies in does not exist.
    """
    if folder.is_dir() and any(folder.iterdir()):
        raise BadInput(f"The folder {folder} is not empty.", "Choose a new one with -o.")
    if not folder.is_dir() and folder.exists():
        raise BadInput(f"{folder} exists already, and is no folder.", "Choose another name with -o.")
    if not folder.absolute().parent.is_dir():
        raise OutputFailed(f"Cannot write {folder}: its folder does not exist.", "Make the folder first.")


@contextmanager
def _file_for(target: Path, pictures: bool) -> Iterator[Path]:
    """The file that the job is to write; pictures are unpacked afterwards, all or none.

    Raises:
        OutputFailed: the file system refused.
    """
    if not pictures:
        yield target
        return
    try:
        beside = target.absolute().parent
        with tempfile.TemporaryDirectory(prefix=f".{target.name}.", suffix=".tmp", dir=beside) as name:
            packed, unpacked = Path(name) / f"{target.name}.zip", Path(name) / target.name
            yield packed

            from core.reenactment.writing import unpack_pictures

            unpacked.mkdir()
            unpack_pictures(packed, unpacked)
            if target.is_dir():
                target.rmdir()  # empty, as was checked
            unpacked.rename(target)
    except OSError as error:
        raise OutputFailed(
            f"Cannot write {target}: {error.strerror or error}.",
            "Check that you may write there and that the disk has room.",
        ) from error
