"""Adding and running the network that compares faces, on a small file of the published layout."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

from core.capture.faces import FaceFinder
from core.capture.photos import load_photo
from core.errors import ModelMissing, ModelUnreadable
from models.recognition import SFace, add_recogniser, load_recogniser, recogniser_info


@pytest.fixture(scope="module")
def network_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """SFace's inputs and outputs with one layer of random weights between them."""
    weights = np.random.default_rng(0).standard_normal((128, 3, 28, 28)).astype(np.float32)
    weights -= weights.mean(axis=(2, 3), keepdims=True)  # brightness says nothing
    nodes = [
        helper.make_node("Conv", ["data", "w"], ["patches"], kernel_shape=[28, 28], strides=[28, 28]),
        helper.make_node("GlobalAveragePool", ["patches"], ["mean"]),
        helper.make_node("Flatten", ["mean"], ["fc1"]),
    ]
    graph = helper.make_graph(
        nodes,
        "sface",
        [helper.make_tensor_value_info("data", TensorProto.FLOAT, [1, 3, 112, 112])],
        [helper.make_tensor_value_info("fc1", TensorProto.FLOAT, [1, 128])],
        [numpy_helper.from_array(weights, "w")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 11)])
    model.ir_version = 6
    path = tmp_path_factory.mktemp("sface") / "face_recognition_sface_2021dec.onnx"
    onnx.save(model, path)
    return path


@pytest.fixture
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SEMBLANCE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_a_face_has_one_vector_however_the_photo_is_turned(network_file: Path, portrait: Path) -> None:
    photo = load_photo(portrait)
    with FaceFinder() as finder:
        face = finder.main_face(photo)
    network = SFace(network_file)
    plain = network(photo.pixels, face.landmarks)
    assert np.linalg.norm(plain) == pytest.approx(1.0, abs=1e-5)
    turn = cv2.getRotationMatrix2D(tuple(map(float, face.landmarks[1, :2])), 25.0, 0.8)
    height, width = photo.pixels.shape[:2]
    turned = cv2.warpAffine(photo.pixels, turn, (width, height), flags=cv2.INTER_AREA)
    moved = face.landmarks.copy()
    moved[:, :2] = face.landmarks[:, :2] @ turn[:, :2].T + turn[:, 2]
    same = float(plain @ network(turned, moved))
    elsewhere = float(plain @ network(photo.pixels, face.landmarks + np.array([60, -40, 0], np.float32)))
    assert same > 0.9 > elsewhere


def test_nothing_is_compared_before_the_network_is_added(own_cache: Path) -> None:
    assert load_recogniser() is None
    assert recogniser_info().state == "missing"
    with pytest.raises(ModelMissing, match="not installed"):
        SFace()


def test_the_users_file_is_checked_kept_and_loaded(own_cache: Path, network_file: Path) -> None:
    info = add_recogniser(network_file)
    assert info.state == "ready" and info.known_release is False and len(info.sha256) == 64
    assert Path(info.cache_file).read_bytes() == network_file.read_bytes()
    assert isinstance(load_recogniser(), SFace)


@pytest.mark.parametrize("content", [b"", b"not a network", None])
def test_another_file_is_refused_and_what_was_added_stays(
    own_cache: Path, network_file: Path, tmp_path: Path, content: bytes | None
) -> None:
    add_recogniser(network_file)
    path = tmp_path / "other.onnx"
    if content is None:
        path.write_bytes(network_file.read_bytes()[:20_000])  # a broken download
    else:
        path.write_bytes(content)
    with pytest.raises(ModelUnreadable):
        add_recogniser(path)
    with pytest.raises(ModelMissing):
        add_recogniser(tmp_path / "absent.onnx")
    assert load_recogniser() is not None


def test_a_photo_is_not_a_network(own_cache: Path, tmp_path: Path) -> None:
    Image.new("RGB", (8, 8)).save(tmp_path / "photo.png")
    with pytest.raises(ModelUnreadable):
        add_recogniser(tmp_path / "photo.png")
