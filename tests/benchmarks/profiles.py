"""Photos from the side: are they placed, and is the head better with them?

    python -m tests.benchmarks.profiles [--half decide|report|all] [--heads N]

Heads of ``heads_support.ict_heads`` with their five views, and a sixth from the side, which no landmarks are
looked for in. For each: how the sixth was placed (outlines' distances of half and of four fifths, skin's, mm;
coverage; degrees between two starts), the face's median error without and with it, and that of the middle
8 mm to each side, brow to chin, which a profile shows. Last, the profile of the next head is offered
instead, which must be refused.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from typing import Final

import numpy as np
from PIL import Image

from core.capture.faces import FaceFinder
from core.capture.masks import PersonMasker
from core.capture.photos import load_photo
from core.capture.unmarked import UnmarkedFace, unmarked_face
from core.fitting.head import fit_head
from core.fitting.types import FittedHead, Profile
from tests.benchmarks.heads_support.case import Case, face_model, score
from tests.benchmarks.heads_support.ict_heads import SEEDS, ict_head
from tests.benchmarks.heads_support.store import folder
from tests.benchmarks.support.ict_truth import ict_model, photograph, random_expression, skin_of

_YAW: Final = 86  # degrees; varies by a few
_MIDDLE: Final = 0.008  # metres to each side
_MOST_PIXELS: Final = 3_000_000


def profile_of(seed: str) -> UnmarkedFace | None:
    """A picture of a head from the side, to the left for odd seeds; none where no detector sees a face."""
    rng = np.random.default_rng(int(seed))
    number = int(rng.integers(4))
    model = ict_model()
    neutral = model.neutral(rng.standard_normal(len(model.identity_basis)).astype(np.float32))
    albedo = skin_of("ict", number, rng)
    own = np.random.default_rng([int(seed), 1])
    expression = random_expression(own) if own.random() < 0.5 else np.zeros(52)
    yaw = _YAW if int(seed) % 2 else -_YAW
    path = folder("profiles") / f"{seed}.png"
    Image.fromarray(photograph(model, neutral, expression, albedo, yaw, own).pixels).save(path)
    photo = load_photo(path)
    with FaceFinder() as finder, PersonMasker() as masker:
        seen = finder.detected(photo)
        return None if seen is None else unmarked_face(photo, *seen, masker)


def fitted(case: Case, face: UnmarkedFace | None) -> FittedHead:
    """The head by a case's views, and a profile."""
    profiles = [] if face is None else [Profile(face, None, None, _MOST_PIXELS)]
    return fit_head(face_model(), case.observations(), None, case.belief(), profiles)


def middle_of(case: Case) -> Case:
    """The case with nothing but the middle of its true face, in front."""
    truth = case.truth
    assert truth is not None
    kept = np.abs(truth.face[:, 0]) < _MIDDLE
    return replace(case, truth=replace(truth, face=truth.face[kept]))


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--half", choices=["decide", "report", "all"], default="all")
    parser.add_argument("--heads", type=int, help="at most so many")
    options = parser.parse_args()
    seeds = [seed for seed, half in SEEDS.items() if options.half in ("all", half)][: options.heads]
    faces = {seed: profile_of(seed) for seed in seeds}
    rows = []
    for number, seed in enumerate(seeds):
        case = ict_head(seed, SEEDS[seed])
        middle = middle_of(case)
        without, with_it = fitted(case, None), fitted(case, faces[seed])
        errors = [[score(each, head).median for head in (without, with_it)] for each in (case, middle)]
        stranger = fitted(case, faces[seeds[(number + 1) % len(seeds)]])
        joined, refused = bool(with_it.profiles), not stranger.profiles
        rows.append([joined, refused, *np.ravel(errors)])
        print(
            f"{seed} ({SEEDS[seed]}): {'joined' if joined else 'left out'}; face {errors[0][0]:.3f} -> "
            f"{errors[0][1]:.3f} mm, middle {errors[1][0]:.3f} -> {errors[1][1]:.3f} mm; "
            f"the next head's {'left out' if refused else 'JOINED'}",
            flush=True,
        )
    joined, refused, *means = np.mean(np.array(rows, float), axis=0)
    print(
        f"means: joined {joined:.0%}, strangers left out {refused:.0%}, face {means[0]:.3f} -> "
        f"{means[1]:.3f} mm, middle {means[2]:.3f} -> {means[3]:.3f} mm"
    )


if __name__ == "__main__":
    main()
