"""Who is in a clip, for somebody to choose from."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.capture.clip_people import find_people, to_document
from core.errors import BadInput, NoFaceFound
from core.video_to_track import TrackOptions, track_video
from tests.core.capture.faces import two_people
from tests.performances import write_video


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    alone, both, _ = two_people()
    return write_video(tmp_path_factory.mktemp("people") / "two.mp4", [alone] * 8 + [both] * 14)


def test_the_frame_with_most_people_is_shown_with_numbers(clip: Path) -> None:
    fractions: list[float] = []
    found = find_people(clip, report=fractions.append)
    assert found.time > 0.3 and (found.width, found.height, found.fps) == (800, 400, 25)
    assert [person.number for person in found.people] == [1, 2]
    assert [person.main for person in found.people] == [True, False]
    assert found.people[0].point[0] < 400 < found.people[1].point[0]
    picture = np.asarray(Image.open(io.BytesIO(found.picture)).convert("RGB"), np.float32)
    assert max(picture.shape) == 640
    left, top, right, bottom = (round(side * 640 / 800) for side in found.people[1].box)
    edge = picture[(top + bottom) // 2, [left, right]]
    assert (edge[:, 1] - edge[:, 0] > 60).all()  # green
    for person in found.people:
        assert Image.open(io.BytesIO(person.crop)).size == (128, 128)
    assert to_document(found)["people"][1]["point"] == [round(side, 1) for side in found.people[1].point]
    assert fractions == sorted(fractions) and len(fractions) == 4


def test_who_is_chosen_is_tracked(clip: Path) -> None:
    found = find_people(clip)
    chosen = found.people[1]
    options = TrackOptions(point=chosen.point, point_time=found.time, keep_landmarks=True)
    track = track_video(clip, options).track
    assert track.landmarks is not None and track.lost == ((0, 8),)
    assert (track.landmarks[8:, :, 0].min(axis=1) > 400).all()


def test_in_and_out_points_hold(clip: Path) -> None:
    assert len(find_people(clip, 0.0, 0.2).people) == 1
    with pytest.raises(BadInput, match="after the clip's end"):
        find_people(clip, 9.0)


def test_nobody_is_an_error(tmp_path: Path) -> None:
    noise = [np.random.default_rng(0).integers(90, 110, (96, 96, 3)).astype(np.uint8)] * 3
    with pytest.raises(NoFaceFound):
        find_people(write_video(tmp_path / "noise.mp4", noise))
