"""How far estimated coefficients are from true ones."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray

from core.arkit import ARKIT_NAMES

ACTIVE: Final = 0.3
VISIBLE: Final = np.array([name != "tongueOut" for name in ARKIT_NAMES])
"""Landmarks do not show the tongue: it is left out of means."""
_LEAST_SPREAD: Final = 0.02  # of a true coefficient; below it a correlation means nothing


class Scores(NamedTuple):
    """Mean absolute error, the same where the true unit is above 0.3, and mean correlation over units."""

    error: float
    active_error: float
    correlation: float


def score(estimated: Float[ndarray, "frames 52"], true: Float[ndarray, "frames 52"]) -> Scores:
    """Scores over all frames and all units but the tongue."""
    return mean_score(estimated, true, VISIBLE)


def mean_score(
    estimated: Float[ndarray, "frames units"],
    true: Float[ndarray, "frames units"],
    counted: Bool[ndarray, "units"],
) -> Scores:
    """Scores over all frames and the counted units, whatever the units are."""
    error, active, correlation = score_by_unit(estimated, true)
    weight = (true > ACTIVE).sum(axis=0)
    shown = counted & (weight > 0)
    return Scores(
        float(error[counted].mean()),
        float(np.average(active[shown], weights=weight[shown])) if shown.any() else float("nan"),
        float(np.nanmean(correlation[counted])) if not np.isnan(correlation[counted]).all() else float("nan"),
    )


def score_by_unit(
    estimated: Float[ndarray, "frames units"], true: Float[ndarray, "frames units"]
) -> tuple[Float[ndarray, "units"], Float[ndarray, "units"], Float[ndarray, "units"]]:
    """Each unit's error, error where active, and correlation; NaN where the frames cannot tell.

    An estimate that never moves correlates with nothing: 0.
    """
    apart = np.abs(estimated - true)
    active = np.where(true > ACTIVE, apart, np.nan)
    count = (true > ACTIVE).sum(axis=0)
    active_error = np.divide(
        np.nansum(active, axis=0), count, out=np.full(len(count), np.nan), where=count > 0
    )
    a, b = estimated - estimated.mean(axis=0), true - true.mean(axis=0)
    covariance = (a * b).mean(axis=0)
    size = a.std(axis=0) * b.std(axis=0)
    correlation = np.divide(covariance, size, out=np.zeros(len(size)), where=size > 1e-12)
    correlation[b.std(axis=0) < _LEAST_SPREAD] = np.nan
    return apart.mean(axis=0), active_error, correlation
