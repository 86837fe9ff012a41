"""A photo performs: frames, times, motion, alpha, sound, what the files say, and what cannot be done."""

from __future__ import annotations

import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image

from core.capture.photos import Photo, load_photo
from core.digital_source import read_source, source_address
from core.errors import BadInput, Cancelled, NoFaceFound
from core.guidance.guidance import Guidance
from core.photo_to_reenactment import ReenactOptions, reenact
from core.progress import Progress
from core.reenactment.portrait import portrait_of
from core.reenactment.writing import TIMES_FILE, unpack_pictures
from core.rig import Rig
from core.track import Shot, Track, read_livelink
from tests.films import film_with_sound, packets_of_sound, pictures_of
from tests.portraits import HEIGHT, WIDTH, portrait_pixels
from tests.portraits import portrait_rig as made_rig
from tests.real_data import real_data
from tests.tracks import make_track, turned

FRAMES = 6


@pytest.fixture(scope="module")
def rig() -> Rig:
    return made_rig()


@pytest.fixture
def photo(tmp_path: Path) -> Photo:
    """The file of the rig's photo."""
    Image.fromarray(portrait_pixels()).save(tmp_path / "anna.png")
    return load_photo(tmp_path / "anna.png")


def _known(rig: Rig, photo: Photo) -> Rig:
    """The rig, which knows that file."""
    (origin,) = rig.provenance["photos"]
    return replace(rig, provenance={"photos": [{**origin, "sha256": photo.sha256}]})


def _still(frames: int = FRAMES, **changes: object) -> Track:
    """A performance in which nothing happens."""
    nothing: dict[str, Any] = dict(
        coefficients=np.zeros((frames, 52), np.float32),
        head_rotation=np.repeat(np.diag([1, -1, -1]).astype(np.float32)[None], frames, axis=0),
        head_translation=np.repeat(np.array([[0, 0, 0.6]], np.float32), frames, axis=0),
        confidence=np.ones(frames, np.float32),
        lost=(),
    )
    return make_track(frames, **{**nothing, **changes})


def test_every_frame_of_the_driver_becomes_a_picture_at_its_time(
    rig: Rig, photo: Photo, tmp_path: Path
) -> None:
    times = 0.4 + np.array([0, 0.03, 0.08, 0.1, 0.5, 0.54])
    made = reenact(_known(rig, photo), make_track(FRAMES, times=times), tmp_path / "a.mp4", photo=photo)
    got, pictures = pictures_of(tmp_path / "a.mp4")
    assert made.frames == FRAMES and not made.partial and made.motion == "relative"
    np.testing.assert_allclose(got, times - times[0], atol=1e-4)
    assert pictures.shape == (FRAMES, HEIGHT, WIDTH, 3)
    assert made.warnings == () and made.source == "compositeSynthetic"
    assert read_source(tmp_path / "a.mp4") == source_address("compositeSynthetic")


def test_a_driver_at_rest_leaves_the_photo_as_it_is_and_a_turn_moves_the_head_alone(
    rig: Rig, photo: Photo, tmp_path: Path
) -> None:
    own = _known(rig, photo)
    reenact(own, _still(), tmp_path / "still.zip", photo=photo)
    yaw = np.linspace(0, 0.4, FRAMES)
    turning = _still(head_rotation=turned(yaw, 0 * yaw))
    reenact(own, turning, tmp_path / "turn.zip", ReenactOptions(rest=0.0, smoothing=0.0), photo=photo)
    still, turn = _pictures(tmp_path / "still.zip"), _pictures(tmp_path / "turn.zip")
    head = np.s_[:, 55:120, 75:125, :3]
    original = portrait_pixels()[None][head].astype(int)
    assert np.abs(still[head] - original).mean(axis=(1, 2, 3)).max() < 0.5
    changed = np.abs(turn[head] - original).mean(axis=(1, 2, 3))
    assert changed[0] < 0.5 and changed[-1] > 3
    corners = turn[:, [2, 2, -3, -3], [2, -3, 2, -3], :3].astype(int)
    assert np.abs(corners - portrait_pixels()[[2, 2, -3, -3], [2, -3, 2, -3]]).max() <= 3


def _pictures(archive: Path) -> np.ndarray:
    with zipfile.ZipFile(archive) as packed:
        names = sorted(name for name in packed.namelist() if name.endswith(".png"))
        return np.stack([np.asarray(Image.open(packed.open(name))) for name in names])


