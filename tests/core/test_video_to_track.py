"""The whole way from a video file to a track, on a portrait that moves and a rendered performance."""

from __future__ import annotations

import io
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image
from scipy.spatial.transform import Rotation

from core.arkit import ARKIT_INDEX
from core.errors import BadInput, Cancelled, NoFaceFound, UnreadableMedia
from core.face_model.registry import load_model
from core.progress import Progress, ProgressReport
from core.rig import Rig
from core.sheet.qc_clip import write_qc_clip
from core.track import load_track, save_track
from core.tracking.clip_identity import head_points
from core.video_to_track import TrackedVideo, TrackOptions, expected_seconds, track_video
from tests.performances import FRAMES, GONE, RATE, SIDE, tilting_portrait, write_video
from tests.readers import FACING, Reading, ToldReader


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_video(tmp_path_factory.mktemp("clip") / "astronaut.mp4", tilting_portrait())


@pytest.fixture(scope="module")
def tracked(clip: Path) -> TrackedVideo:
    return track_video(clip, TrackOptions(keep_landmarks=True))


def test_a_track_has_every_frame_and_says_where_the_face_was_lost(tracked: TrackedVideo, clip: Path) -> None:
    track = tracked.track
    assert len(track.times) == FRAMES and track.name == "astronaut" and track.fps == pytest.approx(RATE)
    np.testing.assert_allclose(track.times, np.arange(FRAMES) / RATE, atol=1e-3)
    lost = [index for first, end in track.lost for index in range(first, end)]
    assert lost == list(GONE)
    assert (track.confidence[list(GONE)] == 0).all() and track.confidence[:15].min() > 0.5
    assert any("not seen" in warning for warning in track.warnings)
    assert track.source is not None and (track.source.width, track.source.height) == (SIDE, SIDE)


def test_she_smiles_and_tilts_her_head(tracked: TrackedVideo) -> None:
    track = tracked.track
    smile = track.coefficients[:15, [ARKIT_INDEX["mouthSmileLeft"], ARKIT_INDEX["mouthSmileRight"]]]
    assert smile.mean() > 0.2
    roll = np.degrees(np.arctan2(track.head_rotation[:, 1, 0], track.head_rotation[:, 0, 0]))
    true = -8 * np.sin(np.arange(FRAMES) / 6)  # OpenCV turns counterclockwise
    seen = np.setdiff1d(np.arange(FRAMES), list(GONE))
    np.testing.assert_allclose(roll[seen] - roll[seen].mean(), (true - true[seen].mean())[seen], atol=2.0)


def test_a_track_travels_by_file(tracked: TrackedVideo, tmp_path: Path) -> None:
    save_track(tracked.track, tmp_path / "a.semtrack")
    again = load_track(tmp_path / "a.semtrack")
    np.testing.assert_array_equal(again.coefficients, tracked.track.coefficients)
    assert again.lost == tracked.track.lost and again.shots == tracked.track.shots


def test_the_rigs_head_is_used(clip: Path, portrait_rig: Rig) -> None:
    made = track_video(clip, TrackOptions(end=0.4), portrait_rig)
    assert made.track.rig_id == portrait_rig.rig_id
    own = np.linalg.norm(made.head.rest - portrait_rig.landmarks, axis=1)
    assert np.median(own) < 0.004  # the rig's landmarks, but for the landmark network's habits


def test_in_and_out_points_and_stopping_early(clip: Path) -> None:
    part = track_video(clip, TrackOptions(start=0.2, end=0.4)).track
    np.testing.assert_allclose(part.times, np.arange(5, 11) / RATE, atol=1e-3)
    asked = []
    stopped = track_video(clip, stopped=lambda: asked.append(1) or len(asked) >= 8).track  # type: ignore[func-returns-value]
    assert len(stopped.times) == 8 and stopped.partial and not part.partial
    assert any("8 of about 40 frames" in warning for warning in stopped.warnings)
    whole = track_video(clip, TrackOptions(end=0.2)).track
    np.testing.assert_array_equal(whole.times[:6], stopped.times[:6])


def test_stopping_before_there_is_something_to_keep_keeps_nothing(clip: Path) -> None:
    with pytest.raises(Cancelled):
        track_video(clip, stopped=lambda: True)
    with pytest.raises(Cancelled):  # all faces are lost there
        track_video(clip, TrackOptions(start=GONE[0] / RATE + 0.01), stopped=lambda: True)


def test_in_and_out_points_outside_the_clip_are_told(clip: Path) -> None:
    with pytest.raises(BadInput, match="after the clip's end"):
        track_video(clip, TrackOptions(start=99.0))
    late = track_video(clip, TrackOptions(start=1.2, end=9.0)).track
    assert any("out point (9 s) lies after" in warning for warning in late.warnings)


def test_the_frame_in_work_is_reported_with_small_pictures(clip: Path) -> None:
    reports: list[ProgressReport] = []
    progress = Progress(expected_seconds("anny", FRAMES), reports.append, pictures=True)
    track_video(clip, progress=progress)
    frames = [report.frame for report in reports if report.frame]
    assert [frame.number for frame in frames] == list(range(1, FRAMES + 1))
    assert {frame.count for frame in frames} == {FRAMES}
    assert frames[5].time == pytest.approx(5 / RATE, abs=1e-3)
    pictures = [frame.picture for frame in frames if frame.picture]
    assert 1 <= len(pictures) <= 6  # not one a frame
    shown = np.asarray(Image.open(io.BytesIO(pictures[0])).convert("RGB"), np.int32)
    assert max(shown.shape) == 224
    green = shown[..., 1] - np.maximum(shown[..., 0], shown[..., 2]) > 60
    rows, columns = np.nonzero(green)
    assert np.ptp(rows) > 40 and np.ptp(columns) > 40  # the outline of the face
    assert all(report.frame is None or not report.frame.picture for report in _without_pictures(clip))


