"""``semblance rig``: photos to a rig."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from server.cli.files import check_output, photo_files
from server.cli.options import Debug, Force, Json, Server, Token
from server.cli.reporting import Reporter
from server.cli.workplaces import workplace


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
    focal: Annotated[
        str | None,
        typer.Option(
            metavar="MM[@SENSOR]",
            help="Lens of all photos, and width of its sensor along their longer side (36), millimetres.",
            show_default="by EXIF",
        ),
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
    from core.lens import GivenLens
    from core.rig import lens_facts, lenses_in_words, load_rig_photos

    if focal is not None:
        GivenLens.parse(focal)
    files = photo_files(photos)
    stem = photos[0].resolve().name if photos[0].is_dir() else files[0].stem
    target = check_output(out or Path(f"{stem}.semrig"), (".semrig",), force)
    if sheet:
        check_output(sheet, (".png",), force, files)
    reporter = Reporter(json)
    asked = dict(
        name=name or stem, model=model, quality=quality, texture_size=texture_size, strict=strict, focal=focal
    )
    with workplace(server, token, reporter) as place:
        made = place.job("rig", target, files=place.photos(files, strict), options=asked)
        if sheet:
            place.job("sheet", sheet, rig=made.rig)
    taken = load_rig_photos(target)
    reporter.note(lenses_in_words(taken))
    reporter.written(made.seconds, target, sheet, lenses=lens_facts(taken))
