"""A performance onto another person's photo."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from core.arkit import ARKIT_INDEX
from core.guidance.drive import calm_frame, driven
from tests.core.guidance.heads import state
from tests.tracks import make_track


def test_at_rest_the_photo_is_left_alone() -> None:
    track, photo = make_track(), state(0.2, mouthSmileLeft=0.3)
    rest = calm_frame(track)
    states = driven(photo, track, motion="relative")
    assert np.abs(states.coefficients[rest] - photo.coefficients[0]).max() < 1e-6
    assert np.abs(states.rotation[rest] - photo.rotation[0]).max() < 1e-5
    assert np.abs(states.translation[rest] - photo.translation[0]).max() < 1e-6


def test_rest_is_the_calmest_frame_that_was_seen() -> None:
    track = make_track()
    coefficients = np.full_like(track.coefficients, 0.2)
    coefficients[7], coefficients[3] = 0.1, 0.0
    confidence = np.ones_like(track.confidence)
    confidence[3] = 0
    assert calm_frame(replace(track, coefficients=coefficients, confidence=confidence)) == 7


def test_absolute_motion_takes_expression_and_turn_as_they_are() -> None:
    track, photo = make_track(), state(0.2, mouthSmileLeft=0.3)
    states = driven(photo, track, motion="absolute")
    assert np.abs(states.coefficients - np.clip(track.coefficients, 0, 1)).max() < 1e-6
    assert np.abs(states.rotation - track.head_rotation).max() < 1e-6


@pytest.mark.parametrize("parts", ["expression", "pose"])
def test_half_a_performance(parts: str) -> None:
    track, photo = make_track(), state(0.1)
    states = driven(photo, track, motion="relative", parts=parts)  # type: ignore[arg-type]
    still = np.abs(states.rotation - photo.rotation).max() < 1e-6
    calm = np.abs(states.coefficients - photo.coefficients).max() < 1e-6
    assert (still, calm) == ((True, False) if parts == "expression" else (False, True))


def test_a_head_that_comes_closer_grows_as_much() -> None:
    track, photo = make_track(), state()
    path = np.tile(np.array([0, 0, 2.0], np.float32), (len(track.times), 1))
    path[5:, 2] = 1.0
    track = replace(track, head_translation=path, coefficients=np.zeros_like(track.coefficients))
    states = driven(photo, track, motion="relative", rest=0)
    assert states.translation[6, 2] == pytest.approx(photo.translation[0, 2] / 2)


def test_motion_adds_to_what_the_photo_does_and_stays_in_range() -> None:
    track = make_track()
    smile = ARKIT_INDEX["mouthSmileLeft"]
    coefficients = np.zeros_like(track.coefficients)
    coefficients[4, smile] = 0.8
    states = driven(
        state(mouthSmileLeft=0.5), replace(track, coefficients=coefficients), motion="relative", rest=0
    )
    assert states.coefficients[4, smile] == 1
    assert states.coefficients[3, smile] == pytest.approx(0.5)
