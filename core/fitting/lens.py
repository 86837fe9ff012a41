"""What is known of a photo's lens: told, shared with other photos, or assumed.

**Told.** A focal length that the user gives, or that the photo's file tells, binds: it is the mean of a
narrow prior in every stage of the fit.

**Shared.** Photos of one size are taken for photos of one camera, unless their focal lengths say otherwise,
and tied: ``log f_i ~ N(log f, tie²)`` about a common ``log f`` that is an unknown of its own. A face says
little of the focal length, and each photo errs by itself: photos of one camera came out with lenses from
1,150 to 3,300 pixels. The tie is soft where nothing tells the focal length, for a photo may be a crop.

**Assumed.** The rest comes from how people photograph people. The size of the face in the photo tells the
ratio of focal length and distance alone, ``s = f / d`` pixels a metre, so both have a prior, log-normal:

- The lens, as the equivalent on 36 mm film along the diagonal. Phones have 24 to 28 mm behind and 22 to 30
  in front, 48 to 77 in their portrait modes; cameras make portraits with 35 to 135. In equal parts that is
  41 mm, of a standard deviation of 0.48 of its log. Photos are then cropped, by 1.4 times in the middle and
  0.3 of the log about it: 58 mm, 0.57.
- The distance. Selfies are taken from 0.35 to 0.6 m, other photos whose subject is a face from 0.8 to 2.
  Middles of 0.45 m at arm's length, 1 m with a phone, 1.2 m with its longer lens and 1.6 m with a camera make
  0.96 m and 0.48.

As ``log f = log s + log d``, the two multiply to one Gaussian of ``log f``: by their precisions it lies three
fifths of the way from the usual lens to the usual distance. People who hold longer lenses stand farther off,
which the product leaves out; it is as wide as a factor of 1.44.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

import numpy as np

from core.fitting.types import LensOrigin, Observation
from core.scene.camera import focal_length_pixels

LogNormal: TypeAlias = tuple[float, float]
"""Mean and standard deviation of a log focal length."""

TIE: Final = 0.05
"""Standard deviation of a photo's log focal length about that of its camera."""

TOLD_STD: Final = {"given": 0.01, "exif": 0.03}
"""Of the log of a focal length that is told. Files round theirs to millimetres, and stabilisers crop."""

_TOLD_TIE: Final = 0.01  # of photos whose files tell the same focal length
_SAME_FOCAL: Final = 1.02  # ratio of focal lengths that are the same
_USUAL_MM, _USUAL_MM_STD = 58.0, 0.57
_USUAL_DISTANCE, _USUAL_DISTANCE_STD = 0.96, 0.48  # metres
_NEAREST: Final = 0.2  # metres; nobody is photographed from nearer
_EYE_CORNERS: Final = 0.088  # metres between the outer corners of the eyes


@dataclass(frozen=True)
class SharedLens:
    """The lens of several photos.

    Attributes:
        photos: their numbers.
        ties: standard deviation of each one's log focal length about the lens's.
        prior: of the lens's log focal length.
        log_focal: as it is found at present.
    """

    photos: tuple[int, ...]
    ties: tuple[float, ...]
    prior: LogNormal
    log_focal: float

    def at(self, log_focal: float) -> SharedLens:
        """The lens, found to be another."""
        return replace(self, log_focal=log_focal)


def assumed_lens(width: int, height: int, scale: float) -> LogNormal:
    """The prior of a lens that nothing tells.

    Args:
        width, height: of the photo, pixels.
        scale: pixels that a metre at the face's place has in the photo.
    """
    of_lens = np.log(focal_length_pixels(width, height, _USUAL_MM))
    of_distance = np.log(_USUAL_DISTANCE * scale)
    # p (x - m)² + q (x - n)²: precision p + q, mean (p m + q n) / (p + q)
    p, q = _USUAL_MM_STD**-2, _USUAL_DISTANCE_STD**-2
    return float((p * of_lens + q * of_distance) / (p + q)), float((p + q) ** -0.5)


