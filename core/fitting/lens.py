"""Photos of one camera share a lens.

A face says little of the focal length, and each photo errs by itself: photos of one camera came out with
lenses from 1,150 to 3,300 pixels. So photos of one size, and of one focal length where files tell it, are
tied: ``log f_i ~ N(log f, tie²)`` about a common ``log f`` that is an unknown of its own. The tie is soft,
for a photo may be a crop.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from core.fitting.types import Observation

TIE: Final = 0.05
"""Standard deviation of a photo's log focal length about that of its camera."""

_SAME_FOCAL: Final = 1.02  # ratio of focal lengths that files tell as the same


@dataclass(frozen=True)
class SharedLens:
    """The lens of several photos.

    Attributes:
        photos: their numbers.
        prior: mean and standard deviation of its log focal length.
        log_focal: as it is found at present.
    """

    photos: tuple[int, ...]
    prior: tuple[float, float]
    log_focal: float


def photos_of_one_camera(observations: Sequence[Observation]) -> list[tuple[int, ...]]:
    """Numbers of photos that share a size, upright or not, and the focal length that their files tell.

    Photos that share their camera with no other are left out.
    """
    groups: list[list[int]] = []
    for number, seen in enumerate(observations):
        home = next((group for group in groups if _same(observations[group[0]], seen)), None)
        if home is None:
            groups.append([number])
        else:
            home.append(number)
    return [tuple(group) for group in groups if len(group) > 1]


def _same(a: Observation, b: Observation) -> bool:
    if sorted((a.width, a.height)) != sorted((b.width, b.height)):
        return False
    if a.focal is None or b.focal is None:
        return a.focal is b.focal
    return max(a.focal, b.focal) < _SAME_FOCAL * min(a.focal, b.focal)


def shared_lenses(
    observations: Sequence[Observation], priors: Sequence[tuple[float, float]]
) -> list[SharedLens]:
    """The lenses that photos share.

    Args:
        priors: of each photo's own log focal length: mean and standard deviation. A shared lens takes the
            median of the means and the least of the standard deviations.
    """
    lenses = []
    for photos in photos_of_one_camera(observations):
        means, stds = zip(*(priors[number] for number in photos), strict=True)
        mean = float(np.median(means))
        lenses.append(SharedLens(photos, (mean, min(stds)), mean))
    return lenses
