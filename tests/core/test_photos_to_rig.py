"""The whole job on a real photo, and on what users hand in by mistake."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.arkit import ARKIT_NAMES
from core.errors import BadInput, Cancelled, NoFaceFound, OutputFailed, SemblanceError, UnreadableMedia
from core.face_model.registry import load_model
from core.fitting.face_surface import face_weight
from core.lens import GivenLens
from core.photos_to_rig import RigOptions, build_rig, expected_seconds
from core.progress import Progress, ProgressReport
from core.rig import Rig, RigLens, load_rig, save_rig
from tests.readers import Reading, ToldReader
from tests.real_data import real_data

DRAFT = RigOptions(quality="draft", texture_size=256)  # where a texture is looked at, it is portrait_rig's


def _projected_landmarks(rig: Rig, index: int = 0) -> np.ndarray:
    """Landmarks of the neutral head in pixels of the photo's file."""
    photo = rig.photos[index]
    points = rig.landmarks @ photo.rotation.T + photo.translation
    scale, middle = (photo.camera.fx, photo.camera.fy), (photo.camera.cx, photo.camera.cy)
    return points[:, :2] / points[:, 2:] * scale + middle


def _detected_landmarks(rig: Rig, index: int = 0) -> np.ndarray:
    """The landmarks that were detected, in pixels of the photo's file."""
    origin = rig.provenance["photos"][index]
    return np.array(origin["landmarks"]) / origin["scale"] + (origin["left"], origin["top"])


def _noise(path: Path) -> Path:
    pixels = np.random.default_rng(0).integers(0, 255, (240, 320, 3), np.uint8)
    Image.fromarray(pixels).save(path)
    return path


def test_a_photo_becomes_a_rig_that_survives_its_file(portrait_rig: Rig, portrait_rig_file: Path) -> None:
    loaded = load_rig(portrait_rig_file)
    assert loaded.name == "Astronaut" and loaded.model_name == "anny"
    assert loaded.shape_keys.shape == (52, len(loaded.neutral), 3)
    assert loaded.textures["albedo.png"].shape == (1024, 1024, 3)
    assert [photo.file for photo in loaded.photos] == ["astronaut.png"]
    assert set(loaded.photos[0].expression) == set(ARKIT_NAMES)
    assert set(loaded.provenance["seconds"]) == set(expected_seconds("anny", 1, DRAFT))
    np.testing.assert_array_equal(loaded.neutral, portrait_rig.neutral)


def test_the_head_lies_over_the_face_in_the_photo(portrait_rig: Rig) -> None:
    detected, fitted = _detected_landmarks(portrait_rig), _projected_landmarks(portrait_rig)
    eyes = np.linalg.norm(detected[33] - detected[263])
    upper = [33, 133, 362, 263, 6, 168, 1]  # eye corners and nose: they hardly move with the expression
    assert np.linalg.norm(detected[upper] - fitted[upper], axis=1).max() < 0.12 * eyes


def test_the_skin_has_the_colour_of_the_photo(portrait_rig: Rig) -> None:
    albedo = portrait_rig.textures["albedo.png"].reshape(-1, 3)
    red, green, blue = np.median(albedo, axis=0)
    assert red > green > blue > 60


def test_only_lashes_have_a_texture_with_alpha(portrait_rig: Rig) -> None:
    see_through = [
        material.name
        for material in portrait_rig.materials
        if material.texture and portrait_rig.textures[material.texture].shape[2] == 4
    ]
    assert see_through == ["lashes"]


def test_cameras_speak_of_the_file_however_large_it_is(
    portrait: Path, portrait_rig: Rig, tmp_path: Path
) -> None:
    large = tmp_path / "large.jpg"
    Image.open(portrait).resize((4608, 4608), Image.Resampling.BICUBIC).save(large)
    rig = build_rig([large], options=DRAFT)
    photo = rig.photos[0]
    assert (photo.width, photo.height) == (4608, 4608)
    assert max(rig.previews["photo-01.png"].shape) <= 720
    shift = _projected_landmarks(rig) - 9 * _projected_landmarks(portrait_rig)
    eyes = 9 * np.linalg.norm(_detected_landmarks(portrait_rig)[33] - _detected_landmarks(portrait_rig)[263])
    assert np.median(np.linalg.norm(shift, axis=1)) < 0.06 * eyes


def test_exif_binds_and_photos_of_one_size_share_its_lens(portrait: Path, tmp_path: Path) -> None:
    pixels = np.asarray(Image.open(portrait).convert("RGB"))
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0xA405] = 85
    Image.fromarray(pixels).save(tmp_path / "told.jpg", exif=exif, quality=95)
    Image.fromarray(np.roll(pixels, 8, axis=1)).save(tmp_path / "silent.jpg", quality=95)
    rig = build_rig([tmp_path / "silent.jpg", tmp_path / "told.jpg"], options=DRAFT)
    assert [photo.lens for photo in rig.photos] == [RigLens("exif", "told.jpg"), RigLens("exif")]
    focal = 85 / np.hypot(36, 24) * np.hypot(512, 512)
    assert rig.photos[1].camera.fx == pytest.approx(focal, rel=0.05)
    assert rig.photos[0].camera.fx == pytest.approx(rig.photos[1].camera.fx, rel=0.05)
    given = build_rig([tmp_path / "told.jpg"], options=replace(DRAFT, lens=GivenLens(50.0, 23.6)))
    assert given.photos[0].lens == RigLens("given")
    assert given.photos[0].camera.fx == pytest.approx(50 / 23.6 * 512, rel=0.03)


