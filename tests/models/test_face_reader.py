"""Networks read faces in photos through the crops that they were trained on."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from core.arkit import MIRRORED_UNITS
from core.capture.faces import FaceFinder
from core.capture.photos import load_photo
from core.errors import BadInput, ModelMissing
from core.landmark_topology import MIRROR as TWINS
from models.crops import MARGIN
from models.face_code import FOCAL, FaceCodeNet
from models.face_reader import ExpressionReader, FaceReader
from tests.models.networks import (
    MIRROR,
    SIDE,
    export_expression,
    export_face,
    expression_net,
    face_net,
)  # fmt: skip

pytestmark = pytest.mark.filterwarnings("ignore")  # the exporter's, about itself and about type checks
PLACE = (0.2, 0.3, -0.4)  # logarithm of the scale, and half sides to the right and down


def fixed_net() -> FaceCodeNet:
    """Says of every crop that a head looks along the line of sight, is so large and lies there."""
    net = face_net()
    with torch.no_grad():
        weight, bias = (part.split(net.sizes)[3] for part in (net.head.weight, net.head.bias))
        weight.zero_()
        bias.copy_(torch.tensor([1.0, 0, 0, 0, 1, 0, *PLACE]))
    return net


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("networks")
    export_face(folder, "fixed", fixed_net())
    export_face(folder, "sure", face_net(spread=True))
    export_face(folder, "plain")
    export_expression(folder, "expression")
    return folder


@pytest.fixture(scope="module")
def astronaut(portrait: Path) -> tuple[np.ndarray, np.ndarray]:
    """Pixels and landmarks."""
    photo = load_photo(portrait)
    with FaceFinder() as finder:
        return photo.pixels, finder.main_face(photo).landmarks


def turned(pixels: np.ndarray, landmarks: np.ndarray, degrees: float) -> tuple[np.ndarray, np.ndarray]:
    """A photo turned about its middle."""
    height, width = pixels.shape[:2]
    matrix = cv2.getRotationMatrix2D((width / 2 - 0.5, height / 2 - 0.5), degrees, 1.0)
    points = landmarks.copy()
    points[:, :2] = (landmarks[:, :2] - 0.5) @ matrix[:, :2].T + matrix[:, 2] + 0.5
    return cv2.warpAffine(pixels, matrix, (width, height), flags=cv2.INTER_CUBIC), points


@pytest.mark.parametrize("degrees", [0, 25, -70])
@pytest.mark.parametrize("camera", [(700.0, 700.0, 250.0, 260.0), None])
def test_a_head_seen_in_the_crop_is_where_it_is_in_the_photo(
    files: Path,
    astronaut: tuple[np.ndarray, np.ndarray],
    degrees: float,
    camera: tuple[float, float, float, float] | None,
) -> None:
    pixels, landmarks = turned(*astronaut, degrees)
    reader = FaceReader(files / "fixed.onnx")
    reading = reader.read(pixels, landmarks, camera)
    crop = reader.crop(landmarks)
    if camera is None:
        assert reading.camera[0] == pytest.approx(FOCAL * crop.side)
        np.testing.assert_allclose(reading.camera[2:], crop.centre, rtol=1e-6)
    t = reading.translation
    pixel = reading.camera[:2] * t[:2] / t[2] + reading.camera[2:]
    # to the right in the crop and in its mirror image is nowhere; up is up in both
    wanted = crop.to_photo(np.array([[0.5, 0.5 + PLACE[2] / 2]]))[0]
    np.testing.assert_allclose(pixel, wanted, atol=2)  # pixels; two lines of sight are averaged
    focal = float(reading.camera[0])
    assert t[2] * np.exp(PLACE[0]) * crop.side / focal == pytest.approx(0.24, rel=0.03)
    # it looks along the line of sight, and its right is the crop's right (mirrored heads' x is the left)
    np.testing.assert_allclose(reading.rotation[:, 2], -t / np.linalg.norm(t), atol=0.03)
    np.testing.assert_allclose(reading.rotation[:2, 0], crop.axes[:, 0], atol=0.08)


def test_a_mirrored_photo_gives_the_mirrored_reading(
    files: Path, astronaut: tuple[np.ndarray, np.ndarray]
) -> None:
    size = 240  # so small that the square is not averaged down, which is not quite the same in the mirror
    landmarks = astronaut[1] * np.float32(size / astronaut[0].shape[1])
    pixels = cv2.resize(astronaut[0], (size, size), interpolation=cv2.INTER_AREA)
    reader = FaceReader(files / "sure.onnx")
    reading = reader.read(pixels, landmarks, (300.0, 300.0, 140.0, 110.0))
    points = landmarks[TWINS] * (-1, 1, 1) + (size, 0, 0)
    other = reader.read(
        np.ascontiguousarray(pixels[:, ::-1]), points.astype(np.float32), (300.0, 300.0, size - 140.0, 110.0)
    )
    labels = {name: getattr(reading, name) for name in ("identity", "expression", "albedo", "rotation", "sh")}
    labels |= {"translation": reading.translation, "camera": reading.camera}
    expected = MIRROR.labels(labels)
    for name in ("identity", "expression", "albedo", "rotation", "translation", "sh"):
        np.testing.assert_allclose(getattr(other, name), expected[name], atol=0.002, err_msg=name)
    assert reading.expression_std is not None and other.expression_std is not None
    np.testing.assert_allclose(other.expression_std, reading.expression_std[list(MIRRORED_UNITS)], atol=0.002)


def test_a_turned_photo_gives_the_same_face_turned(
    files: Path, astronaut: tuple[np.ndarray, np.ndarray]
) -> None:
    pixels, landmarks = astronaut
    reader = FaceReader(files / "plain.onnx")
    upright = reader.read(pixels, landmarks, (700.0, 700.0, 256.0, 256.0))
    tilted = reader.read(*turned(pixels, landmarks, -30), (700.0, 700.0, 256.0, 256.0))  # clockwise
    c, s = np.cos(np.radians(30)), np.sin(np.radians(30))
    about = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])
    np.testing.assert_allclose(tilted.rotation, about @ upright.rotation, atol=0.05)
    np.testing.assert_allclose(tilted.translation, about @ upright.translation, atol=0.02)
    np.testing.assert_allclose(tilted.expression, upright.expression, atol=0.05)
    assert np.abs(tilted.rotation - upright.rotation).max() > 0.3


def test_crops_are_those_of_training_and_both_ways_count(
    files: Path, astronaut: tuple[np.ndarray, np.ndarray]
) -> None:
    pixels, landmarks = astronaut
    reader = ExpressionReader(files / "expression.onnx")
    crop = reader.crop(landmarks)
    assert reader.card.margin == MARGIN
    image = torch.from_numpy(crop.cut(pixels, SIDE)).permute(2, 0, 1)[None].float() / 255
    net = expression_net()
    with torch.no_grad():
        plain, mirrored = net(image)[0].numpy(), net(image.flip(3))[0].numpy()
    expected = (plain + mirrored[list(MIRRORED_UNITS)]) / 2
    np.testing.assert_allclose(reader.read(pixels, landmarks).expression, expected, atol=0.01)
    once = ExpressionReader(files / "expression.onnx", mirrored=False).read(pixels, landmarks)
    np.testing.assert_allclose(once.expression, plain, atol=0.01)
    assert np.abs(plain - expected).max() > 0.02


def test_many_frames_are_read_as_one_by_one(files: Path, astronaut: tuple[np.ndarray, np.ndarray]) -> None:
    pixels, landmarks = astronaut
    frames = [turned(pixels, landmarks, 3.0 * k) for k in range(11)]
    cameras = [None if k % 2 else (600.0 + k, 600.0 + k, 256.0, 256.0) for k in range(11)]
    reader = FaceReader(files / "sure.onnx", threads=2)
    many = reader.read_many((f for f, _ in frames), (p for _, p in frames), cameras)
    expressions = ExpressionReader(files / "expression.onnx")
    said = expressions.read_many((f for f, _ in frames), (p for _, p in frames))
    assert len(many) == len(said) == 11
    for k in (0, 7, 8, 10):
        one = reader.read(*frames[k], cameras[k])
        for name, value in vars(one).items():
            np.testing.assert_allclose(getattr(many[k], name), value, atol=1e-4, err_msg=name)
        np.testing.assert_allclose(
            said[k].expression, expressions.read(*frames[k]).expression, atol=1e-5
        )  # fmt: skip
    assert reader.read_many([], []) == []


def test_what_cannot_be_read_is_refused(
    files: Path, astronaut: tuple[np.ndarray, np.ndarray], tmp_path: Path
) -> None:
    pixels, landmarks = astronaut
    reader = FaceReader(files / "plain.onnx")
    with pytest.raises(BadInput, match="finite"):
        reader.read(pixels, np.full_like(landmarks, np.nan))
    for camera in ((0.0, 0.0, 0.0, 0.0), (np.inf, np.inf, 0.0, 0.0)):
        with pytest.raises(BadInput, match="camera"):
            reader.read(pixels, landmarks, camera)
    with pytest.raises(BadInput, match="kind"):
        FaceReader(files / "expression.onnx")
    with pytest.raises(BadInput):
        ExpressionReader("nobody")
    with pytest.raises(ModelMissing):
        FaceReader(tmp_path / "absent.onnx")
