"""``semblance sheet``: a rig's picture sheet."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from server.cli.blender import RigArgument
from server.cli.files import check_output
from server.cli.options import Debug, Force, Json, Server, Token
from server.cli.reporting import Reporter, in_words


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
    reporter = Reporter(json)
    if server:
        from server.cli.remote import remote_from_rig

        remote_from_rig(server, token, "sheet", rig, target, reporter)
        return

    from core.rig import load_rig
    from core.sheet import EXPECTED_SECONDS, save_sheet

    with reporter.job("sheet", EXPECTED_SECONDS) as progress:
        save_sheet(load_rig(rig), target, progress)
    reporter.result(
        f"{target} ({in_words(progress.seconds)})", written=[str(target)], seconds=progress.seconds
    )
