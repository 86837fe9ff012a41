"""Shape error across face models: ICT heads rendered as photos, fitted with another model.

    python -m tests.benchmarks.shape [--first 100] [--heads 8] [--model anny] [--save FOLDER]

Median distance, NoW-style, of the true neutral's face to the fitted neutral: of the model's mean head, of a
fit to landmarks alone, and of the whole fit, from the frontal photo and from all five.

On a machine that is busy with other work, set OMP_NUM_THREADS=1: with more threads than free cores most of
the time goes into their waiting for each other.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

from core.face_model.model import FaceModel
from core.face_model.registry import load_model
from core.fitting.head import fit_head
from core.fitting.landmark_solver import fit_landmarks
from core.fitting.types import Observation
from tests.benchmarks.ict_truth import TrueHead, make_head, median_error, observe_views, seeds_line
from tests.benchmarks.reading import PhotoReader

COLUMNS = ("unfitted", "landmarks, 1", "landmarks, 5", "whole fit, 1", "whole fit, 5")


def errors(model: FaceModel, head: TrueHead, views: list[Observation | None]) -> list[float]:
    """The five figures of a head in millimetres; NaN where no face was found."""
    one, five = [seen for seen in views[:1] if seen], [seen for seen in views if seen]
    heads = [model.template]
    heads += [model.neutral(fit_landmarks(model, s).identity.astype(np.float32)) for s in (one, five) if s]
    heads += [fit_head(model, seen).neutral for seen in (one, five) if seen]
    if not one or not five:
        return [median_error(head.neutral, model, heads[0]), *[np.nan] * 4]
    return [median_error(head.neutral, model, vertices) for vertices in heads]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--first", type=int, default=100, help="seed of the first head")
    parser.add_argument("--heads", type=int, default=8)
    parser.add_argument("--model", default="anny")
    parser.add_argument("--save", type=Path, help="folder to keep the rendered photos in")
    options = parser.parse_args()
    seeds = range(options.first, options.first + options.heads)
    model = load_model(options.model)
    print(f"{seeds_line(seeds)}; median distance in mm")
    print(f"{'head':>6s}" + "".join(f"{column:>14s}" for column in COLUMNS), flush=True)
    rows, missed = [], 0
    with PhotoReader() as reader, tempfile.TemporaryDirectory() as folder:
        for seed in seeds:
            head = make_head(seed)
            if options.save:
                options.save.mkdir(parents=True, exist_ok=True)
                sheet = np.concatenate([view.pixels for view in [*head.views, head.at_rest]], axis=1)
                Image.fromarray(sheet).save(options.save / f"head-{seed}.png")
            views = observe_views(head.views, reader, Path(folder))
            missed += sum(seen is None for seen in views)
            rows.append(errors(model, head, views))
            print(f"{seed:6d}" + "".join(f"{error:14.3f}" for error in rows[-1]), flush=True)
    print(f"{'mean':>6s}" + "".join(f"{mean:14.3f}" for mean in np.nanmean(rows, axis=0)))
    print(f"faces not found in {missed} of {5 * len(seeds)} photos")


if __name__ == "__main__":
    main()
