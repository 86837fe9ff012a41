"""``semblance track``: a video to a track."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated

import typer

from core.errors import BadInput
from server.cli.files import check_output
from server.cli.options import Debug, Force, Json, Server, Token
from server.cli.reporting import Reporter
from server.cli.workplaces import workplace


def track(
    video: Annotated[Path, typer.Argument(help="A clip with one or more faces.")],
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="The .semtrack to write.", show_default="the clip's name"),
    ] = None,
    rig: Annotated[
        Path | None, typer.Option(help="The person's .semrig: their own head, and whom to follow.")
    ] = None,
    start: Annotated[float, typer.Option(min=0.0, help="In point, seconds.")] = 0.0,
    end: Annotated[
        float | None, typer.Option(help="Out point, seconds.", show_default="the clip's end")
    ] = None,
    at: Annotated[
        str | None,
        typer.Option(
            "--at",
            metavar="X,Y[@TIME]",
            help="Pixel on the face to follow, and when, in seconds; else at the in point.",
            show_default="the main face",
        ),
    ] = None,
    list_people: Annotated[
        bool,
        typer.Option(
            "--list-people", help="Only print who is there, with their --at, and write a picture of them."
        ),
    ] = False,
    smoothing: Annotated[
        float, typer.Option(min=0.0, max=5.0, help="Of the CSV and the clip; 0 leaves the jitter in.")
    ] = 1.0,
    csv: Annotated[Path | None, typer.Option(help="Also write a Live Link Face CSV to this .csv.")] = None,
    check: Annotated[
        Path | None,
        typer.Option(help="Also write a clip with wireframe and curves to this .mp4."),
    ] = None,
    name: Annotated[str, typer.Option(help="The track's name.", show_default="the clip's name")] = "",
    force: Force = False,
    server: Server = None,
    token: Token = None,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Track expression, head and gaze of one person through a clip.

    Ctrl-C ends it early and keeps what was tracked so far; pressed again, it keeps nothing.
    """
    if list_people:
        from server.cli.people import print_people

        picture = check_output(out or Path(f"{video.stem}-people.jpg"), (".jpg", ".jpeg"), force, [video])
        print_people(video, start, end, picture, server, token, Reporter(json))
        return
    target = check_output(out or Path(f"{video.stem}.semtrack"), (".semtrack",), force)
    for path, ending in ((csv, ".csv"), (check, ".mp4")):
        if path:
            check_output(path, (ending,), force, [video])
    (point, point_time), name = place_of(at), name or video.stem
    asked = dict(
        name=name, start=start, end=end, point=point, point_time=point_time, smoothing=smoothing,
        csv=csv is not None, check=check is not None,
    )  # fmt: skip
    also = {".csv": csv, ".mp4": check}
    reporter = Reporter(json)
    with workplace(server, token, reporter) as place:
        files, person = [place.video(video)], place.rig(rig) if rig else None
        made = place.job("track", target, also, files=files, rig=person, options=asked)

    from core.track import load_track

    reporter.written(made.seconds, target, csv, check, partial=load_track(target).partial)


def place_of(text: str | None) -> tuple[tuple[float, float] | None, float | None]:
    """Pixel and seconds of X,Y[@TIME].

    Raises:
        BadInput: it is none.
    """
    if text is None:
        return None, None
    try:
        where, _, when = text.partition("@")
        x, y = (float(part) for part in where.split(","))
        seconds = float(when) if when else None
        if not all(map(math.isfinite, (x, y, seconds or 0.0))) or (seconds or 0.0) < 0:
            raise ValueError
    except ValueError:
        raise BadInput(
            f"{text!r} is no place in a clip.",
            "Write it as X,Y in pixels, with @ and seconds if need be: 640,360 or 640,360@2.5.",
        ) from None
    return (x, y), seconds
