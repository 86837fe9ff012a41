"""Photos that join the fit by their outline: those without landmarks, and those with wrong ones.

Beyond about 70 degrees of yaw landmarks are missing, or they are there and lie beside the face by half a
centimetre. Once the other photos have given a head, such photos are placed with its help
(``core.fitting.profile``) and take part in what flow and outlines say of the shape.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from core.capture.faces import Face, face_sharpness
from core.capture.headshot import cut_headshot
from core.capture.masks import PersonMasker
from core.face_model.model import FaceModel
from core.fitting.dense import DenseFit
from core.fitting.lens import believable
from core.fitting.observe import observe
from core.fitting.profile import Placed, PlacingLimits, outline_apart, place
from core.fitting.types import JoinedProfile, Observation, Profile

_BOX: Final = 0.15  # metres, of a detector's box
_NEAREST: Final = 0.2  # metres; nobody is photographed from nearer
_FEWEST: Final = 2  # other photos that a head is known by
_RIGHT: Final = 0.0015  # metres between outlines below which landmarks were right


def join_profiles(
    model: FaceModel,
    fit: DenseFit,
    observations: Sequence[Observation],
    profiles: Sequence[Profile],
    masker: PersonMasker,
    limits: PlacingLimits | None = None,
    *,
    progress: Callable[[float], None] = lambda fraction: None,
) -> list[JoinedProfile]:
    """Those of the profiles that the head explains, each placed by the photos that are none.

    Args:
        fit: of the observations.
        progress: told the fraction done before each.
    """
    limits = limits or PlacingLimits()
    doubtful = [profile.number for profile in profiles if profile.number is not None]
    others = [number for number in range(len(observations)) if number not in doubtful]
    if len(others) < _FEWEST:
        return []
    known = replace(fit, photos=[fit.photos[number] for number in others])
    seen = [observations[number] for number in others]
    joined = []
    for done, profile in enumerate(profiles):
        progress(done / len(profiles))
        before = np.inf
        if profile.number is not None:
            before = outline_apart(model, fit, fit.photos[profile.number], profile.face)
            if before < _RIGHT:
                continue
        placed = place(model, known, seen, profile.face, _focal(profile, known, seen), limits)
        if placed is None or not placed.within(limits) or placed.posed.outline[0] > before:
            continue
        joined.append(_joined(profile, placed, masker))
    return joined


def _joined(profile: Profile, placed: Placed, masker: PersonMasker) -> JoinedProfile:
    photo = profile.face.photo
    face = Face(placed.landmarks, 1.0, 1.0, face_sharpness(photo, placed.landmarks))
    shot = cut_headshot(photo, face, masker, profile.most_pixels)
    # the lips are the head's, and say nothing of teeth
    (seen,), (said,) = believable([replace(observe(photo, shot, profile.lens), teeth_meet=False)])
    why = "no landmarks were found in it" if profile.number is None else "its landmarks were wrong"
    how = f"{why}; it was placed by its outline and by the skin that the other photos show."
    return JoinedProfile(profile, placed.posed.fit, face, shot, seen, (how, *said))


def with_profiles(
    fit: DenseFit, observations: Sequence[Observation], joined: Sequence[JoinedProfile]
) -> tuple[DenseFit, list[Observation]]:
    """Fit and observations with the profiles at their places; those that had none come last."""
    photos, seen = list(fit.photos), list(observations)
    for each in joined:
        if each.profile.number is None:
            photos.append(each.fit)
            seen.append(each.observation)
        else:
            photos[each.profile.number] = each.fit
            seen[each.profile.number] = each.observation
    return replace(fit, photos=photos), seen


def with_warnings(warnings: Sequence[list[str]], joined: Sequence[JoinedProfile]) -> list[list[str]]:
    """What is said of each observation, once :func:`with_profiles` has put the profiles among them."""
    said = list(warnings)
    for each in joined:
        if each.profile.number is None:
            said.append(list(each.warnings))
        else:
            said[each.profile.number] = list(each.warnings)
    return said


def _focal(profile: Profile, fit: DenseFit, observations: Sequence[Observation]) -> float:
    """Focal length in pixels: told, else that of photos of its size, else as wide as the others'."""
    photo = profile.face.photo
    told = photo.focal_px if profile.lens is None else profile.lens.pixels(*photo.size)
    if told is not None and told * _BOX / profile.face.side > _NEAREST:
        return told
    focals = [photo.camera.intrinsics[0] for photo in fit.photos]
    same = [
        focal
        for focal, seen in zip(focals, observations, strict=True)
        if sorted((seen.width, seen.height)) == sorted(photo.size)
    ]
    if same:
        return float(np.median(same))
    wide = [f / np.hypot(seen.width, seen.height) for f, seen in zip(focals, observations, strict=True)]
    return float(np.median(wide) * np.hypot(*photo.size))
