"""Tiny datasets of AFLW2000-3D's and FEAFA's layouts, written here, with known errors."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import scipy.io

from core.arkit import ARKIT_INDEX
from core.capture.photos import load_photo
from core.errors import DataUnreadable
from core.face_model.model import FaceModel
from models.evaluation.datasets.aflw2000 import aflw2000_pictures, read_marks
from models.evaluation.datasets.feafa import Feafa
from models.evaluation.expression_error import GROUPS, UNITS
from models.evaluation.marks import marks_of
from models.evaluation.picture_runs import run_aflw2000, run_feafa, unit_tables
from models.evaluation.prediction import Eyes
from models.evaluation.run import Run
from tests.models.evaluation.truths import Told, prediction_of

MakeRun = Callable[..., Run]


@pytest.fixture(scope="module")
def marks(eyes: Eyes, portrait: Path) -> np.ndarray:
    """The 68 on the portrait."""
    seen = eyes.see(load_photo(portrait))
    assert seen is not None
    return marks_of(seen.landmarks)[:, :2].astype(np.float64)


@pytest.fixture
def aflw2000(marks: np.ndarray, portrait: Path, tmp_path: Path) -> Path:
    """Three turns; the labels lie 0, 5 and 10 pixels from the portrait's landmarks."""
    for index, (yaw, off) in enumerate(((10, 0), (-40, 5), (75, 10))):
        shutil.copy(portrait, tmp_path / f"image0000{index}.jpg")  # read by content, whatever the name says
        points = np.vstack([(marks + off * np.array([0.6, 0.8]) + 0.5).T, np.zeros(68)])
        pose = np.array([[0.1, np.radians(yaw), 0.2, 250.0, 250.0, 60.0, 1e-3]])
        scipy.io.savemat(tmp_path / f"image0000{index}.mat", {"pt3d_68": points, "Pose_Para": pose})
    return tmp_path


def test_aflw2000(aflw2000: Path, anny: FaceModel, marks: np.ndarray, run: MakeRun) -> None:
    said = replace(prediction_of(anny, anny.template.astype(np.float64)), landmarks=marks)
    table = run_aflw2000(aflw2000, run(Told(lambda _: said)))[0]
    size = np.sqrt(np.prod(np.ptp(marks, axis=0)))
    expected = [0.0, 500 / size, 1000 / size]
    assert table.rows[0][1:] == pytest.approx([*expected, np.mean(expected)], abs=1e-5)
    assert "3DDFA-v2" in table.markdown()


def test_the_face_is_looked_for_in_its_box(
    aflw2000: Path, eyes: Eyes, marks: np.ndarray, portrait: Path
) -> None:
    """Landmarks from the box alone lie where the detector's do."""
    true = read_marks(aflw2000 / "image00000.jpg")
    seen = eyes.see(load_photo(portrait), true.box)
    assert seen is not None
    size = np.sqrt(np.prod(np.ptp(marks, axis=0)))
    apart = np.linalg.norm(marks_of(seen.landmarks)[:, :2] - marks, axis=1)
    assert np.median(apart) < 0.02 * size


def test_a_damaged_aflw2000_names_the_file(aflw2000: Path) -> None:
    label = aflw2000 / "image00001.mat"
    for points, pose in ((np.zeros((3, 21)), np.zeros((1, 7))), (np.full((3, 68), np.nan), np.zeros((1, 7)))):
        scipy.io.savemat(label, {"pt3d_68": points, "Pose_Para": pose})
        with pytest.raises(DataUnreadable, match="image00001"):
            read_marks(label.with_suffix(".jpg"))
    scipy.io.savemat(label, {"other": np.zeros(3)})
    with pytest.raises(DataUnreadable, match="image00001"):
        read_marks(label.with_suffix(".jpg"))
    label.write_bytes(b"MATLAB 5.0" + b"\xff" * 300)
    with pytest.raises(DataUnreadable, match="image00001"):
        read_marks(label.with_suffix(".jpg"))
    for picture in aflw2000.glob("*.jpg"):
        picture.unlink()
    with pytest.raises(DataUnreadable, match="picture"):
        aflw2000_pictures(aflw2000)