def test_pictures_have_alpha_state_their_source_and_say_how_long_they_are_shown(
    rig: Rig, photo: Photo, tmp_path: Path
) -> None:
    times = np.array([0, 0.03, 0.08, 0.1, 0.5, 0.54])
    made = reenact(_known(rig, photo), make_track(FRAMES, times=times), tmp_path / "a.zip", photo=photo)
    (tmp_path / "all").mkdir()
    unpack_pictures(tmp_path / "a.zip", tmp_path / "all")
    files = sorted((tmp_path / "all").glob("*.png"))
    assert made.frames == len(files) == FRAMES
    assert {read_source(file) for file in files} == {source_address("compositeSynthetic")}
    image = np.asarray(Image.open(files[-1]))
    assert image.shape == (HEIGHT, WIDTH, 4)
    lengths = [line.split()[1] for line in (tmp_path / "all" / TIMES_FILE).read_text().splitlines()[2::2]]
    np.testing.assert_allclose(np.array(lengths[:-1], float), np.diff(times), atol=1e-5)


def test_a_network_paints_and_the_files_say_so(rig: Rig, photo: Photo, tmp_path: Path) -> None:
    class Green:
        seen = 0

        def __call__(self, guidance: Guidance, plain: np.ndarray) -> np.ndarray:
            Green.seen += len(guidance.flow)
            return np.broadcast_to(np.array([0, 1, 0], np.float32), plain.shape).copy()

    made = reenact(_known(rig, photo), make_track(FRAMES), tmp_path / "a.mp4", photo=photo, painter=Green())
    assert made.source == "compositeWithTrainedAlgorithmicMedia" and Green.seen == FRAMES
    assert read_source(tmp_path / "a.mp4") == source_address("compositeWithTrainedAlgorithmicMedia")
    middle = pictures_of(tmp_path / "a.mp4")[1][:, HEIGHT // 2, WIDTH // 2].astype(int)
    assert np.abs(middle - [0, 255, 0]).max() < 12


def test_the_drivers_sound_is_kept(rig: Rig, tmp_path: Path) -> None:
    clip = film_with_sound(tmp_path / "clip.mp4", 1.0)
    reenact(rig, make_track(FRAMES), tmp_path / "a.mp4", sound=clip)
    kept = packets_of_sound(tmp_path / "a.mp4")
    assert kept and kept == packets_of_sound(clip)[: len(kept)]


def test_the_rigs_own_picture_stands_in_for_the_file_and_size_is_the_longer_side(
    rig: Rig, tmp_path: Path
) -> None:
    made = reenact(rig, make_track(2), tmp_path / "a.mp4")
    assert pictures_of(tmp_path / "a.mp4")[1].shape[1:3] == (HEIGHT // 2, WIDTH // 2)
    assert any("as the rig keeps it" in line and "--photo-file" in line for line in made.warnings)
    reenact(rig, make_track(2), tmp_path / "b.mp4", ReenactOptions(size=120))
    assert pictures_of(tmp_path / "b.mp4")[1].shape[1:3] == (96, 120)


def test_motion_is_absolute_for_the_rigs_own_person_unless_told(rig: Rig, tmp_path: Path) -> None:
    own = make_track(2, rig_id=rig.rig_id)
    assert reenact(rig, own, tmp_path / "a.mp4").motion == "absolute"
    asked = ReenactOptions(motion="relative")
    assert reenact(rig, own, tmp_path / "b.mp4", asked).motion == "relative"
    assert reenact(rig, make_track(2), tmp_path / "c.mp4").motion == "relative"


def test_a_stop_keeps_what_was_made_and_a_cancelled_job_nothing(rig: Rig, tmp_path: Path) -> None:
    asked = iter([False, False, True])
    made = reenact(rig, make_track(FRAMES), tmp_path / "a.mp4", stopped=lambda: next(asked))
    assert made.partial and made.frames == len(pictures_of(tmp_path / "a.mp4")[0]) == 3
    assert any("3 of 6 pictures are kept" in line for line in made.warnings)
    progress = Progress({"photo": 1.0, "pictures": 1.0})
    progress.cancelled = lambda: progress._stage == "pictures"
    with pytest.raises(Cancelled):
        reenact(rig, make_track(FRAMES), tmp_path / "b.mp4", progress=progress)
    assert [path.name for path in tmp_path.iterdir()] == ["a.mp4"]


def test_cuts_and_wild_takes_still_give_every_picture(rig: Rig, tmp_path: Path) -> None:
    track = make_track(FRAMES, shots=(Shot(0, 900.0), Shot(3, 900.0)))
    assert any("cuts at 0.12 s" in line for line in reenact(rig, track, tmp_path / "a.mp4").warnings)
    yaw = np.linspace(0, np.pi, FRAMES)
    wild = make_track(
        FRAMES,
        coefficients=np.full((FRAMES, 52), 1.4, np.float32),
        head_rotation=turned(yaw, yaw),
        head_translation=np.linspace([0, 0, 0.6], [5, -5, -0.3], FRAMES).astype(np.float32),
    )
    made = reenact(rig, wild, tmp_path / "b.zip", ReenactOptions(motion="absolute", rest=0.0))
    pictures = _pictures(tmp_path / "b.zip")
    assert made.frames == len(pictures) == FRAMES
    assert pictures[..., :3].mean(axis=(1, 2, 3)).min() > 50  # nothing that is no number: it would be black


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (ReenactOptions(photo=2), "no photo 2"),
        (ReenactOptions(size=8), "8 pixels"),
        (ReenactOptions(rest=60.0), "no frame at 60 s"),
    ],
    ids=str,
)
def test_options_that_cannot_be(rig: Rig, tmp_path: Path, options: ReenactOptions, told: str) -> None:
    with pytest.raises(BadInput, match=told):
        reenact(rig, make_track(2), tmp_path / "a.mp4", options)
    assert list(tmp_path.iterdir()) == []


