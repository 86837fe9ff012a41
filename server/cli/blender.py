"""``semblance blend`` and ``semblance export``: a rig becomes files for other programs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from server.cli.files import check_output
from server.cli.options import Debug, Force, Json, Server, Token
from server.cli.reporting import Reporter, in_words

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
    if server:
        from server.cli.remote import remote_from_rig

        remote_from_rig(server, token, "blend", rig, target, Reporter(json))
        return
    _write("blend", rig, target, Reporter(json))


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
    if server:
        from server.cli.remote import remote_from_rig

        options = {"format": target.suffix.lower().removeprefix(".")}
        remote_from_rig(server, token, "export", rig, target, Reporter(json), options)
        return
    _write("export", rig, target, Reporter(json))


def _write(job: str, rig: Path, out: Path, reporter: Reporter) -> None:
    from server import blender_process

    work = blender_process.blend if job == "blend" else blender_process.export
    with reporter.job(job, blender_process.EXPECTED_SECONDS) as progress:
        work(rig, out, progress)
    reporter.result(f"{out} ({in_words(progress.seconds)})", written=[str(out)], seconds=progress.seconds)
