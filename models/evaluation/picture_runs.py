"""Evaluations against labels of pictures: AFLW2000-3D and FEAFA."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
from numpy import ndarray

from core.capture.photos import load_photo
from models.evaluation import papers
from models.evaluation.datasets.aflw2000 import aflw2000_pictures, read_marks
from models.evaluation.datasets.feafa import PAPERS_PICTURES, PAPERS_SHOWN, PAPERS_VIDEOS, Feafa
from models.evaluation.expression_error import GROUPS, UNITS, as_units, group_errors
from models.evaluation.landmark_error import GROUP_NAMES, by_yaw, normalised_error
from models.evaluation.run import Run
from models.evaluation.tables import Cell, Table
from models.prior.metrics import mean_score

SCORES: Final = ("method", "MAE", "MAE where shown", "correlation")


def run_aflw2000(folder: Path, run: Run) -> list[Table]:
    """AFLW2000-3D: normalised mean error of 68 landmarks by yaw. The face's box is given, as to the papers.

    Raises:
        DataUnreadable: a part of the dataset is missing or damaged.
    """
    errors: list[list[float]] = [[] for _ in run.methods]
    yaw: list[float] = []
    for path in run.over(aflw2000_pictures(folder)):
        true = read_marks(path)
        seen = run.eyes.see(load_photo(path), true.box)
        assert seen is not None  # a box is always looked at
        for method, own in zip(run.methods, errors, strict=True):
            own.append(normalised_error(method.predict(seen).landmarks, true.landmarks))
        yaw.append(true.yaw)
        run.seen += 1
    rows: list[list[Cell]] = [
        [method.name, *by_yaw(np.array(own), np.array(yaw))]
        for method, own in zip(run.methods, errors, strict=True)
    ]
    notes = (
        run.note(),
        "Mean is that of the three groups. The papers' methods were trained on labels of this kind; here the "
        "68 are places among MediaPipe's landmarks, which lie a little elsewhere.",
    )
    return [Table("AFLW2000-3D: NME in %", ("method", *GROUP_NAMES, "mean"), rows, papers.AFLW2000, notes)]


def run_feafa(folder: Path, run: Run) -> list[Table]:
    """FEAFA: errors of expression units.

    Raises:
        DataUnreadable: a part of the dataset is missing or damaged.
    """
    dataset = Feafa(folder)
    true: list[ndarray] = []
    of_paper: list[bool] = []
    found: list[list[ndarray]] = [[] for _ in run.methods]
    for frame in run.over(dataset.frames):
        units = dataset.units(frame)
        seen = run.eyes.see(load_photo(frame.picture))
        if seen is None:
            run.missed += 1
            continue
        for method, own in zip(run.methods, found, strict=True):
            own.append(as_units(method.predict(seen).expression.astype(np.float64)))
        true.append(units)
        of_paper.append(frame.of_paper)
        run.seen += 1
    names = [method.name for method in run.methods]
    said = [np.reshape(own, (-1, len(UNITS))) for own in found]
    return unit_tables(
        names, said, np.reshape(true, (-1, len(UNITS))), np.array(of_paper, dtype=bool), run.note()
    )


def unit_tables(
    names: list[str], found: list[ndarray], true: ndarray, of_paper: ndarray, note: str
) -> list[Table]:
    """CPEM's table 1 of some methods, and their scores over all 24 units.

    Args:
        found, true: (frames, 24), by method and in truth.
        of_paper: (frames,), whether a frame is of the videos that CPEM tests on.
    """
    headings = ("method", *GROUPS, "mean")
    every = np.ones(len(UNITS), bool)
    shown: list[list[Cell]] = []
    whole: list[list[Cell]] = []
    scores: list[list[Cell]] = []
    for name, own in zip(names, found, strict=True):
        shown.append([name, *group_errors(own[of_paper], true[of_paper], above=PAPERS_SHOWN)])
        whole.append([name, *group_errors(own, true, above=None)])
        scores.append([name, *(mean_score(own, true, every) if len(true) else (float("nan"),) * 3)])
    pictures = int((true[of_paper] > PAPERS_SHOWN).any(axis=1).sum())
    why = (
        f"As the paper's supplement has it: of the first {PAPERS_VIDEOS} videos, the frames that show the "
        f"unit (true above {PAPERS_SHOWN}). Here these are {pictures} pictures, the paper's are "
        f"{PAPERS_PICTURES:,}.",
        "Lip R/D: lip raised or depressed. Kiss: lip pucker.",
    )
    return [
        Table("FEAFA: MAE of the paper's frames", headings, shown, papers.FEAFA, (note, *why), 3),
        Table("FEAFA: MAE over all frames", headings, whole, decimals=3),
        Table("FEAFA: all 24 units", SCORES, scores, decimals=3),
    ]
