"""``semblance convert``: a track from one file format to another."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from server.cli.files import check_output
from server.cli.options import Debug, Force, Json
from server.cli.reporting import Reporter


def convert(
    track: Annotated[Path, typer.Argument(help="A .semtrack, a Live Link Face .csv or a .json track.")],
    out: Annotated[Path, typer.Argument(help="The .semtrack, .csv or .json to write.")],
    smoothing: Annotated[float, typer.Option(min=0.0, max=5.0, help="0 changes nothing.")] = 0.0,
    force: Force = False,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Bring a track to or from Live Link Face and JSON."""
    from core.retarget.smoothing import smooth_track
    from core.track import TRACK_ENDINGS, read_track, write_track

    check_output(out, TRACK_ENDINGS, force, [track])
    read = read_track(track)
    write_track(smooth_track(read, smoothing) if smoothing else read, out)
    Reporter(json).result(f"{out} ({len(read.times)} frames)", written=[str(out)], frames=len(read.times))