@pytest.fixture
def feafa(portrait: Path, tmp_path: Path) -> Path:
    """Two frames: the jaw drops by 0.9 in the first, the lips pucker by 0.85 in the second."""
    for index, (name, value) in enumerate((("jaw drop", 0.9), ("lip pucker", 0.85))):
        frame = tmp_path / "video" / f"{index:06d}.png"
        frame.parent.mkdir(exist_ok=True)
        shutil.copy(portrait, frame)
        numbers = [value if unit == name else 0.0 for unit in UNITS]
        frame.with_suffix(".auw").write_text(" ".join(map(str, numbers)))
    return tmp_path


def test_feafa(feafa: Path, anny: FaceModel, run: MakeRun) -> None:
    expression = np.zeros(52)
    expression[ARKIT_INDEX["jawOpen"]] = 0.6
    said = prediction_of(anny, anny.template.astype(np.float64), expression=expression)
    shown, whole, scores = run_feafa(feafa, run(Told(lambda _: said)))
    active = dict(zip(shown.headings, shown.rows[0], strict=True))
    assert active["Mouth Open"] == pytest.approx(0.3) and active["Kiss"] == pytest.approx(0.85)
    assert np.isnan(float(active["Nose Wrinkle"])) and active["mean"] == pytest.approx(0.575)
    every = dict(zip(whole.headings, whole.rows[0], strict=True))
    assert every["Mouth Open"] == pytest.approx(0.45) and every["Kiss"] == pytest.approx(0.425)
    assert every["mean"] == pytest.approx(0.0875) and set(GROUPS) < set(every)
    assert scores.rows[0][1] == pytest.approx((0.9 + 0.85) / 48) and scores.rows[0][3] == 0.0
    assert "CPEM" in shown.markdown() and "2 pictures" in shown.markdown()


def test_the_papers_table_is_of_its_twenty_videos_and_of_what_is_plainly_shown() -> None:
    """One method, off by 0.1, 0.2 and 0.3 on three frames: plainly shown, hardly shown, of a later video."""
    true = np.zeros((3, len(UNITS)))
    true[:, list(UNITS).index("jaw drop")] = (0.9, 0.8, 0.9)
    said = true - np.array([[0.1], [0.2], [0.3]]) * (true > 0)
    shown, whole, _ = unit_tables(["mine"], [said], true, np.array([True, True, False]), "")
    column = shown.headings.index("Mouth Open")
    assert shown.rows[0][column] == pytest.approx(0.1) and whole.rows[0][column] == pytest.approx(0.2)
    assert "1 pictures" in shown.markdown()


def test_the_first_twenty_folders_are_the_papers_videos(portrait: Path, tmp_path: Path) -> None:
    for number in range(22):
        frame = tmp_path / f"video{number:02d}" / "000000.png"
        frame.parent.mkdir()
        shutil.copy(portrait, frame)
        frame.with_suffix(".auw").write_text(" ".join(["0"] * len(UNITS)))
    told = {frame.picture.parent.name: frame.of_paper for frame in Feafa(tmp_path).frames}
    assert [name for name, of_paper in sorted(told.items()) if not of_paper] == ["video20", "video21"]


def test_another_order_of_feafas_units(feafa: Path) -> None:
    frame = Feafa(feafa).frames[0]
    backwards = list(UNITS)[::-1]
    (feafa / "units.txt").write_text("\n".join(name.title() for name in backwards))
    units = dict(zip(backwards, Feafa(feafa).units(frame), strict=True))
    assert units[backwards[list(UNITS).index("jaw drop")]] == 0.0
    assert Feafa(feafa).units(frame)[backwards.index("jaw drop")] == 0.9
    (feafa / "units.txt").write_text("\n".join([*backwards[:-1], "wink"]))
    with pytest.raises(DataUnreadable, match="wink"):
        Feafa(feafa)


def test_a_damaged_feafa_names_the_file(feafa: Path) -> None:
    dataset = Feafa(feafa)
    for bad in ("0 1", "a " * 24, "nan " * 24, ""):
        dataset.frames[1].label.write_text(bad)
        with pytest.raises(DataUnreadable, match="000001"):
            dataset.units(dataset.frames[1])
    for label in (feafa / "video").glob("*.auw"):
        label.unlink()
    with pytest.raises(DataUnreadable, match="auw"):
        Feafa(feafa)
