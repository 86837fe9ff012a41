"""Whether expression coefficients mean what they say, on heads rendered as photos.

    python -m tests.benchmarks.semantics [--first 100] [--heads 8] [--truth ict anny] [--model anny]

Neutral faces: the largest coefficient of each head in one photo, where all should be 0. Expressions: the
error of the coefficients in five photos fitted together, of a fit to landmarks alone and of the whole fit.
A unit of ICT does not move a face as far as the same unit of another model does (the last line tells by how
much), so that some error would be left in a perfect fit. Heads of the model itself have the same units, but
also the same basis of shapes: there the photos, not the model, are what is new to the fit.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np
from numpy import ndarray

from core.arkit import ARKIT_NAMES
from core.face_model.model import FaceModel
from core.face_model.registry import load_model
from core.fitting.head import fit_head
from core.fitting.landmark_solver import fit_landmarks
from core.fitting.types import Observation
from tests.benchmarks.support.ict_truth import make_head, observe_views, seeds_line
from tests.benchmarks.support.reading import PhotoReader

LIMIT = 0.2  # that no coefficient of a neutral face should pass
ACTIVE = 0.3


def coefficients(model: FaceModel, seen: list[Observation]) -> list[ndarray]:
    """Of the photos (photos, 52): by a fit to landmarks alone, and by the whole fit."""
    fits = (fit_landmarks(model, seen).photos, fit_head(model, seen).photos)
    return [np.stack([photo.expression for photo in photos]) for photos in fits]


def unit_sizes(model: FaceModel) -> ndarray:
    """How far each unit moves the landmarks, as a fraction of the eyes' outer distance."""
    rest = model.landmarks(model.template)
    moved = [model.landmarks(model.template + delta) - rest for delta in model.expression_deltas]
    return np.linalg.norm(moved, axis=(1, 2)) / np.linalg.norm(rest[33] - rest[263])


def report_neutral(seeds: range, found: list[list[ndarray]]) -> None:
    """Print the largest coefficients on neutral faces."""
    print(f"neutral photos: largest coefficient\n{'head':>6s}{'landmarks alone':>30s}{'whole fit':>30s}")
    for seed, fits in zip(seeds, found, strict=True):
        cells = [f"{ARKIT_NAMES[fit.argmax()]} {fit.max():.2f}" if fit.size else "no face" for fit in fits]
        print(f"{seed:6d}" + "".join(f"{cell:>30s}" for cell in cells))
    for name, column in zip(("landmarks alone", "whole fit"), zip(*found, strict=True), strict=True):
        every = np.concatenate(column)
        print(
            f"  {name}: {100 * (every > LIMIT).mean():.1f} % of all coefficients above {LIMIT}, "
            f"on {(every > LIMIT).any(axis=1).sum()} of {len(every)} heads; mean {every.mean():.3f}"
        )


def report_expressions(true: ndarray, found: list[ndarray], model: FaceModel, truth: FaceModel) -> None:
    """Print the errors of coefficients (photos, 52)."""
    active = true > ACTIVE
    print(f"known expressions, {len(true)} photos: mean absolute error of coefficients")
    print(f"{'':18s}{'all 52':>10s}{f'true > {ACTIVE}':>14s}{'true = 0':>12s}{'found/true':>13s}")
    for name, fit in zip(
        ("nothing (all 0)", "landmarks alone", "whole fit"), [0 * true, *found], strict=True
    ):
        error = np.abs(fit - true)
        columns = (error.mean(), error[active].mean(), error[true == 0].mean())
        ratio = (fit[active] / true[active]).mean()
        print(f"{name:18s}{columns[0]:10.4f}{columns[1]:14.3f}{columns[2]:12.4f}{ratio:13.2f}")
    used = active.any(axis=0)
    ratio = unit_sizes(truth)[used] / unit_sizes(model)[used]
    low, middle, high = np.quantile(ratio, (0, 0.5, 1))
    print(
        f"the {used.sum()} units used move {truth.name}'s landmarks {middle:.2f} times as far as "
        f"{model.name}'s (median; {low:.2f} {ARKIT_NAMES[np.flatnonzero(used)[ratio.argmin()]]} to "
        f"{high:.2f} {ARKIT_NAMES[np.flatnonzero(used)[ratio.argmax()]]})"
    )


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--first", type=int, default=100, help="seed of the first head")
    parser.add_argument("--heads", type=int, default=8)
    parser.add_argument("--truth", nargs="+", default=["ict", "anny"], choices=["ict", "anny"])
    parser.add_argument("--model", default="anny")
    options = parser.parse_args()
    seeds = range(options.first, options.first + options.heads)
    model = load_model(options.model)
    with PhotoReader() as reader:
        for truth in options.truth:
            report(model, truth, seeds, reader)


def report(model: FaceModel, truth: str, seeds: range, reader: PhotoReader) -> None:
    """Print the tables on heads of one model."""
    true: list[ndarray] = []
    neutral: list[list[ndarray]] = []
    expressive: list[list[ndarray]] = []
    with tempfile.TemporaryDirectory() as folder:
        for seed in seeds:
            head = make_head(seed, truth)
            at_rest = observe_views([head.at_rest], reader, Path(folder))
            neutral.append(coefficients(model, [at_rest[0]]) if at_rest[0] else [np.zeros((0, 52))] * 2)
            seen = observe_views(head.views, reader, Path(folder))
            found = [index for index, view in enumerate(seen) if view]
            true += [head.views[index].expression for index in found]
            expressive.append(coefficients(model, [view for view in seen if view]))
    print(f"\n{seeds_line(seeds, truth)}")
    report_neutral(seeds, neutral)
    together = [np.concatenate(column) for column in zip(*expressive, strict=True)]
    report_expressions(np.stack(true), together, model, load_model(truth))


if __name__ == "__main__":
    main()