def test_a_cmyk_photo_works(portrait: Path, tmp_path: Path) -> None:
    path = tmp_path / "print.jpg"
    Image.open(portrait).convert("CMYK").save(path)
    rig = build_rig([path], options=DRAFT)
    red, green, blue = np.median(rig.textures["albedo.png"].reshape(-1, 3), axis=0)
    assert red > green > blue


def test_of_two_people_one_is_taken_and_said_so(portrait: Path, tmp_path: Path) -> None:
    person = Image.open(portrait).crop((100, 0, 360, 300))
    both = Image.new("RGB", (700, 400))
    both.paste(person, (20, 50))
    both.paste(person.resize((320, 369)), (330, 20))
    both.save(tmp_path / "both.png")
    rig = build_rig([tmp_path / "both.png"], options=DRAFT)
    assert any("one more face" in warning for warning in rig.photos[0].warnings)
    assert _detected_landmarks(rig)[:, 0].min() > 330  # the larger


def _empty(path: Path, portrait: Path) -> None:
    path.write_bytes(b"")


def _truncated(path: Path, portrait: Path) -> None:
    path.write_bytes(portrait.read_bytes()[:20_000])


def _text(path: Path, portrait: Path) -> None:
    path.write_text("a photo, honestly")


def _faceless(path: Path, portrait: Path) -> None:
    _noise(path)


def _absent(path: Path, portrait: Path) -> None:
    pass


@pytest.mark.parametrize(
    ("make", "error"),
    [
        (_empty, UnreadableMedia),
        (_truncated, UnreadableMedia),
        (_text, UnreadableMedia),
        (_absent, UnreadableMedia),
        (_faceless, NoFaceFound),
    ],
)
def test_a_photo_that_cannot_be_used_is_named(
    make: Callable[[Path, Path], None], error: type[SemblanceError], portrait: Path, tmp_path: Path
) -> None:
    path = tmp_path / "bad.png"
    make(path, portrait)
    with pytest.raises(error, match=r"bad\.png") as caught:
        build_rig([path], options=DRAFT)
    assert caught.value.hint
    with pytest.raises(error, match=r"bad\.png"):
        build_rig([portrait, path], options=replace(DRAFT, strict=True))


def test_photos_that_cannot_be_used_are_left_out_with_a_warning(portrait: Path, tmp_path: Path) -> None:
    (tmp_path / "empty.jpg").write_bytes(b"")
    copy = tmp_path / "copy.png"
    copy.write_bytes(portrait.read_bytes())
    paths = [_noise(tmp_path / "noise.png"), portrait, tmp_path / "empty.jpg", copy]
    rig = build_rig(paths, options=DRAFT)
    assert [photo.file for photo in rig.photos] == ["astronaut.png"]
    for name in ("noise.png", "empty.jpg", "copy.png is the same photo as astronaut.png"):
        assert any(name in warning for warning in rig.warnings)
    assert rig.name == "astronaut"


def test_a_profile_without_landmarks_is_placed_by_the_other_photos(tmp_path: Path) -> None:
    folder = real_data("photos/kira")
    paths = [folder / f"{name}.jpg" for name in ("04", "01", "02", "03", "05", "10")]
    rig = build_rig(paths, options=DRAFT)
    assert [photo.file for photo in rig.photos] == [*(path.name for path in paths[1:]), "04.jpg"]
    left, right = (next(photo for photo in rig.photos if photo.file == name) for name in ("04.jpg", "05.jpg"))
    assert "no landmarks were found" in left.warnings[0] and "landmarks were wrong" in right.warnings[0]
    yaw = [np.degrees(np.arctan2(-photo.rotation[2, 0], -photo.rotation[2, 2])) for photo in (left, right)]
    assert 80 < yaw[0] < 100 and -95 < yaw[1] < -70
    assert not any("left out" in warning for warning in rig.warnings)


def test_a_profile_that_the_others_do_not_explain_is_named(portrait: Path, tmp_path: Path) -> None:
    side = real_data("photos/kira") / "04.jpg"
    again = tmp_path / "again.png"
    Image.fromarray(np.asarray(Image.open(portrait).convert("RGB"))[:, 4:]).save(again)
    rig = build_rig([portrait, again, side], options=DRAFT)
    assert [photo.file for photo in rig.photos] == [portrait.name, "again.png"]
    assert any("04.jpg" in warning and "turn back to about 70°" in warning for warning in rig.warnings)
    with pytest.raises(NoFaceFound, match=r"04\.jpg"):
        build_rig([portrait, again, side], options=replace(DRAFT, strict=True))


