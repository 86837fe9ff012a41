"""What a belief about the identity gives the fit of rendered heads: an oracle that errs as far as it says.

    python -m tests.benchmarks.belief [--heads 4] [--spreads 0.2 0.4 0.6]

The truth is the anny head nearest to the ICT head that was photographed (:mod:`models.data.shared_identity`).
The oracle knows each coefficient with the spread that it states, as a calibrated posterior of N(0, 1): its
mean is drawn in toward 0 and errs by just that spread. Median NoW-style distance in millimetres, as in
``tests.benchmarks.shape``: of the oracle's own head (the mean head in the first row), of the landmark fit and
of the whole fit, by one photo and by five; *worst* is how much farther the whole fit of any head and number
of photos is than its oracle's head.

The heads are those that the fit is developed on: weights were set on them, to be judged on others.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from core.face_model.model import FaceModel
from core.face_model.registry import load_model
from core.fitting.face_belief import FaceBelief
from core.fitting.head import fit_head
from core.fitting.landmark_solver import fit_landmarks
from core.fitting.types import Observation
from models.data.shared_identity import load_shared_identity
from tests.benchmarks.support.ict_truth import (
    DEVELOPMENT_SEEDS,
    SKIN_COUNT,
    make_head,
    median_error,
    observe_views,
)
from tests.benchmarks.support.reading import PhotoReader

COLUMNS = ("oracle", "landmarks, 1", "whole fit, 1", "landmarks, 5", "whole fit, 5", "worst")


def true_identity(seed: int) -> Float[ndarray, "modes"]:
    """Anny's coefficients of the ICT head of a seed, which draws its skin first."""
    rng = np.random.default_rng(seed)
    rng.integers(SKIN_COUNT)
    return load_shared_identity().identity(rng.standard_normal(100))


def oracle(seed: int, spread: float) -> FaceBelief:
    """The belief about the head of a seed."""
    truth, rng = true_identity(seed), np.random.default_rng(10_000 + seed)
    kept = 1 - spread**2
    mean = kept * truth + spread * np.sqrt(kept) * rng.standard_normal(len(truth))
    return FaceBelief(mean, np.full(len(truth), spread))


def errors(
    model: FaceModel, truth: ndarray, belief: FaceBelief | None, views: list[Observation]
) -> list[float]:
    """A row of the table, without its last column."""
    own = np.zeros(1) if belief is None or belief.identity is None else belief.identity
    heads = [model.neutral(own.astype(np.float32))]
    for seen in (views[:1], views):
        coarse = fit_landmarks(model, seen, belief=belief)
        heads.append(model.neutral(coarse.identity.astype(np.float32)))
        heads.append(fit_head(model, seen, None, belief).neutral)
    return [median_error(truth, model, vertices) for vertices in heads]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--heads", type=int, default=4)
    parser.add_argument("--spreads", type=float, nargs="+", default=[0.2, 0.4, 0.6])
    options = parser.parse_args()
    model, seeds = load_model("anny"), DEVELOPMENT_SEEDS[: options.heads]
    truths, views = [], []
    with PhotoReader() as reader, tempfile.TemporaryDirectory() as folder:
        for seed in seeds:
            head = make_head(seed)
            seen = observe_views(head.views, reader, Path(folder))
            truths.append(head.neutral)
            views.append([each for each in seen if each is not None])
    print(f"{'spread':>8s}" + "".join(f"{column:>14s}" for column in COLUMNS), flush=True)
    for spread in (None, *options.spreads):
        rows = np.array(
            [
                errors(model, truth, None if spread is None else oracle(seed, spread), seen)
                for seed, truth, seen in zip(seeds, truths, views, strict=True)
            ]
        )
        worst = (rows[:, [2, 4]] - rows[:, :1]).max()
        cells = "".join(f"{value:14.3f}" for value in (*rows.mean(axis=0), worst))
        print(f"{'none' if spread is None else spread:>8}{cells}", flush=True)


if __name__ == "__main__":
    main()
