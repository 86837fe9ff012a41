"""Evaluations by name, and the page that one of them writes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from core.errors import BadInput
from core.face_model.registry import load_model
from core.progress import Progress
from models.data.scene import MODELS
from models.data.take import read_take
from models.evaluation.methods import make_method
from models.evaluation.picture_runs import run_aflw2000, run_feafa
from models.evaluation.prediction import Eyes
from models.evaluation.run import Run
from models.evaluation.scan_runs import run_facewarehouse, run_frgc, run_micc, run_now
from models.evaluation.synthetic import FRAMES, PEOPLE, run_synthetic
from models.evaluation.tables import Table

DATASETS: Final[dict[str, Callable[[Path, Run], list[Table]]]] = {
    "now": run_now,
    "facewarehouse": run_facewarehouse,
    "frgc": run_frgc,
    "feafa": run_feafa,
    "aflw2000": run_aflw2000,
    "micc": run_micc,
}
SYNTHETIC: Final = "synthetic"
STAGE: Final = "evaluation"
# rough seconds: to begin with rendering, for a picture, and for a method to read it
_TO_RENDER, _A_PICTURE, _A_READING = 12.0, 0.3, 0.4
_PICTURES: Final = 1000  # of a dataset whose size is not known before it is read


@dataclass(frozen=True)
class Evaluation:
    """What to evaluate.

    Attributes:
        name: ``synthetic`` or one of ``DATASETS``.
        methods: see ``models.evaluation.methods.make_method``.
        data: the dataset's folder.
        model: face model of the methods.
        truth: face models of the rendered people.
        most: pictures of a dataset, or rendered people.
        frames: of each rendered person.
        take: Live Link Face CSV whose second half gives expressions to rendered people.
    """

    name: str
    methods: Sequence[str]
    data: Path | None = None
    model: str = "anny"
    truth: Sequence[str] = ("anny",)
    most: int | None = None
    frames: int = FRAMES
    take: Path | None = None


def expected_seconds(job: Evaluation) -> dict[str, float]:
    """Stages and rough durations, for :class:`core.progress.Progress`."""
    synthetic = job.name == SYNTHETIC
    pictures = (job.most or PEOPLE) * job.frames if synthetic else job.most or _PICTURES
    seconds = (_A_PICTURE + _A_READING * len(job.methods)) * pictures + (_TO_RENDER if synthetic else 0.0)
    return {"models": 3.0, **dict.fromkeys(_stages(job), seconds)}


def evaluate(job: Evaluation, progress: Progress) -> list[Table]:
    """Run an evaluation.

    Args:
        progress: must know the stages of :func:`expected_seconds`; asked often whether to stop.

    Raises:
        BadInput: no such evaluation, method or face model of people, or the folder was not named.
        DataUnreadable: a part of the dataset is missing or damaged; the message names the file.
        ModelMissing, ModelUnreadable: a face model or a network cannot be had.
        UnreadableMedia: a picture is damaged, or the take is.
        Cancelled: the user asked to stop.
    """
    _check(job)
    take = read_take(job.take) if job.take else None
    with progress.stage("models"):
        model = load_model(job.model)
        methods = [make_method(name, model) for name in job.methods]
    tables = []
    with Eyes() as eyes:
        for stage in _stages(job):
            with progress.stage(stage):
                run = Run(methods, eyes, model, progress.update, job.most)
                if job.name == SYNTHETIC:
                    run.most = None
                    tables += run_synthetic(stage, run, job.most or PEOPLE, job.frames, take)
                else:
                    assert job.data is not None
                    tables += DATASETS[job.name](job.data, run)
    return tables


def page(job: Evaluation, tables: Sequence[Table]) -> str:
    """The tables as a Markdown page."""
    return f"# Evaluation: {job.name}\n\n" + "\n".join(table.markdown() for table in tables)


def _stages(job: Evaluation) -> list[str]:
    return list(job.truth) if job.name == SYNTHETIC else [STAGE]


def _check(job: Evaluation) -> None:
    names = (SYNTHETIC, *DATASETS)
    if job.name not in names:
        raise BadInput(f"There is no evaluation {job.name!r}.", f"Choose among {', '.join(names)}.")
    if not job.methods:
        raise BadInput("No method was named.", "Name one with --method.")
    if job.name == SYNTHETIC and not (job.truth and set(job.truth) <= set(MODELS)):
        raise BadInput("People are rendered of anny or ict alone.", "Change --truth.")
    if job.name != SYNTHETIC and job.data is None:
        raise BadInput(
            f"The data of {job.name} do not come with Semblance.", "Name their folder with --data."
        )
