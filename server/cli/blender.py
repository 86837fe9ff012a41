"""``semblance blend`` and ``semblance export``: a rig becomes files for other programs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from server.cli.files import check_output
from server.cli.options import Debug, Force, Json, Server, Token
from server.cli.reporting import Reporter
from server.cli.workplaces import workplace

RigArgument = Annotated[Path, typer.Argument(metavar="RIG", help="A .semrig file.")]


def blend(
    rig: RigArgument,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="The .blend to write.", show_default="the rig's name"),
    ] = None,
    force: Force = False,
    server: Server = None,
    token: Token = None,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Write a .blend with the head, its 52 shape keys, materials and armature."""
    target = check_output(out or rig.with_suffix(".blend"), (".blend",), force)
    from_rig("blend", rig, target, server, token, Reporter(json))


def export(
    rig: RigArgument,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="The .glb or .obj to write.", show_default="the rig's name, .glb"),
    ] = None,
    force: Force = False,
    server: Server = None,
    token: Token = None,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Write a .glb with 52 morph targets, or the neutral head as .obj."""
    target = check_output(out or rig.with_suffix(".glb"), (".glb", ".obj"), force)
    if target.suffix.lower() == ".obj":  # it comes with its materials, and they with their textures
        from core.rig import load_rig

        check_output(target.with_suffix(".mtl"), (".mtl",), force)
        for texture in {item.texture for item in load_rig(rig).materials if item.texture}:
            check_output(target.with_name(f"{target.stem}_{texture}"), (".png",), force)
    options = {"format": target.suffix.lower().removeprefix("."), "name": target.stem}
    from_rig("export", rig, target, server, token, Reporter(json), options)


def from_rig(
    kind: str,
    rig: Path,
    target: Path,
    server: str | None,
    token: str | None,
    reporter: Reporter,
    options: Mapping[str, Any] | None = None,
) -> None:
    """Have a job done that makes ``target`` from a rig."""
    with workplace(server, token, reporter) as place:
        made = place.job(kind, target, rig=place.rig(rig), options=options)
    reporter.written(made.seconds, target)
