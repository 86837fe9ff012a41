"""``semblance eval``: how good a method is, by the papers' metrics."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from server.cli.files import check_output
from server.cli.options import Debug, Force, Json
from server.cli.reporting import Reporter, in_words


def evaluate(
    name: Annotated[
        str, typer.Argument(help="synthetic, now, facewarehouse, frgc, feafa, aflw2000 or micc.")
    ] = "synthetic",
    data: Annotated[Path | None, typer.Option(help="Folder of the dataset, which you must have.")] = None,
    method: Annotated[
        list[str] | None,
        typer.Option(help="mean_head, landmark_fit, network or network:NAME; may be given several times."),
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Write the tables as Markdown.")] = None,
    model: Annotated[str, typer.Option(help="Face model of the methods.")] = "anny",
    truth: Annotated[
        list[str] | None, typer.Option(help="Face model of the rendered people: anny, ict; several times.")
    ] = None,
    limit: Annotated[
        int | None, typer.Option(min=1, help="Pictures of a dataset, or rendered people.")
    ] = None,
    frames: Annotated[int, typer.Option(min=1, help="Pictures of each rendered person.")] = 4,
    take: Annotated[
        Path | None, typer.Option(help="Live Link Face CSV whose second half gives expressions.")
    ] = None,
    force: Force = False,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Measure methods against scans, labels or rendered people, beside what papers print."""
    if out is not None:
        check_output(out, (".md",), force)
    from core.atomic import staged_output
    from models.evaluation.evaluate import Evaluation, expected_seconds, page
    from models.evaluation.evaluate import evaluate as run

    methods = tuple(method or ("mean_head", "landmark_fit"))
    job = Evaluation(name, methods, data, model, tuple(truth or ("anny",)), limit, frames, take)
    reporter = Reporter(json)
    with reporter.job("eval", expected_seconds(job)) as progress:
        tables = run(job, progress)
    text = page(job, tables)
    if out is not None:
        with staged_output(out) as file:
            file.write_text(text, encoding="utf-8")
    done = f"{out} ({in_words(progress.seconds)})" if out else text
    reporter.result(
        done,
        written=str(out) if out else None,
        tables=[table.facts() for table in tables],
        seconds=round(sum(progress.seconds.values()), 2),
    )
