"""``semblance rig``: photos to a rig."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from server.cli.files import check_output, photo_files
from server.cli.options import Debug, Force, Json, Server, Token
from server.cli.reporting import Reporter, in_words


def rig(
    photos: Annotated[
        list[Path], typer.Argument(help="1 to 20 photos of one person; a folder means the images in it.")
    ],
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="The .semrig to write.", show_default="the first photo's name"),
    ] = None,
    model: Annotated[str, typer.Option(help="Face model; see `semblance models list`.")] = "anny",
    quality: Annotated[
        Literal["draft", "standard", "high"], typer.Option(help="Texture of 1024, 2048 or 4096 texels.")
    ] = "standard",
    texture_size: Annotated[
        int | None,
        typer.Option(help="Texels along a side, a multiple of 128.", show_default="the quality's"),
    ] = None,
    name: Annotated[str, typer.Option(help="The person's name.", show_default="the first photo's name")] = "",
    sheet: Annotated[Path | None, typer.Option(help="Also write the picture sheet to this .png.")] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Fail when any photo cannot be used.")] = False,
    force: Force = False,
    server: Server = None,
    token: Token = None,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Make a rig from photos of one person."""
    files = photo_files(photos)
    stem = photos[0].resolve().name if photos[0].is_dir() else files[0].stem
    target = check_output(out or Path(f"{stem}.semrig"), (".semrig",), force)
    if sheet:
        check_output(sheet, (".png",), force, files)
    reporter = Reporter(json)
    if server:
        from server.cli.remote import remote_rig

        asked = dict(
            name=name or stem, model=model, quality=quality, texture_size=texture_size, strict=strict
        )
        remote_rig(server, token, files, asked, target, sheet, reporter)
        return

    from core.photos_to_rig import RigOptions, build_rig, expected_seconds
    from core.rig import save_rig
    from models.face_reader import rig_reader
    from models.recognition import load_recogniser

    options = RigOptions(name or stem, quality, texture_size, strict)
    with reporter.job("rig", expected_seconds(model, len(files), options)) as progress:
        made = build_rig(files, model, options, progress, load_recogniser(), rig_reader())
    save_rig(made, target)
    for warning in (*made.warnings, *(line for photo in made.photos for line in photo.warnings)):
        reporter.warning(warning)
    if sheet:
        from core.sheet import EXPECTED_SECONDS, save_sheet

        with reporter.job("sheet", EXPECTED_SECONDS) as drawing:
            save_sheet(made, sheet, drawing)
    written = [str(path) for path in (target, sheet) if path]
    reporter.result(
        f"{', '.join(written)} ({in_words(progress.seconds)})", written=written, seconds=progress.seconds
    )
