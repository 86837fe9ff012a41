"""The live tracker: causal, without jumps, and as good as it can be."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from core.arkit import ARKIT_INDEX
from core.capture.video import Frame
from core.errors import BadInput, NoFaceFound
from core.live.continuity import Continuity, State
from core.live.frame import LiveFrame
from core.live.take import track_of
from core.live.tracker import LiveOptions, LiveTracker
from core.rig import Rig
from core.track import Source
from core.tracking.bridge import EASE
from models.prior.prior import LandmarkPrior
from tests.performances import GONE, RATE, SIDE, tilting_portrait

SMILE = [ARKIT_INDEX["mouthSmileLeft"], ARKIT_INDEX["mouthSmileRight"]]


@pytest.fixture(scope="module")
def pictures() -> list[Frame]:
    """The portrait there and back: 3.2 s, long enough to measure the person once."""
    there = tilting_portrait()
    return [Frame(index / RATE, pixels) for index, pixels in enumerate([*there, *there[::-1]])]


def track(frames: Sequence[Frame], rig: Rig | None = None, smoothing: float = 1.0) -> list[LiveFrame]:
    with LiveTracker(rig, LandmarkPrior(), LiveOptions(smoothing, beside=False)) as tracker:
        return [tracker(frame) for frame in frames]


@pytest.fixture(scope="module")
def shown(pictures: list[Frame]) -> list[LiveFrame]:
    return track(pictures)


def test_she_smiles_and_tilts_her_head(shown: list[LiveFrame]) -> None:
    there = shown[8 : GONE.start]
    assert np.mean([frame.coefficients[SMILE] for frame in there]) > 0.2
    assert min(frame.confidence for frame in there) > 0.5 and all(frame.found for frame in there)
    back = slice(40, 52)  # when she has been in view for a while again
    roll = [np.degrees(np.arctan2(f.head_rotation[1, 0], f.head_rotation[0, 0])) for f in shown[back]]
    true = -8 * np.sin((79 - np.arange(80))[back] / 6)
    assert np.corrcoef(roll, true)[0, 1] > 0.9 and np.ptp(roll) > 0.6 * np.ptp(true)
    assert set(shown[8].named()) == set(ARKIT_INDEX)


def test_a_lost_face_eases_to_rest_and_comes_back(shown: list[LiveFrame]) -> None:
    gone = [shown[index] for index in GONE]
    assert not any(frame.found or frame.confidence for frame in gone)
    late = [frame for frame in gone if frame.time > gone[0].time + EASE]
    assert late and max(frame.coefficients.max() for frame in late) == 0.0
    assert not any(frame.gaze.any() for frame in late)
    after = shown[GONE.stop + 8]
    assert after.found and after.coefficients[SMILE].mean() > 0.2


def test_nothing_jumps(shown: list[LiveFrame]) -> None:
    coefficients = np.stack([frame.coefficients for frame in shown])
    # A quarter of a second from full to rest with level ends is at most 1.5 / EASE a second.
    assert np.abs(np.diff(coefficients, axis=0)).max() < 1.6 / EASE / RATE + 0.06
    places = np.stack([frame.head_translation for frame in shown])
    assert np.linalg.norm(np.diff(places, axis=0), axis=1).max() < 0.02
    turns = Rotation.from_matrix(np.stack([frame.head_rotation for frame in shown]))
    assert np.degrees((turns[1:] * turns[:-1].inv()).magnitude()).max() < 4.0


@settings(max_examples=3, deadline=None)
@given(st.integers(3, 30), st.integers(0, 2**32 - 1))
def test_what_is_shown_does_not_depend_on_what_comes(count: int, seed: int) -> None:
    there = [Frame(index / RATE, pixels) for index, pixels in enumerate(tilting_portrait())]
    random = np.random.default_rng(seed)
    noise = [
        Frame(frame.time, random.integers(0, 255, frame.pixels.shape, np.uint8)) for frame in there[count:]
    ]
    one, other = track(there[: count + 4]), track([*there[:count], *noise[:4]])
    for a, b in zip(one[:count], other[:count], strict=True):
        np.testing.assert_array_equal(a.coefficients, b.coefficients)
        np.testing.assert_array_equal(a.head_rotation, b.head_rotation)
        np.testing.assert_array_equal(a.head_translation, b.head_translation)


def test_the_rigs_head_counts_at_once(pictures: list[Frame], portrait_rig: Rig) -> None:
    own = track(pictures[:10], portrait_rig, smoothing=0.0)
    assert own[-1].found and own[-1].confidence > 0.5
    assert own[-1].coefficients[SMILE].mean() > 0.2


def test_frames_may_be_missing(pictures: list[Frame]) -> None:
    some = track(pictures[:15:3])
    assert all(frame.found for frame in some)


def test_a_place_without_a_face_is_refused(pictures: list[Frame]) -> None:
    with LiveTracker(options=LiveOptions(point=(3.0, 380.0))) as tracker, pytest.raises(BadInput):
        tracker(pictures[0])


def test_warming_up_changes_nothing(pictures: list[Frame]) -> None:
    cold = track(pictures[:3])
    with LiveTracker(None, LandmarkPrior(), LiveOptions(beside=False)) as tracker:
        tracker.warm_up((SIDE, SIDE))
        warm = [tracker(frame) for frame in pictures[:3]]
    for a, b in zip(cold, warm, strict=True):
        np.testing.assert_array_equal(a.coefficients, b.coefficients)


def test_a_performance_becomes_a_track(shown: list[LiveFrame]) -> None:
    made = track_of(shown, "live", Source("camera 0", SIDE, SIDE))
    assert made.times[0] == 0 and made.fps == pytest.approx(RATE, rel=0.01)
    assert made.lost[0] == (GONE.start, GONE.stop) and made.provenance["live"]
    with pytest.raises(NoFaceFound):
        track_of([frame for frame in shown if not frame.found], "none", Source("x"))


unit = st.floats(-1, 1, allow_nan=False)
states = st.builds(
    lambda values, turn, way: State(
        np.clip(np.resize(values, 52), 0, 1), Rotation.from_rotvec(turn).as_matrix(), np.array(way)
    ),
    st.lists(unit, min_size=4, max_size=8),
    st.tuples(unit, unit, unit),
    st.tuples(unit, unit, unit),
)


@given(states, states, st.floats(0.05, 2.0))
def test_a_switch_begins_with_what_was_shown_and_ends_with_what_is_measured(
    before: State, after: State, seconds: float
) -> None:
    continuity = Continuity()
    continuity.switch(10.0, before, after, seconds, seconds)
    for time, expected in ((10.0, before), (10.0 + seconds, after), (99.0, after)):
        got = continuity(time, after)
        np.testing.assert_allclose(got.coefficients, expected.coefficients, atol=1e-9)
        np.testing.assert_allclose(got.rotation, expected.rotation, atol=1e-9)
        np.testing.assert_allclose(got.translation, expected.translation, atol=1e-9)
    steps = [continuity(10.0 + seconds * share, after).translation for share in np.linspace(0, 1, 101)]
    far = np.linalg.norm(after.translation - before.translation)
    assert np.linalg.norm(np.diff(steps, axis=0), axis=1).max() <= 0.0151 * far + 1e-9
