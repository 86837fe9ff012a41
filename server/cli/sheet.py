"""``semblance sheet``: a rig's picture sheet."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from server.cli.blender import RigArgument, from_rig
from server.cli.files import check_output
from server.cli.options import Debug, Force, Json, Server, Token
from server.cli.reporting import Reporter


def sheet(
    rig: RigArgument,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="The .png to write.", show_default="the rig's name"),
    ] = None,
    force: Force = False,
    server: Server = None,
    token: Token = None,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Draw a rig: photos, the fit over them, clay and textured views, expressions."""
    target = check_output(out or rig.with_suffix(".png"), (".png",), force)
    from_rig("sheet", rig, target, server, token, Reporter(json))
