from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from core.capture.crop import SquareCrop
from core.capture.faces import Face, FaceFinder
from core.capture.photos import load_photo
from core.errors import NoFaceFound
from core.landmark_topology import EYE_LEFT, EYE_RIGHT, IRIS_LEFT, IRIS_RIGHT, MIRROR
from tests.core.capture.conftest import photo_of

# RMS over landmarks in interocular distances; 0.001 to 0.009 was measured under scaling and turning
_TOLERANCE = 0.025


def apart(face: Face, points: np.ndarray) -> float:
    """RMS distance in the image, in interocular distances."""
    offsets = face.landmarks[:, :2] - points[:, :2]
    return float(np.sqrt(np.square(offsets).sum(-1).mean()) / face.interocular)


def test_importing_capture_does_not_import_mediapipe() -> None:
    code = (
        "import sys, core.capture.faces, core.capture.masks, core.capture.quality;"
        "sys.exit('mediapipe' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_networks_start_without_chatter() -> None:
    code = (
        "import skimage.data, numpy as np; from tests.core.capture.conftest import photo_of;"
        "from core.capture.faces import FaceFinder;"
        "FaceFinder().main_face(photo_of(skimage.data.astronaut()))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr == ""


def test_landmarks_lie_on_the_astronauts_face(astronaut_face: Face) -> None:
    left, right = astronaut_face.landmarks[IRIS_LEFT[0]], astronaut_face.landmarks[IRIS_RIGHT[0]]
    assert np.allclose(right[:2], (203.5, 101.5), atol=2) and np.allclose(left[:2], (247, 103.5), atol=2)
    assert astronaut_face.landmarks[1, 2] < astronaut_face.landmarks[234, 2]  # the nose is nearer than an ear
    assert abs(np.degrees(astronaut_face.yaw)) < 25
    assert astronaut_face.others == 0


def test_exif_rotation_changes_nothing(
    tmp_path: Path, astronaut: np.ndarray, astronaut_face: Face, finder: FaceFinder
) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    path = tmp_path / "phone.png"
    Image.fromarray(np.rot90(astronaut)).save(path, exif=exif)
    assert np.array_equal(finder.main_face(load_photo(path)).landmarks, astronaut_face.landmarks)


@pytest.mark.parametrize("scale", [0.5, 0.75, 1.5, 3.0])
def test_scaling_the_photo_scales_the_landmarks(
    astronaut: np.ndarray, astronaut_face: Face, finder: FaceFinder, scale: float
) -> None:
    size = round(512 * scale)
    scaled = np.asarray(Image.fromarray(astronaut).resize((size, size), Image.Resampling.LANCZOS))
    face = finder.main_face(photo_of(scaled))
    assert apart(face, astronaut_face.landmarks * (size / 512)) < _TOLERANCE
    assert face.interocular == pytest.approx(astronaut_face.interocular * scale, rel=0.05)


@pytest.mark.parametrize("box", [(40, 0, 460, 400), (100, 20, 400, 320), (160, 45, 285, 190)])
def test_cropping_the_photo_shifts_the_landmarks(
    astronaut: np.ndarray, astronaut_face: Face, finder: FaceFinder, box: tuple[int, int, int, int]
) -> None:
    left, top, right, bottom = box
    face = finder.main_face(photo_of(astronaut[top:bottom, left:right]))
    assert apart(face, astronaut_face.landmarks[:, :2] - (left, top)) < 2 * _TOLERANCE


def test_mirroring_the_photo_mirrors_the_landmarks(
    astronaut: np.ndarray, astronaut_face: Face, finder: FaceFinder
) -> None:
    face = finder.main_face(photo_of(astronaut[:, ::-1]))
    expected = astronaut_face.landmarks[MIRROR]
    expected[:, 0] = 512 - expected[:, 0]
    assert apart(face, expected) < _TOLERANCE
    assert face.yaw == pytest.approx(-astronaut_face.yaw, abs=np.radians(2))


@pytest.mark.parametrize("quarter_turns", [1, 2, 3])
def test_a_turned_photo_without_exif_is_found(
    astronaut: np.ndarray, astronaut_face: Face, finder: FaceFinder, quarter_turns: int
) -> None:
    face = finder.main_face(photo_of(np.rot90(astronaut, quarter_turns)))
    x, y = astronaut_face.landmarks[:, 0], astronaut_face.landmarks[:, 1]
    turned = {1: (y, 512 - x), 2: (512 - x, 512 - y), 3: (512 - y, x)}[quarter_turns]
    assert apart(face, np.column_stack(turned)) < _TOLERANCE


def test_a_small_face_in_a_large_photo_is_found(
    astronaut: np.ndarray, astronaut_face: Face, finder: FaceFinder
) -> None:
    canvas = np.full((3000, 4000, 3), 90, np.uint8)
    canvas[1800:2056, 3100:3356] = np.asarray(Image.fromarray(astronaut).resize((256, 256)))
    face = finder.main_face(photo_of(canvas))
    assert apart(face, astronaut_face.landmarks[:, :2] / 2 + (3100, 1800)) < 3 * _TOLERANCE


def test_of_two_faces_the_larger_is_taken(
    astronaut: np.ndarray, astronaut_face: Face, finder: FaceFinder
) -> None:
    small = np.asarray(Image.fromarray(astronaut).resize((300, 300)))
    canvas = np.zeros((512, 812, 3), np.uint8)
    canvas[:300, :300] = small
    canvas[:, 300:] = astronaut
    faces = finder.find_faces(photo_of(canvas))
    assert len(faces) == 2 and all(face.others == 1 for face in faces)
    assert apart(faces[0], astronaut_face.landmarks[:, :2] + (300, 0)) < 2 * _TOLERANCE
    assert apart(faces[1], astronaut_face.landmarks[:, :2] * (300 / 512)) < 2 * _TOLERANCE


@pytest.mark.parametrize("picture", ["flat", "noise", "chequers"])
def test_no_face_names_the_file(finder: FaceFinder, picture: str) -> None:
    y, x = np.mgrid[0:240, 0:320]
    pixels = {
        "flat": np.full((240, 320, 3), 200, np.uint8),
        "noise": np.random.default_rng(0).integers(0, 256, (240, 320, 3), np.uint8),
        "chequers": np.repeat((((x // 20 + y // 20) % 2) * 255).astype(np.uint8)[..., None], 3, -1),
    }[picture]
    with pytest.raises(NoFaceFound, match=r"holiday\.png"):
        finder.main_face(photo_of(pixels, "holiday.png"))


def test_a_closed_finder_starts_again(astronaut: np.ndarray, astronaut_face: Face) -> None:
    finder = FaceFinder()
    finder.find_faces(photo_of(astronaut))
    finder.close()
    assert apart(finder.main_face(photo_of(astronaut)), astronaut_face.landmarks) == 0.0
    finder.close()


def test_mirror_table_is_the_meshs_own_symmetry() -> None:
    from mediapipe.python.solutions.face_mesh_connections import FACEMESH_CONTOURS, FACEMESH_TESSELATION

    assert np.array_equal(MIRROR[MIRROR], np.arange(478))
    assert np.array_equal(MIRROR[list(EYE_RIGHT)], EYE_LEFT)
    for edges, cut_otherwise in ((FACEMESH_CONTOURS, 0), (FACEMESH_TESSELATION, 6)):
        undirected = {frozenset(edge) for edge in edges}
        mirrored = {frozenset(MIRROR[list(edge)].tolist()) for edge in undirected}
        assert len(undirected - mirrored) == cut_otherwise


@given(st.floats(-50, 150), st.floats(-50, 150), st.floats(20, 200), st.floats(-3, 3), st.integers(16, 64))
def test_a_crop_of_a_linear_image_is_that_linear_function(
    x: float, y: float, side: float, angle: float, n: int
) -> None:
    crop = SquareCrop((x, y), side, angle)
    size = 400
    at = np.arange(size) + 0.5
    ramp = np.stack(np.broadcast_arrays(at[None] / 2, at[:, None] / 2, np.zeros((1, 1))), -1)
    pixels = np.round(ramp).astype(np.uint8)
    centres = (np.stack(np.meshgrid(np.arange(n), np.arange(n)), -1).reshape(-1, 2) + 0.5) / n
    where = crop.to_photo(centres)
    inside = ((where > 2 + side / n) & (where < size - 2 - side / n)).all(-1)
    seen = crop.cut(pixels, n).reshape(-1, 3)[:, :2]
    assert np.all(np.abs(seen[inside] - where[inside] / 2) < 1.6)


@pytest.mark.skipif("SEMBLANCE_TEST_DATA" not in os.environ, reason="SEMBLANCE_TEST_DATA is not set")
def test_every_photo_of_the_same_people_shows_one_face(finder: FaceFinder) -> None:
    folder = Path(os.environ["SEMBLANCE_TEST_DATA"]) / "photos" / "same_person"
    for path in sorted(folder.rglob("*.jpg")):
        assert finder.main_face(load_photo(path), accurate=False).interocular > 45, path