def _without_pictures(clip: Path) -> list[ProgressReport]:
    reports: list[ProgressReport] = []
    track_video(clip, TrackOptions(end=0.2), progress=Progress(expected_seconds("anny", 6), reports.append))
    return reports


def test_cancelling_keeps_nothing(clip: Path) -> None:
    asked: list[int] = []

    def cancelled() -> bool:
        asked.append(1)
        return len(asked) > 12

    with pytest.raises(Cancelled):
        track_video(clip, progress=Progress(expected_seconds("anny", FRAMES), cancelled=cancelled))


def test_the_search_for_the_persons_head_can_be_cancelled_between_its_steps(clip: Path) -> None:
    shares: list[float] = []
    expected = expected_seconds("anny", FRAMES)
    before = (expected["model"] + expected["faces"]) / sum(expected.values())
    inside = expected["identity"] / sum(expected.values())

    def listen(report: ProgressReport) -> None:
        if report.stage == "identity":
            shares.append((report.fraction - before) / inside)

    with pytest.raises(Cancelled):
        track_video(clip, progress=Progress(expected, listen, lambda: len(shares) >= 12))
    assert len(shares) == 12 and len(set(shares)) > 8 and shares[-1] < 1


def test_progress_goes_up_to_the_end(clip: Path) -> None:
    fractions: list[float] = []
    progress = Progress(expected_seconds("anny", 10), lambda report: fractions.append(report.fraction))
    track_video(clip, TrackOptions(end=0.4), progress=progress)
    assert fractions == sorted(fractions) and fractions[-1] == pytest.approx(1.0)


def test_a_clip_without_a_face_and_a_broken_one_are_errors(tmp_path: Path) -> None:
    noise = [picture for index, picture in enumerate(tilting_portrait()) if index in GONE]
    with pytest.raises(NoFaceFound, match="No frame"):
        track_video(write_video(tmp_path / "noise.mp4", noise))
    (tmp_path / "empty.mp4").write_bytes(b"")
    with pytest.raises(UnreadableMedia, match="empty"):
        track_video(tmp_path / "empty.mp4")


def test_the_check_clip_shows_every_frame_with_the_wire(
    tracked: TrackedVideo, clip: Path, tmp_path: Path
) -> None:
    out = tmp_path / "check.mp4"
    write_qc_clip(clip, tracked.track, tracked.head, out)
    with av.open(str(out)) as container:
        frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    assert len(frames) == FRAMES and frames[0].shape[0] > SIDE
    green = (frames[2][:SIDE, :, 1].astype(int) - tilting_portrait()[2][:, :, 1]) > 40
    rows, columns = np.nonzero(green)
    x, y = tracked.track.landmarks[2].mean(axis=0)  # type: ignore[index]
    assert abs(columns.mean() - x) < 25 and abs(rows.mean() - y) < 25


def test_a_reader_sees_frames_with_a_face_and_is_believed(clip: Path, tracked: TrackedVideo) -> None:
    mean = np.zeros(120, np.float32)
    mean[0] = 2.0
    turn = (FACING @ Rotation.from_euler("y", 20, degrees=True).as_matrix()).astype(np.float32)
    reading = Reading(mean, np.full(120, 0.01, np.float32), rotation=turn, rotation_std=np.full(3, 1e-4, "f"))
    reader = ToldReader(lambda _: reading)
    made = track_video(clip, reader=reader)
    shown = np.setdiff1d(np.arange(FRAMES), list(GONE))
    assert len(reader.asked) > 1 and all(camera is None for _, camera in reader.asked)
    kept = tracked.track.landmarks
    assert kept is not None
    for marks, _ in reader.asked:
        assert np.abs(kept[shown] - marks[:, :2]).max(axis=(1, 2)).min() < 0.01
    # on the ray on which the face is seen, the clip's zero is as the reader says
    frames = [index for marks, _ in reader.asked
              for index in shown if np.abs(kept[index] - marks[:, :2]).max() < 0.01]  # fmt: skip
    off = Rotation.from_matrix(np.swapaxes(made.track.head_rotation[frames], 1, 2).astype(float) @ turn)
    assert np.linalg.norm(np.median(off.as_rotvec(degrees=True), axis=0)) < 12
    model = load_model("anny")
    own = head_points(model, model.neutral(mean)).rest
    apart = [np.linalg.norm(each.head.rest - own, axis=1).mean() for each in (made, tracked)]
    assert apart[0] < 0.7 * apart[1]


def test_frames_before_the_click_are_not_read_and_another_models_reader_is_not_asked(clip: Path) -> None:
    late = TrackOptions(end=0.4, point=(SIDE / 2, 140.0), point_time=0.2)
    reader = ToldReader(lambda _: Reading(rotation_std=np.full(3, 0.02, np.float32)))
    track = track_video(clip, late, reader=reader).track
    assert 0 < len(reader.asked) < len(track.times)
    assert np.isfinite(track.head_rotation).all()
    other = ToldReader(lambda _: Reading(), model_name="ict")
    track_video(clip, TrackOptions(end=0.2), reader=other)
    assert not other.asked
