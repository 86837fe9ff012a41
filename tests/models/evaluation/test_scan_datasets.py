"""Tiny datasets of NoW's, FaceWarehouse's, FRGC's and MICC's layouts, written here, with known errors."""

from __future__ import annotations

import gzip
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from core.capture.photos import load_photo
from core.errors import DataUnreadable
from core.face_model.model import FaceModel
from core.scene.camera import Camera
from core.scene.rasterise import rasterise
from models.evaluation.datasets.facewarehouse import FaceWarehouse
from models.evaluation.datasets.found_marks import SurfaceMarks
from models.evaluation.datasets.frgc import frgc_pairs, read_range
from models.evaluation.datasets.micc import filmed_people
from models.evaluation.datasets.now import NowDataset
from models.evaluation.marks import SEVEN, marks_of
from models.evaluation.methods import LandmarkFit
from models.evaluation.prediction import Eyes, Picture, Prediction
from models.evaluation.run import Run
from models.evaluation.scan_runs import run_facewarehouse, run_frgc, run_micc, run_now
from tests.models.evaluation.truths import Told, bumpy, moved, person, prediction_of, skin_of, write_obj
from tests.performances import write_video

MakeRun = Callable[..., Run]


@pytest.fixture(scope="module")
def heads(anny: FaceModel) -> list[np.ndarray]:
    return [person(anny, 11), person(anny, 12)]


# -- NoW ------------------------------------------------------------------------------------------------