def test_a_rig_without_pictures_and_files_that_are_other_photos(
    rig: Rig, photo: Photo, tmp_path: Path
) -> None:
    with pytest.raises(BadInput, match="keeps no picture"):
        portrait_of(replace(rig, previews={}))
    with pytest.raises(BadInput, match="has no photo"):
        portrait_of(replace(rig, photos=()))
    with pytest.raises(NoFaceFound, match=r"anna\.png"):  # an egg
        portrait_of(rig, photo=photo)
    wide = replace(photo, pixels=cv2.resize(photo.pixels, (WIDTH, WIDTH)))
    with pytest.raises(BadInput, match="is not the photo"):
        portrait_of(rig, photo=wide)


def test_a_profile_is_warned_of() -> None:
    aside = turned(np.array([1.2]), np.array([0.0]))[0]
    warnings = portrait_of(made_rig(rotation=aside)).warnings
    assert any("turned by about 69°" in line for line in warnings)


def test_another_persons_photo_is_told(portrait_rig: Rig, portrait: Path) -> None:
    """The file is the rig's photo but for its bytes; the network says what it is told to."""

    class Recogniser:
        same_above = 0.5
        likeness = 1.0

        def __call__(self, pixels: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
            across = pixels.shape[1] > 600 or np.ptp(landmarks[:, 2]) == 0
            return np.array([1.0, 0.0] if across else [self.likeness, 0.0], np.float32)

    photo = replace(load_photo(portrait), sha256="another")
    recogniser = Recogniser()
    assert portrait_of(portrait_rig, photo=photo, recogniser=recogniser).warnings == ()
    recogniser.likeness = 0.2
    (warning,) = portrait_of(portrait_rig, photo=photo, recogniser=recogniser).warnings
    assert "a different person?" in warning
    shifted = replace(photo, pixels=np.roll(photo.pixels, 260, axis=1))
    with pytest.raises((BadInput, NoFaceFound)):
        portrait_of(portrait_rig, photo=shifted)


def test_a_real_take_moves_a_real_photo(portrait_rig: Rig, portrait: Path, tmp_path: Path) -> None:
    """Mouth and eyes of the astronaut move with a Live Link take, and the background stays."""
    take = read_livelink(real_data("arkit/livelink_range_of_motion.csv"))
    part = slice(400, 412)
    track = replace(
        take,
        times=take.times[part],
        coefficients=take.coefficients[part],
        head_rotation=take.head_rotation[part],
        head_translation=take.head_translation[part],
        gaze=take.gaze[part],
        confidence=take.confidence[part],
    )
    made = reenact(portrait_rig, track, tmp_path / "a.zip", photo=load_photo(portrait))
    pictures = _pictures(tmp_path / "a.zip")
    original = np.asarray(Image.open(portrait))
    assert made.frames == len(pictures) == 12 and pictures.shape[1:3] == original.shape[:2]
    matte = pictures[0, ..., 3]
    assert matte[150, 220] > 250 and matte[40, 20] < 40
    np.testing.assert_allclose(
        pictures[:, 40, 20, :3].astype(int), original[40, 20].astype(int)[None].repeat(12, 0), atol=12
    )
