"""On heads of every set: nothing that lies inside comes through the skin, and lips do not cross."""

from __future__ import annotations

import numpy as np
import pytest

from tests.benchmarks.heads_support.fits import fit_of, spread_by_yaw
from tests.benchmarks.heads_support.penetrations import penetrations
from tests.benchmarks.heads_support.sets import SETS
from tests.real_data import real_data

HEADS = {
    "heads_b": ("heads_b", "head_2"),
    "scan": ("scans", "leeperrysmith"),
    "ict": ("face_models", "203"),
    "kira": ("photos/kira", "kira"),
    "same_person": ("photos/same_person", "John_Schneider"),
    "clips": ("clips", "liveportrait_d9"),
}


@pytest.mark.parametrize("of_set", HEADS)
def test_inside_stays_inside(of_set: str) -> None:
    needs, name = HEADS[of_set]
    real_data(needs)
    case = SETS[of_set].case(name)
    fit = fit_of(case, spread_by_yaw(case, 3))
    assert penetrations(fit.neutral, fit.model) == dict.fromkeys(
        ("teeth", "tongue", "lining", "eyeballs", "lips"), 0
    )
    posed = [penetrations(head, fit.model) for head in fit.posed]
    through = {part: int(np.sum([one[part] for one in posed])) for part in posed[0] if part != "lips"}
    assert through == dict.fromkeys(through, 0)
