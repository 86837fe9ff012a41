"""Videos to clips."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from core.errors import NoFaceFound
from core.progress import Progress
from models.prior.prior import LandmarkPrior
from models.reenactment.clip import load_clip
from models.reenactment.make_clip import expected_seconds, find_videos, make_clip, make_clips
from tests.performances import write_video
from tests.real_data import real_data


def test_videos_are_found_by_name_and_mac_leftovers_are_not(tmp_path: Path) -> None:
    for name in ("b.mp4", "a.MOV", "._a.MOV", "note.txt"):
        (tmp_path / name).touch()
    assert [file.name for file in find_videos(tmp_path)] == ["a.MOV", "b.mp4"]


def test_a_video_without_a_face_is_left_out_and_said(tmp_path: Path) -> None:
    video = write_video(tmp_path / "wall.mp4", [np.full((120, 160, 3), 90, np.uint8)] * 5)
    with pytest.raises(NoFaceFound, match="wall"):
        make_clip(video, 1.0, 1, LandmarkPrior(), None)
    made = make_clips(
        [video], tmp_path / "out", 1.0, 1, Progress(expected_seconds([video])), LandmarkPrior(), None
    )
    assert made.clips == 0 and "wall.mp4 was left out" in made.warnings[0]


def test_a_real_clip(tmp_path: Path) -> None:
    video = real_data("clips/liveportrait_d19.mp4")
    progress = Progress(expected_seconds([video]))
    made = make_clips([video], tmp_path, 1.0, 2, progress, LandmarkPrior(), None)
    assert (made.clips, made.warnings) == (1, ())
    clip = load_clip(tmp_path / "liveportrait_d19")
    assert clip.pictures.shape[1:] == (256, 256, 3) and 8 < len(clip.pictures) < 40
    assert len(clip.states) == len(clip.pictures) and 0 < len(clip.sources) <= 12
    # the person is in the middle of the square, the ground at its corners
    assert clip.people[0][100:156, 100:156].min() > 200 and clip.people[0][0].mean() < 60
    before = {file: file.stat().st_mtime_ns for file in tmp_path.rglob("*") if file.is_file()}
    make_clips([video], tmp_path, 1.0, 2, Progress(expected_seconds([video])), LandmarkPrior(), None)
    assert before == {file: file.stat().st_mtime_ns for file in tmp_path.rglob("*") if file.is_file()}
