"""How a person's own expressions compare with the model's deltas added unchanged.

    python -m tests.benchmarks.expressions [anny|ict ...]

Random people of each face model (0.6 standard deviations; beyond that heads turn into caricatures). Neither
model's deltas depend on the identity, so there is no truth to compare with vertex by vertex: what is printed
is what must hold for anyone. Lids: the largest distance between the margins at a full blink, and how deep lid
skin gets into the eyeball on the way of any eye shape, beyond where it rests. Mouth: the gap that jawOpen
with mouthClose leaves, beyond the neutral's. Smile: how much wider the mouth gets, relative to its width,
where the template's own figure is the standard.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
from numpy import ndarray

from core.arkit import ARKIT_INDEX, ARKIT_NAMES
from core.deformation.expressions import personalise_expressions
from core.deformation.eyelids import Eyeball, Eyelids, find_eyelids, fit_eyeball
from core.deformation.interior import settle_neutral
from core.face_model.model import FaceModel
from core.face_model.registry import load_model
from tests.lids import lid_gap

PEOPLE = 8
SPREAD = 0.6
MOUTH_CORNERS, MID_LIPS = (61, 291), (13, 14)


def distance(model: FaceModel, vertices: ndarray, pair: tuple[int, int]) -> float:
    points = model.landmarks(vertices.astype(np.float32))
    return float(np.linalg.norm(points[pair[0]] - points[pair[1]]))


def posed(neutral: ndarray, deltas: ndarray, *names: str) -> ndarray:
    return neutral + deltas[[ARKIT_INDEX[name] for name in names]].sum(axis=0)


def heights(lids: Eyelids, eyeball: Eyeball, vertices: ndarray) -> ndarray:
    """Of lid skin above the eyeball taken as a sphere, metres."""
    return np.linalg.norm(vertices[lids.outside] - eyeball.centre, axis=1) - eyeball.radius


def measure(model: FaceModel, neutral: ndarray, deltas: ndarray) -> dict[str, float]:
    gaps, depths = [], []
    for lids, side in zip(find_eyelids(model), ("Left", "Right"), strict=True):
        eyeball = fit_eyeball(neutral[lids.eyeball])
        gaps.append(np.abs(lid_gap(lids, eyeball, posed(neutral, deltas, f"eyeBlink{side}"))).max())
        rest = np.minimum(heights(lids, eyeball, neutral), 0)
        for name in ARKIT_NAMES:
            if name.startswith("eye") and name.endswith(side):
                for share in (0.25, 0.5, 0.75, 1.0):
                    moved = neutral + share * deltas[ARKIT_INDEX[name]]
                    depths.append((rest - heights(lids, eyeball, moved)).max())
    closed = posed(neutral, deltas, "jawOpen", "mouthClose")
    smile = posed(neutral, deltas, "mouthSmileLeft", "mouthSmileRight")
    return {
        "lids apart or overlapping at a blink, mm": 1e3 * max(gaps),
        "lid skin inside the eyeball, mm": 1e3 * max(max(depths), 0.0),
        "lips apart at jawOpen + mouthClose, mm": 1e3
        * (distance(model, closed, MID_LIPS) - distance(model, neutral, MID_LIPS)),
        "smile widens the mouth by, %": 100
        * (distance(model, smile, MOUTH_CORNERS) / distance(model, neutral, MOUTH_CORNERS) - 1),
    }


def compare(name: str) -> None:
    model = load_model(name)
    rng = np.random.default_rng(0)
    plain, own, seconds = [], [], []
    for _ in range(PEOPLE):
        head = model.neutral((SPREAD * rng.standard_normal(len(model.identity_basis))).astype(np.float32))
        neutral = settle_neutral(model, head, head)
        start = time.perf_counter()
        deltas = personalise_expressions(model, neutral)
        seconds.append(time.perf_counter() - start)
        plain.append(measure(model, neutral, model.expression_deltas))
        own.append(measure(model, neutral, deltas))
    template = measure(model, model.template, model.expression_deltas)
    print(f"{name}: {PEOPLE} people, {np.median(seconds):.2f} s each for {model.vertex_count} vertices")
    print(f"  {'':42s}{'template':>9s}{'unchanged (worst)':>22s}{'own (worst)':>18s}")
    for key, standard in template.items():
        columns = [np.array([person[key] for person in people]) for people in (plain, own)]
        ideal = 0.0 if key.endswith("mm") else standard
        worst = [values[np.abs(values - ideal).argmax()] for values in columns]
        text = [f"{values.mean():.2f} ({bad:.2f})" for values, bad in zip(columns, worst, strict=True)]
        print(f"  {key:42s}{standard:9.2f}{text[0]:>22s}{text[1]:>18s}")


def main() -> None:
    """Print the figures of each model."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("models", nargs="*", default=["anny"])
    for name in parser.parse_args().models:
        compare(name)


if __name__ == "__main__":
    main()
