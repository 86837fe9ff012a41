"""``semblance data``: training sets, of rendered people and of real pictures, and banks to render from."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from server.cli.exits import reported
from server.cli.options import Debug, Json
from server.cli.reporting import Reporter, in_words

data = typer.Typer(no_args_is_help=True, help="Make training sets, and banks to render from.")
Out = Annotated[Path, typer.Option("--out", "-o", help="Folder; a stopped run goes on there.")]


@data.command()
@reported
def render(
    out: Out,
    people: Annotated[int, typer.Option(min=1, help="How many people.")],
    frames: Annotated[int, typer.Option(min=1, help="Pictures of each.")] = 8,
    model: Annotated[str, typer.Option(help="anny or ict.")] = "anny",
    seed: Annotated[int, typer.Option(min=0, help="Another seed, other people.")] = 0,
    workers: Annotated[int, typer.Option(min=1, help="Processes; each takes about 1.5 GB.")] = 1,
    take: Annotated[
        Path | None, typer.Option(help="Live Link Face CSV whose first half gives expressions.")
    ] = None,
    seen: Annotated[bool, typer.Option("--seen", help="Also store MediaPipe's landmarks.")] = False,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Render labelled pictures of random people."""
    from models.data.render import RenderJob, expected_seconds, render_dataset

    job = RenderJob(model, people, frames, out, seed, take, seen)
    reporter = Reporter(json)
    with reporter.job("data render", expected_seconds(people, frames, workers)) as progress:
        made = render_dataset(job, workers, progress)
    done = f"{out}: {people} people, {people * frames} pictures; {made} shards made"
    reporter.result(f"{done} ({in_words(progress.seconds)})", written=str(out), shards=made)


@data.command()
@reported
def photos(
    source: Annotated[Path, typer.Argument(help="Folder with a folder of photos or clips for each person.")],
    out: Out,
    every: Annotated[float, typer.Option(min=0.0, help="Seconds between the frames taken of a clip.")] = 0.5,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Crop the faces of real photos and clips, with landmarks and skin masks."""
    from models.data.photos import expected_seconds, prepare_photos

    reporter = Reporter(json)
    with reporter.job("data photos", expected_seconds(source)) as progress:
        made = prepare_photos(source, out, every, progress)
    for warning in made.warnings:
        reporter.warning(warning)
    reporter.result(
        f"{out}: {made.people} people, {made.pictures} pictures ({in_words(progress.seconds)})",
        written=str(out),
        people=made.people,
        pictures=made.pictures,
    )


@data.command()
@reported
def bank(
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder; it must hold no bank yet.")],
    models: Annotated[
        list[str], typer.Option("--model", "--models", help="anny, ict; repeat for several.")
    ] = ["anny", "ict"],  # noqa: B006  typer wants a list
    skins: Annotated[int, typer.Option(min=1, help="Painted skins of each face model.")] = 640,
    backgrounds: Annotated[int, typer.Option(min=1, help="Pictures behind the heads.")] = 512,
    expressions: Annotated[int, typer.Option(min=1, help="Expressions that pictures draw from.")] = 40_000,
    take: Annotated[
        Path | None, typer.Option(help="Live Link Face CSV whose first half gives expressions.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Another seed, other skins.")] = 0,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Paint a bank of skins, from which training renders its pictures as it goes."""
    from models.data.stream.painting import BankJob, expected_seconds, make_bank

    job = BankJob(out, tuple(models), skins, backgrounds, expressions, seed, take)
    reporter = Reporter(json)
    with reporter.job("data bank", expected_seconds(job)) as progress:
        make_bank(job, progress)
    size = sum(file.stat().st_size for file in out.iterdir() if file.is_file())
    done = f"{out}: {skins} skins each of {' and '.join(models)}, {size / 1e6:.0f} MB"
    reporter.result(f"{done} ({in_words(progress.seconds)})", written=str(out), skins=skins, bytes=size)


@data.command()
@reported
def clips(
    source: Annotated[Path, typer.Argument(help="Folder of videos, each of one person.")],
    out: Out,
    seconds: Annotated[float, typer.Option(min=1.0, help="Of each video.")] = 30.0,
    every: Annotated[int, typer.Option(min=1, help="Take each so-manieth frame.")] = 1,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Make pairs of frames of videos, with rig and track, for training reenactment."""
    from core.errors import BadInput
    from models.face_reader import rig_reader
    from models.prior.prior import LandmarkPrior
    from models.reenactment.make_clip import VIDEOS, expected_seconds, find_videos, make_clips

    videos = find_videos(source) if source.is_dir() else []
    if not videos:
        raise BadInput(f"{source} holds no video.", f"Name a folder of {', '.join(VIDEOS)}.")
    reporter = Reporter(json)
    with reporter.job("data clips", expected_seconds(videos)) as progress:
        made = make_clips(videos, out, seconds, every, progress, LandmarkPrior(), rig_reader())
    for warning in made.warnings:
        reporter.warning(warning)
    done = f"{out}: {made.clips} clips ({in_words(progress.seconds)})"
    reporter.result(done, written=str(out), clips=made.clips)