def _picked(path: Path, points: np.ndarray) -> None:
    lines = [
        f' <point y="{y:.6f}" active="1" x="{x:.6f}" z="{z:.6f}" name="{index}"/>'
        for index, (x, y, z) in enumerate(points)
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("<!DOCTYPE PickedPoints>\n<PickedPoints>\n" + "\n".join(lines) + "\n</PickedPoints>\n")


@pytest.fixture
def now(anny: FaceModel, heads: list[np.ndarray], portrait: Path, tmp_path: Path) -> Path:
    """Two people in millimetres; the second one's scan is bumpy by a millimetre."""
    lines = []
    for index, head in enumerate(heads):
        subject = f"FaMoS_0{index}_TA"
        surface = bumpy(head, anny.triangles) if index else head
        vertices, triangles = skin_of(anny, surface)
        write_obj(tmp_path / "scans" / subject / "scan.obj", moved(vertices, 1e3), triangles)
        marks = marks_of(anny.landmarks(head.astype(np.float32))).astype(np.float64)[list(SEVEN)]
        _picked(tmp_path / "scans_lmks_onlypp" / subject / "scan.pp", moved(marks, 1e3))
        challenge = ("selfie", "multiview_neutral")[index]
        place = tmp_path / "NoW_Dataset/final_release_version/iphone_pictures" / subject / challenge
        place.mkdir(parents=True)
        shutil.copy(portrait, place / "IMG_0001.png")
        lines.append(f"{subject}/{challenge}/IMG_0001.png")
    (tmp_path / "imagepathsvalidation.txt").write_text("\n".join(lines) + "\n")
    return tmp_path


def test_now(now: Path, anny: FaceModel, heads: list[np.ndarray], run: MakeRun) -> None:
    answers = iter(prediction_of(anny, head) for head in heads)
    mean = Told(lambda _: prediction_of(anny, anny.template.astype(np.float64)), name="mean")
    evaluation = run(Told(lambda _: next(answers)), mean)
    whole, by_kind = run_now(now, evaluation)
    kinds = {row[0]: row[1:] for row in by_kind.rows}
    assert kinds["told, selfie"][1] == pytest.approx(0, abs=0.02)
    assert kinds["told, multiview_neutral"][0] == pytest.approx(1.0, abs=0.05)
    ours, baseline = whole.rows
    assert 0.3 < float(ours[2]) < 0.7 < float(baseline[2])  # half of the points are off by a millimetre
    assert evaluation.seen == 2 and "2 pictures" in whole.markdown() and "DECA" in whole.markdown()


def test_a_damaged_now_names_the_file(now: Path, run: MakeRun) -> None:
    dataset = NowDataset(now)
    points = next((now / "scans_lmks_onlypp" / "FaMoS_00_TA").iterdir())
    good = points.read_text()
    for bad in ("<PickedPoints>", good.replace('name="6"', "").replace("<point", "<mark", 1), "<a>x</a>"):
        points.write_text(bad)
        with pytest.raises(DataUnreadable, match=r"scan\.pp"):
            dataset.scan("FaMoS_00_TA")
    points.write_text(good)
    (now / "scans" / "FaMoS_00_TA" / "scan.obj").write_bytes(b"\x00\xff" * 50)
    with pytest.raises(DataUnreadable, match=r"scan\.obj"):
        dataset.scan("FaMoS_00_TA")
    with pytest.raises(DataUnreadable, match="nobody"):
        dataset.scan("nobody")
    (now / "imagepathsvalidation.txt").write_text("one/two\n")
    with pytest.raises(DataUnreadable, match="imagepathsvalidation"):
        NowDataset(now)
    (now / "imagepathsvalidation.txt").unlink()
    with pytest.raises(DataUnreadable, match="imagepathsvalidation"):
        NowDataset(now)
    with pytest.raises(DataUnreadable, match="iphone_pictures"):
        NowDataset(now / "scans")
    with pytest.raises(DataUnreadable, match="absent"):
        run_now(now / "absent", run())


# -- FaceWarehouse --------------------------------------------------------------------------------------


def test_facewarehouse(
    anny: FaceModel, heads: list[np.ndarray], portrait: Path, tmp_path: Path, run: MakeRun
) -> None:
    """Two poses of one topology, in decimetres: the second is bumpy, so that its RMSE is a millimetre."""
    for index, surface in enumerate((heads[0], bumpy(heads[0], anny.triangles))):
        vertices, triangles = skin_of(anny, surface)
        write_obj(tmp_path / f"Tester_3/TrainingPose/pose_{index}.obj", 10 * vertices, triangles)
        shutil.copy(portrait, tmp_path / f"Tester_3/TrainingPose/pose_{index}.png")
    (tmp_path / "Tester_3/TrainingPose/pose_7.obj").write_text("no picture, so never opened")
    said = prediction_of(anny, heads[0])
    table = run_facewarehouse(tmp_path, run(Told(lambda _: said)))[0]
    _, mean, deviation, median, most, to_point = table.rows[0]
    assert float(mean) == pytest.approx(0.55, abs=0.3) and float(deviation) < 0.6
    assert float(most) > float(median) and "±" in str(to_point)
    with pytest.raises(DataUnreadable, match="Tester"):
        FaceWarehouse(tmp_path / "Tester_3")
    flat = tmp_path / "Tester_3/TrainingPose/pose_0.obj"
    for bad in ("v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n", "v 0 0 0\n", ""):
        flat.write_text(bad)
        with pytest.raises(DataUnreadable, match="pose_0"):
            run_facewarehouse(tmp_path, run(Told(lambda _: said)))


def test_marks_hold_for_one_topology_alone(tmp_path: Path) -> None:
    """Two eye corners on a quad a decimetre wide, in centimetres; a mesh of five vertices is another one."""
    places = np.array([[0, 1, 2], [1, 2, 3]])
    marks = SurfaceMarks(np.array([36, 45]), places, np.array([[1.0, 0, 0], [0, 0, 1.0]]), 4)
    corners = np.array([[-4.5, 0, 0], [0, 3, 0], [0, -3, 0], [4.5, 0, 0]])
    scan = marks.scan(corners, places, tmp_path)
    assert np.allclose(scan.marks, corners[[0, 3]] / 100) and np.allclose(scan.points, corners / 100)
    with pytest.raises(DataUnreadable, match="other"):
        marks.scan(np.vstack([corners, corners[:1]]), places, tmp_path / "other.obj")


# -- FRGC -----------------------------------------------------------------------------------------------


def _write_range(path: Path, positions: np.ndarray, measured: np.ndarray) -> None:
    rows, columns = measured.shape
    values = np.where(measured[..., None], positions, -999999.0)
    blocks = [measured.astype(int).ravel(), *(values[..., axis].ravel() for axis in range(3))]
    text = f"{rows} rows\n{columns} columns\npixels (flag X Y Z):\n"
    text += "\n".join(
        " ".join(f"{number:g}" if k == 0 else f"{number:.4f}" for number in block)
        for k, block in enumerate(blocks)
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(text.encode()))


@pytest.fixture
def frgc(anny: FaceModel, eyes: Eyes, portrait: Path, tmp_path: Path) -> tuple[Path, Prediction]:
    """The portrait, and as its range scan the head that was fitted to it."""
    photo = load_photo(portrait)
    seen = eyes.see(photo)
    assert seen is not None
    side, focal = 256, 450.0
    known = Picture(seen.pixels, seen.landmarks, (2 * focal, 2 * focal, 256.0, 256.0))
    said = LandmarkFit(anny).predict(known)
    vertices = said.posed @ said.rotation.T
    marks = said.posed_marks @ said.rotation.T
    # where the head must stand to be seen at its landmarks
    rays = np.column_stack([(said.landmarks - 256) / (2 * focal), np.ones(68)])
    depth = np.linalg.norm(marks[36] - marks[45]) / np.linalg.norm(rays[36] - rays[45])
    place = (depth * rays - marks).mean(axis=0)
    fragments = rasterise(
        torch.from_numpy((vertices + place).astype(np.float32)),
        torch.from_numpy(said.triangles.astype(np.int64)),
        Camera.centred(focal, side, side),
    )
    triangle = fragments.triangle.numpy()
    corners = (vertices + place)[said.triangles[triangle]]
    positions = 1e3 * np.einsum("rck,rckd->rcd", fragments.barycentrics.numpy(), corners)
    positions *= (1, -1, -1)
    scan = tmp_path / "nd1" / "Fall2003range" / "02463d452.abs.gz"
    _write_range(scan, positions, triangle >= 0)
    Image.fromarray(photo.pixels).save(scan.with_name("02463d453.ppm"))
    return tmp_path, said


def test_frgc(frgc: tuple[Path, Prediction], run: MakeRun, anny: FaceModel) -> None:
    folder, said = frgc
    other = prediction_of(anny, person(anny, 5))
    table = run_frgc(folder, run(Told(lambda _: said), Told(lambda _: other, name="other")))[0]
    assert float(table.rows[0][1]) < 0.5 < float(table.rows[1][1])
    assert "JR2Net" in table.markdown()


def test_a_damaged_range_scan_names_the_file(frgc: tuple[Path, Prediction], run: MakeRun) -> None:
    folder, said = frgc
    (pair,) = frgc_pairs(folder)
    content = gzip.decompress(pair.scan.read_bytes())
    huge = content.replace(b"256 rows", b"99999999 rows", 1)
    for bad in (b"", b"1f", gzip.compress(content[:-40]), gzip.compress(b"P5 3 3"), gzip.compress(huge)):
        pair.scan.write_bytes(bad)
        with pytest.raises(DataUnreadable, match="02463d452"):
            read_range(pair.scan)
    _write_range(pair.scan, np.zeros((8, 8, 3)), np.zeros((8, 8), bool))
    evaluation = run(Told(lambda _: said))
    assert np.isnan(float(run_frgc(folder, evaluation)[0].rows[0][1])) and evaluation.missed == 1
    pair.picture.unlink()
    with pytest.raises(DataUnreadable, match="picture"):
        frgc_pairs(folder)
    empty = folder / "empty"
    empty.mkdir()
    with pytest.raises(DataUnreadable, match="range scan"):
        frgc_pairs(empty)


# -- MICC -----------------------------------------------------------------------------------------------


def test_micc(anny: FaceModel, heads: list[np.ndarray], portrait: Path, tmp_path: Path, run: MakeRun) -> None:
    """One person in two scenarios: of the video's frames half say the head is larger, half smaller."""
    vertices, triangles = skin_of(anny, heads[0])
    subject = tmp_path / "subject_01"
    write_obj(subject / "Model/frontal1/obj/110920150452.obj", 1e3 * vertices, triangles)
    write_obj(subject / "Model/left/obj/a.obj", vertices[:4], np.array([[0, 1, 2]]))
    filmed = subject / "Videos/Indoor-Cooperative"
    filmed.mkdir(parents=True)
    pixels = load_photo(portrait).pixels
    write_video(filmed / "clip.avi", [pixels] * 12)
    shots = subject / "Videos/PTZ-Outdoor"
    shots.mkdir()
    shutil.copy(portrait, shots / "0001.png")
    assert {one.scenario for one in filmed_people(tmp_path)} == {"indoor-cooperative", "ptz-outdoor"}
    bumps = [bumpy(heads[0], anny.triangles), 2 * heads[0] - bumpy(heads[0], anny.triangles)]
    asked = iter(range(100))
    table = run_micc(tmp_path, run(Told(lambda _: prediction_of(anny, bumps[next(asked) % 2]))))[0]
    cooperative, indoor, outdoor = table.rows[0][1:]
    assert float(str(cooperative).split("±")[0]) < 0.15  # the mean of ten frames has no bumps
    assert isinstance(indoor, float) and np.isnan(indoor)
    assert 0.5 < float(str(outdoor).split("±")[0]) < 1.1  # a plane of the bumps lies nearer than their tips
    shutil.rmtree(subject / "Videos")
    with pytest.raises(DataUnreadable, match="video"):
        filmed_people(tmp_path)
    shutil.rmtree(subject / "Model")
    with pytest.raises(DataUnreadable, match="subject_01"):
        filmed_people(tmp_path)