def test_when_no_photo_can_be_used_all_are_named(tmp_path: Path) -> None:
    paths = [_noise(tmp_path / "one.png"), tmp_path / "two.png"]
    Image.new("RGB", (200, 200), "white").save(paths[1])
    with pytest.raises(NoFaceFound, match=r"one\.png.*two\.png"):
        build_rig(paths, options=DRAFT)


@pytest.mark.parametrize(
    ("count", "options"),
    [
        (0, DRAFT),
        (21, DRAFT),
        (1, replace(DRAFT, texture_size=1000)),
        (1, replace(DRAFT, texture_size=128)),
    ],
)
def test_what_cannot_be_asked_for(portrait: Path, count: int, options: RigOptions) -> None:
    with pytest.raises(BadInput):
        build_rig([portrait] * count, options=options)


def test_there_is_no_such_model(portrait: Path) -> None:
    with pytest.raises(BadInput, match="nobody"):
        build_rig([portrait], "nobody", DRAFT)


def test_progress_rises_and_stops_when_asked(portrait: Path) -> None:
    reports: list[ProgressReport] = []
    stages = expected_seconds("anny", 1, DRAFT)
    build_rig([portrait], options=DRAFT, progress=Progress(stages, reports.append))
    fractions = [report.fraction for report in reports]
    assert fractions == sorted(fractions) and fractions[-1] == pytest.approx(1)
    assert list(dict.fromkeys(report.stage for report in reports)) == list(stages)
    for stage in stages:
        asked = Progress(stages)
        asked.cancelled = lambda asked=asked, stage=stage: asked._stage == stage  # type: ignore[misc]
        with pytest.raises(Cancelled):
            build_rig([portrait], options=DRAFT, progress=asked)


def test_a_full_disk_leaves_nothing(portrait_rig: Rig, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(disk)]
    if os.name != "posix" or subprocess.run(mount, capture_output=True).returncode != 0:
        pytest.skip("a small file system can only be mounted by root")
    try:
        with pytest.raises(OutputFailed, match=r"full\.semrig"):
            save_rig(portrait_rig, disk / "full.semrig")
        assert list(disk.iterdir()) == []
    finally:
        subprocess.run(["umount", str(disk)], check=True)


class _Brightness:
    """Tells photos apart by how bright they are: stands in for a network that only users have."""

    same_above = 0.99

    def __call__(self, pixels: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
        angle = pixels.mean() / 255 * np.pi
        return np.array([np.cos(angle), np.sin(angle)], np.float32)


def test_a_photo_of_someone_else_is_named(portrait: Path, tmp_path: Path) -> None:
    pixels = np.asarray(Image.open(portrait).convert("RGB"))
    paths = [portrait, tmp_path / "again.png", tmp_path / "someone.png"]
    Image.fromarray(pixels[:, 4:]).save(paths[1])
    Image.fromarray((pixels * 0.5).astype(np.uint8)).save(paths[2])
    rig = build_rig(paths, options=DRAFT, recogniser=_Brightness())
    assert [any("different person?" in line for line in photo.warnings) for photo in rig.photos] == [
        False,
        False,
        True,
    ]
    assert not any(
        "different person" in line
        for photo in build_rig(paths[::2], options=DRAFT).photos
        for line in photo.warnings
    )


def test_a_reader_is_asked_about_each_photo_and_its_belief_is_kept_to(
    portrait: Path, portrait_rig: Rig, tmp_path: Path
) -> None:
    pixels = np.asarray(Image.open(portrait).convert("RGB"))
    again = tmp_path / "again.png"
    Image.fromarray(pixels[:, 4:]).save(again)
    mean = np.zeros(120, np.float32)
    mean[0] = 2.5
    std = np.full(120, 0.005, np.float32)
    reader = ToldReader(lambda number: Reading(mean, None if number else std))
    rig = build_rig([portrait, again], options=DRAFT, reader=reader)
    assert len(reader.asked) == 2 and len(reader.fused) == 1  # without deviations it is left out
    cameras = [camera for _, camera in reader.asked if camera is not None]
    assert cameras[0][2:] == (256.0, 256.0) and cameras[1][2:] == (254.0, 256.0)
    np.testing.assert_allclose(reader.asked[0][0][:, :2] - reader.asked[1][0][:, :2], [[4, 0]] * 478, atol=6)
    model = load_model("anny")
    face = face_weight(model) > 0.5
    aim = model.neutral(mean)
    apart = [np.linalg.norm(made.neutral - aim, axis=1)[face].mean() for made in (rig, portrait_rig)]
    assert apart[0] < 0.5 * apart[1]


def test_a_reader_of_another_model_is_not_asked(portrait: Path, portrait_rig: Rig) -> None:
    reader = ToldReader(lambda _: Reading(), model_name="ict")
    rig = build_rig([portrait], options=DRAFT, reader=reader)
    assert not reader.asked
    # the order of sums, and with it the last bits, is not the same at every run
    np.testing.assert_allclose(rig.neutral, portrait_rig.neutral, atol=1e-4)
