"""Heads judged by sets that share nothing with the one that the fit was tuned on.

    python -m tests.benchmarks.heads [--half decide|report|all] [--sets heads_b scan ...] [--heads N]
        [--photos 5] [--only shape fit people] [--json OUT] [--jobs 1] [--no-cache]

Settings are chosen on the half *decide* and reported on *report*; each line says which one it is of. RecNet's
readings belong to the fit, as rigs use them.

With truth (``heads_b``, ``scan``, ``ict``): median distance in millimetres of the true face to the unfitted
mean head, to the heads of each of the photos alone (mean, best and worst) and to that of all, whose mean and
90th percentile follow; and all over the best single one, which may be 1.02 at most.

Every set: how usual the head of all photos is and what comes through its skin, see
``heads_support.plausibility`` and ``heads_support.penetrations``; counts are of the neutral / of the worst of
the photos' expressions, and those of the unfitted head come first, since some are its own.

People (``kira``, ``same_person``, ``clips``), by ``--photos`` photos spread by yaw: likeness of the head over
its photo and of the neutral by a network (and of the photos among themselves), errors of photos left out
(``heads_support.left_out``) and the spread of the neutral over those fits in millimetres.

Readings, heads, rigs and what is measured of photos left out are kept in the cache folder, by the sources of
``core``, the networks and the photos.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from tests.benchmarks.heads_support import SETS, Case, score, unfitted
from tests.benchmarks.heads_support.fits import fit_of, rig_of, spread_by_yaw
from tests.benchmarks.heads_support.left_out import left_out
from tests.benchmarks.heads_support.penetrations import penetrations, worst
from tests.benchmarks.heads_support.plausibility import deviations, face_spread, mahalanobis
from tests.benchmarks.heads_support.resemblance import resemblance

GROUPS = ("shape", "fit", "people")
Figures = dict[str, Any]


def judge(of_set: str, name: str, photos: int, groups: tuple[str, ...], fresh: bool) -> Figures:
    """All figures of a case; a set with truth uses all of its photos."""
    case = SETS[of_set].case(name)
    known = case.truth is not None
    chosen = list(range(len(case.views))) if known else spread_by_yaw(case, photos)
    figures: Figures = {"set": case.set, "name": case.name, "half": case.half, "missed": case.missed}
    figures["photos"] = [case.views[number].name for number in chosen]
    if not chosen:
        return figures
    if "shape" in groups and known:
        figures["shape"] = shape_figures(case, chosen, fresh)
    if "fit" in groups:
        figures["fit"] = fit_figures(case, chosen, fresh and "shape" not in figures)
    if "people" in groups and not known and len(chosen) > 1:
        figures["people"] = people_figures(case, chosen, fresh)
    return figures


def shape_figures(case: Case, chosen: list[int], fresh: bool) -> Figures:
    """Errors in millimetres against the truth."""
    alone = [score(case, fit_of(case, [number], fresh)).median for number in chosen]
    together = score(case, fit_of(case, chosen, fresh))
    return {
        "unfitted": score(case, unfitted()).median,
        "alone": alone,
        "together": vars(together),
        "over_best": together.median / min(alone),
    }


def fit_figures(case: Case, chosen: list[int], fresh: bool) -> Figures:
    """What needs no truth of the head of all photos."""
    fit = fit_of(case, chosen, fresh)
    return {
        "mahalanobis": mahalanobis(fit),
        "deviations": deviations(fit),
        "neutral": penetrations(fit.neutral, fit.model),
        "posed": worst([penetrations(posed, fit.model) for posed in fit.posed]),
    }


def people_figures(case: Case, chosen: list[int], fresh: bool) -> Figures:
    """Likeness, and what the others say of each photo."""
    out = left_out(case, chosen, fresh)
    return {
        "likeness": resemblance(rig_of(case, chosen, fresh)),
        "landmarks": out.landmarks.tolist(),
        "appearance": out.appearance.tolist(),
        "spread": face_spread(out.neutrals),
    }


def print_case(figures: Figures) -> None:
    """Some lines of a case."""
    missed = f", no face in {' '.join(figures['missed'])}" if figures["missed"] else ""
    head = f"{figures['set']}/{figures['name']} ({figures['half']}, {len(figures['photos'])} photos{missed})"
    print(head)
    if shape := figures.get("shape"):
        alone, together = shape["alone"], shape["together"]
        print(
            f"    mm: unfitted {shape['unfitted']:.3f}; one {np.mean(alone):.3f} "
            f"({min(alone):.3f} to {max(alone):.3f}); all {together['median']:.3f} "
            f"(mean {together['mean']:.3f}, 90 % {together['p90']:.3f}); all/best {shape['over_best']:.2f}"
        )
    if fit := figures.get("fit"):
        z = ", ".join(f"{name} {value:+.1f}" for name, value in fit["deviations"].items())
        print(f"    usual: {fit['mahalanobis']:.2f} per mode; sd: {z}")
        through = (f"{name} {rest}/{fit['posed'][name]}" for name, rest in fit["neutral"].items())
        print(f"    crossings, neutral/posed: {', '.join(through)}")
    if people := figures.get("people"):
        like = people["likeness"]
        print(
            f"    likeness: over photo {like['over']:.3f}, neutral {like['neutral']:.3f}, photos among "
            f"themselves {like['photos']:.3f}; left out: landmarks {np.mean(people['landmarks']):.4f}, "
            f"appearance {np.nanmean(people['appearance']):.3f}; spread {people['spread']:.2f} mm"
        )


def print_means(found: list[Figures]) -> None:
    """One line for each set and half."""
    print("means:")
    for name, half in dict.fromkeys((figures["set"], figures["half"]) for figures in found):
        own = [figures for figures in found if (figures["set"], figures["half"]) == (name, half)]
        words = [f"    {name} ({half}, {len(own)}):"]
        if shapes := [figures["shape"] for figures in own if "shape" in figures]:
            words.append(f"unfitted {np.mean([s['unfitted'] for s in shapes]):.3f},")
            words.append(f"one {np.mean([np.mean(s['alone']) for s in shapes]):.3f},")
            words.append(f"all {np.mean([s['together']['median'] for s in shapes]):.3f} mm,")
            words.append(f"all/best at most {max(s['over_best'] for s in shapes):.2f};")
        if fits := [figures["fit"] for figures in own if "fit" in figures]:
            crossing = sum(sum(fit[part].values()) for fit in fits for part in ("neutral", "posed"))
            z = [abs(value) for fit in fits for value in fit["deviations"].values()]
            words.append(f"largest |sd| {max(z):.1f}, crossings {crossing};")
        if people := [figures["people"] for figures in own if "people" in figures]:
            words.append(f"likeness {np.mean([p['likeness']['over'] for p in people]):.3f}")
            words.append(f"and {np.mean([p['likeness']['neutral'] for p in people]):.3f},")
            words.append(f"left out {np.mean([np.mean(p['landmarks']) for p in people]):.4f}")
            words.append(f"and {np.mean([np.nanmean(p['appearance']) for p in people]):.3f},")
            words.append(f"spread {np.mean([p['spread'] for p in people]):.2f} mm")
        print(" ".join(words))


@contextmanager
def _mapper(jobs: int) -> Iterator[Any]:
    """``map``, by so many processes."""
    if jobs == 1:
        yield map
        return
    with ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn")) as pool:
        yield pool.map


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--half", choices=["decide", "report", "all"], default="all")
    parser.add_argument("--sets", nargs="+", choices=list(SETS), default=list(SETS))
    parser.add_argument("--heads", type=int, help="at most so many of each set")
    parser.add_argument("--photos", type=int, default=5, help="of each real person")
    parser.add_argument("--only", nargs="+", choices=GROUPS, default=list(GROUPS))
    parser.add_argument("--json", type=Path, help="write all figures there")
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    parser.add_argument("--no-cache", action="store_true", help="fit anew; photos are not read anew")
    options = parser.parse_args()
    wanted = [(of, name) for of in options.sets for name in SETS[of].names(options.half)[: options.heads]]
    if not wanted:
        parser.error(f"no case of {' '.join(options.sets)} belongs to the half {options.half}")
    print(f"half: {options.half}; settings are chosen on 'decide' alone", flush=True)
    own = penetrations(unfitted().neutral, unfitted().model)
    print("crossings of the unfitted head:", ", ".join(f"{name} {count}" for name, count in own.items()))
    one = partial(judge, photos=options.photos, groups=tuple(options.only), fresh=options.no_cache)
    found = []
    with _mapper(options.jobs) as spread:
        for figures in spread(one, *zip(*wanted, strict=True)):
            found.append(figures)
            print_case(figures)
            if options.json:
                options.json.write_text(json.dumps({"half": options.half, "cases": found}, indent=1))
    print_means(found)


if __name__ == "__main__":
    main()
