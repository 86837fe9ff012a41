"""``semblance demo``: the whole job on a portrait that installs with a dependency."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from server.cli.options import Debug, Json
from server.cli.reporting import Reporter, in_words


def demo(
    folder: Annotated[
        Path, typer.Option(help="Where the files go; those of an earlier demo are replaced.")
    ] = Path("semblance-demo"),
    quality: Annotated[
        Literal["draft", "standard", "high"], typer.Option(help="As for `semblance rig`.")
    ] = "standard",
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Make a rig, a .blend, a .glb and a picture sheet from a public-domain portrait of an astronaut."""
    reporter = Reporter(json)

    from core.errors import DependencyMissing, OutputFailed
    from core.photos_to_rig import RigOptions, build_rig, expected_seconds
    from core.rig import save_rig
    from core.sheet import EXPECTED_SECONDS as SHEET_SECONDS
    from core.sheet import save_sheet
    from models.face_reader import rig_reader
    from server import blender_process

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputFailed(
            f"Cannot make the folder {folder}: {error.strerror}.", "Choose another with --folder."
        ) from error
    photo = folder / "astronaut.png"
    _save_portrait(photo)
    options = RigOptions(name="Astronaut", quality=quality)
    times: dict[str, dict[str, float]] = {}

    with reporter.job("rig", expected_seconds("anny", 1, options)) as progress:
        rig = build_rig([photo], options=options, progress=progress, reader=rig_reader())
    times["rig"] = progress.seconds
    save_rig(rig, folder / "astronaut.semrig")
    written = [folder / "astronaut.semrig"]

    with reporter.job("sheet", SHEET_SECONDS) as progress:
        save_sheet(rig, folder / "sheet.png", progress)
    times["sheet"] = progress.seconds
    written.append(folder / "sheet.png")

    missing: DependencyMissing | None = None
    try:
        for job, file in (
            (blender_process.blend, "astronaut.blend"),
            (blender_process.export, "astronaut.glb"),
        ):
            with reporter.job(job.__name__, blender_process.EXPECTED_SECONDS) as progress:
                job(folder / "astronaut.semrig", folder / file, progress)
            times[job.__name__] = progress.seconds
            written.append(folder / file)
    except DependencyMissing as error:
        missing = error  # the rest is there; say so before the error

    lines = [str(path.resolve()) for path in written]
    lines += [f"{job}: {in_words(seconds)}" for job, seconds in times.items()]
    reporter.result("\n".join(lines), written=[str(path.resolve()) for path in written], seconds=times)
    if missing:
        raise missing


def _save_portrait(path: Path) -> None:
    """NASA's portrait of Eileen Collins, in the public domain; scikit-image carries it."""
    import skimage.data
    from PIL import Image

    from core.atomic import staged_output

    with staged_output(path) as temporary:
        Image.fromarray(skimage.data.astronaut()).save(temporary)
