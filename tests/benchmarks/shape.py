"""Shape error across face models: ICT heads rendered as photos, fitted with another model.

    python -m tests.benchmarks.shape [--first 100] [--heads 8] [--model anny] [--save FOLDER]

Median distance, NoW-style, of the true neutral's face to the fitted neutral: of the model's mean head, of a
fit to landmarks alone, of the whole fit without the network, of RecNet's own head, and of the whole fit with
it, from the frontal photo and from all five. Rigs are made with it: the last two columns are those once more,
with the insides of mouth, nose and lids counted, which no scan has. RecNet was trained on rendered heads of
ICT's basis too, though not on these: it knows how such heads vary, which no fit with another model does.

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
from core.fitting.face_belief import believed
from core.fitting.head import fit_head
from core.fitting.landmark_solver import fit_landmarks
from core.fitting.types import Observation
from models.face_reader import FaceReader, load_face_reader
from tests.benchmarks.support.ict_truth import TrueHead, make_head, median_error, observe_views, seeds_line
from tests.benchmarks.support.reading import PhotoReader, read_view

COLUMNS = (
    "unfitted", "landmarks, 1", "landmarks, 5", "no network, 1", "no network, 5", "RecNet alone, 1",
    "RecNet alone, 5", "whole fit, 1", "whole fit, 5", "1, hidden too", "5, hidden too",
)  # fmt: skip


def errors(
    model: FaceModel, head: TrueHead, views: list[Observation | None], reader: FaceReader | None
) -> list[float]:
    """The figures of a head in millimetres; NaN where no face was found, or there is no network."""
    found = {index: seen for index, seen in enumerate(views) if seen}
    unfitted = median_error(head.neutral, model, model.template)
    if 0 not in found:
        return [unfitted, *[np.nan] * (len(COLUMNS) - 1)]
    sets = [found[0]], list(found.values())
    figures = [unfitted]
    neutral = lambda identity: model.neutral(identity.astype(np.float32))  # noqa: E731
    off = lambda vertices: median_error(head.neutral, model, vertices)  # noqa: E731
    figures += [off(neutral(fit_landmarks(model, seen).identity)) for seen in sets]
    plain = [fit_head(model, seen).neutral for seen in sets]
    figures += [off(head) for head in plain]
    if reader is None:
        return [*figures, *[np.nan] * 6]
    readings = [read_view(reader, head.views[index].pixels, seen) for index, seen in found.items()]
    identities = [reader.fuse(some) for some in (readings[:1], readings)]
    beliefs = [believed(some, who) for some, who in zip((readings[:1], readings), identities, strict=True)]
    figures += [off(neutral(mean)) for mean, _ in identities]
    fits = [fit_head(model, some, belief=belief).neutral for some, belief in zip(sets, beliefs, strict=True)]
    figures += [off(fit) for fit in fits]
    return figures + [median_error(head.neutral, model, made, hidden=True) for made in fits]


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
    reading = load_face_reader()
    print(f"{seeds_line(seeds)}; median distance in mm")
    print(f"{'head':>6s}" + "".join(f"{column:>17s}" for column in COLUMNS), flush=True)
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
            rows.append(errors(model, head, views, reading))
            print(f"{seed:6d}" + "".join(f"{error:17.3f}" for error in rows[-1]), flush=True)
    print(f"{'mean':>6s}" + "".join(f"{mean:17.3f}" for mean in np.nanmean(rows, axis=0)))
    print(f"faces not found in {missed} of {5 * len(seeds)} photos")


if __name__ == "__main__":
    main()