def told_lens(seen: Observation) -> LogNormal | None:
    """The prior of a lens that is told; none where it is not."""
    return None if seen.focal is None else (float(np.log(seen.focal)), TOLD_STD[seen.focal_from])


def photos_of_one_camera(observations: Sequence[Observation]) -> list[tuple[int, ...]]:
    """Numbers of photos that share a size, upright or not, and say nothing else of their focal length.

    A photo that tells none belongs to those of its size that do, if these agree. Photos that share their
    camera with no other are left out.
    """
    sizes: dict[tuple[int, ...], list[int]] = {}
    for number, seen in enumerate(observations):
        sizes.setdefault(tuple(sorted((seen.width, seen.height))), []).append(number)
    cameras: list[tuple[int, ...]] = []
    for numbers in sizes.values():
        silent = [number for number in numbers if observations[number].focal is None]
        told = _by_focal([number for number in numbers if number not in silent], observations)
        groups = [sorted(told[0] + silent)] if len(told) == 1 else [*told, silent]
        cameras += [tuple(group) for group in groups if len(group) > 1]
    return sorted(cameras)


def _by_focal(numbers: Sequence[int], observations: Sequence[Observation]) -> list[list[int]]:
    """Photos that tell a focal length, those of the same together."""
    groups: list[list[int]] = []
    last = -np.inf
    for number in sorted(numbers, key=lambda number: observations[number].focal or 0.0):
        focal = observations[number].focal or 0.0
        if focal > _SAME_FOCAL * last:
            groups.append([])
            last = focal  # the group's shortest
        groups[-1].append(number)
    return groups


def ties(observations: Sequence[Observation], photos: Sequence[int]) -> tuple[float, ...]:
    """How firmly photos of one camera keep to its lens: standard deviations of their log focal lengths."""
    return tuple(TIE if observations[photo].focal is None else _TOLD_TIE for photo in photos)


def shared_lenses(observations: Sequence[Observation], priors: Sequence[LogNormal]) -> list[SharedLens]:
    """The lenses that photos share.

    Args:
        priors: of each photo's own lens. A shared lens takes the median of the means and the least of the
            standard deviations; of photos that tell their lens, if there are any.
    """
    lenses = []
    for photos in photos_of_one_camera(observations):
        told = [photo for photo in photos if observations[photo].focal is not None]
        means, stds = zip(*(priors[photo] for photo in told or photos), strict=True)
        mean = float(np.median(means))
        lenses.append(SharedLens(photos, ties(observations, photos), (mean, min(stds)), mean))
    return lenses


def origins(observations: Sequence[Observation]) -> list[LensOrigin]:
    """Where the lens of each photo is known from."""
    found = [LensOrigin(seen.focal_from if seen.focal else "assumed") for seen in observations]
    for photos in photos_of_one_camera(observations):
        first = next((photo for photo in photos if observations[photo].focal is not None), photos[0])
        for photo in photos:
            if photo != first and observations[photo].focal is None:
                found[photo] = LensOrigin(found[first].source, first)
    return found


def believable(observations: Sequence[Observation]) -> tuple[list[Observation], list[list[str]]]:
    """The photos without focal lengths of their files that cannot be true, and warnings about each.

    A photo that was cut out of a larger one, by a program that did not say so, seems to have been taken from
    far too near.
    """
    kept, warnings = [], []
    for seen in observations:
        said = []
        distance = (seen.focal or np.inf) * _EYE_CORNERS / seen.eye_distance  # d = f · size / pixels
        if distance < _NEAREST and seen.focal_from == "given":
            said = [
                f"with the focal length that was given it was taken from {100 * distance:.0f} cm; if it was "
                "cut out of a larger photo, multiply the focal length by how much was cut away."
            ]
        elif distance < _NEAREST:
            said = [
                f"by the focal length in its EXIF it was taken from {100 * distance:.0f} cm, so it was cut "
                "out of a larger photo and its lens is assumed; use the whole photo, or give --focal."
            ]
            seen = replace(seen, focal=None)
        kept.append(seen)
        warnings.append(said)
    return kept, warnings
