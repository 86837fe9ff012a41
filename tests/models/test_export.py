"""Files of networks say what the networks say."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from safetensors.torch import load_file

from core.errors import BadInput, ModelUnreadable
from models.export import LARGEST, TOLERANCE, export_network
from models.face_code import ExpressionNet, FaceCodeNet
from models.mirror import Mirror
from models.network import Network
from models.network_card import OUTPUTS, STDS, read_card
from models.registry import NETWORKS, SHIPPED
from tests.models.networks import (
    ALBEDO,
    IDENTITY,
    MIRROR,
    SIDE,
    card_of,
    export_expression,
    export_face,
    expression_net,
    face_net,
    noise,
)  # fmt: skip

pytestmark = pytest.mark.filterwarnings("ignore")  # the exporter's, about itself and about type checks


def loaded(path: Path) -> Network:
    return Network(path.read_bytes(), path)


def as_read(crops: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(crops).permute(0, 3, 1, 2).float() / 255


@pytest.mark.parametrize("count", [1, 5, 37])
def test_the_file_says_what_the_network_says_of_so_many_crops(tmp_path: Path, count: int) -> None:
    net = face_net()
    network = loaded(export_face(tmp_path, net=net).onnx)
    crops = noise(count, seed=count)
    camera = np.random.default_rng(1).uniform([150, 150, 0, 0], [400, 400, 64, 64], (count, 4))
    lens = torch.from_numpy(camera.astype(np.float32))
    found = network(crops, camera.astype(np.float32))
    with torch.no_grad():
        code = net(as_read(crops), lens)
    assert tuple(found) == OUTPUTS["face"] and not network.knows_std
    for name, values in found.items():
        np.testing.assert_allclose(values, getattr(code, name).numpy(), atol=TOLERANCE, err_msg=name)
    assert np.ptp(found["identity"], axis=0).max() > 10 * TOLERANCE or count == 1  # it does tell them apart


def test_what_the_network_says_of_its_errors_is_in_the_file_too(tmp_path: Path) -> None:
    net = face_net(spread=True)
    network = loaded(export_face(tmp_path, net=net).onnx)
    camera = np.tile(np.array([300, 300, 32, 32], np.float32), (4, 1))
    found = network(noise(4), camera)
    with torch.no_grad():
        spread = net(as_read(noise(4)), torch.from_numpy(camera)).std
    assert spread is not None and float(spread.identity.std(dim=0).max()) > 10 * TOLERANCE
    assert network.knows_std and tuple(found) == OUTPUTS["face"] + STDS["face"]
    for part in ("identity", "expression", "rotation"):
        np.testing.assert_allclose(found[f"{part}_spread"], getattr(spread, part), atol=TOLERANCE)


def test_a_network_of_expressions_needs_no_camera(tmp_path: Path) -> None:
    network = loaded(export_expression(tmp_path).onnx)
    with torch.no_grad():
        expected = expression_net()(as_read(noise(4)))
    np.testing.assert_allclose(network(noise(4))["expression"], expected, atol=TOLERANCE)
    net = expression_net(spread=True)
    sure = loaded(export_network(net, card_of("et_net", "expression"), tmp_path, noise(2)).onnx)
    with torch.no_grad():
        said, spread = net.read(as_read(noise(4)))
    found = sure(noise(4))
    assert sure.knows_std and spread is not None and float(spread.std(dim=0).max()) > 10 * TOLERANCE
    np.testing.assert_allclose(found["expression"], said, atol=TOLERANCE)
    np.testing.assert_allclose(found["expression_spread"], spread, atol=TOLERANCE)


class _TwoLayers(ExpressionNet):
    """A network of expressions that is no ETNet."""

    def __init__(self) -> None:
        super().__init__("small")
        self.hidden = torch.nn.Linear(self.backbone.feature_count, self.backbone.feature_count)

    def read(self, images: torch.Tensor) -> tuple[torch.Tensor, None]:
        features = torch.relu(self.hidden(self.backbone.pooled(images)))
        return torch.sigmoid(self.head(features)), None


def test_any_network_of_expressions_is_exported_as_such(tmp_path: Path) -> None:
    torch.manual_seed(0)
    net = _TwoLayers().eval()
    with torch.no_grad():
        net.head.weight.mul_(30)
    network = loaded(export_network(net, card_of("et_net", "expression"), tmp_path, noise(3)).onnx)
    with torch.no_grad():
        said = net(as_read(noise(4)))
    found = network(noise(4))
    assert tuple(found) == OUTPUTS["expression"] and float(said.std(dim=0).max()) > 5 * TOLERANCE
    np.testing.assert_allclose(found["expression"], said, atol=TOLERANCE)
    with pytest.raises(BadInput, match="card"):
        export_network(net, card_of("rec_net", "face"), tmp_path, noise(2))


def test_files_carry_the_card_and_checksums(tmp_path: Path) -> None:
    written = export_face(tmp_path)
    card = card_of("rec_net", "face")
    stored = read_card({prop.key: prop.value for prop in onnx.load(written.onnx).metadata_props})
    assert stored.mirror is not None
    np.testing.assert_array_equal(stored.mirror.identity, MIRROR.identity)
    np.testing.assert_array_equal(stored.mirror.albedo, MIRROR.albedo)
    assert {name: value for name, value in vars(stored).items() if name != "mirror"} == {
        name: value for name, value in vars(card).items() if name != "mirror"
    }
    assert (tmp_path / "rec_net.md").read_text() == card.text
    for line in (tmp_path / "rec_net.sha256").read_text().splitlines():
        digest, name = line.split("  ")
        assert hashlib.sha256((tmp_path / name).read_bytes()).hexdigest() == digest
    assert max(written.deviation.values()) <= TOLERANCE


def test_the_parameters_can_be_trained_on_and_large_ones_are_halves(tmp_path: Path) -> None:
    net = face_net()
    written = export_face(tmp_path, net=net)
    tensors = load_file(written.safetensors)
    assert {str(tensors[name].dtype) for name in ("backbone.conv1.weight", "backbone.bn1.running_var")} == {
        "torch.float16", "torch.float32",
    }  # fmt: skip
    other = FaceCodeNet(IDENTITY, ALBEDO, "small").eval()
    other.load_state_dict(tensors)
    with torch.no_grad():
        torch.testing.assert_close(
            other(as_read(noise(2))).identity, net(as_read(noise(2))).identity, atol=TOLERANCE, rtol=0
        )
    count = sum(parameter.numel() for parameter in net.parameters())
    assert written.onnx.stat().st_size < 2.5 * count


def test_weights_that_halves_cannot_hold_are_refused_and_nothing_is_written(tmp_path: Path) -> None:
    net = face_net()
    with torch.no_grad():
        net.head.weight[0, 0] = 1e6
    with pytest.raises(BadInput, match="half floats"):
        export_face(tmp_path, net=net)
    assert not list(tmp_path.iterdir())


def test_a_file_that_differs_from_its_network_is_refused(tmp_path: Path) -> None:
    net = face_net()
    with torch.no_grad():
        net.head.weight.mul_(1000)  # rounded to halves, these move the outputs by more than is allowed
    with pytest.raises(BadInput, match="differs"):
        export_face(tmp_path, net=net)
    assert not list(tmp_path.iterdir())


def test_a_card_of_another_network_is_refused(tmp_path: Path) -> None:
    short = Mirror(np.eye(3, dtype=np.float32), 0.0, MIRROR.albedo)
    for card in (
        card_of("et_net", "expression"), card_of("rec_net", "face", side=32),
        card_of("rec_net", "face", mirror=short),
    ):  # fmt: skip
        with pytest.raises(BadInput, match="card"):
            export_network(face_net(), card, tmp_path, noise(2))
    assert not list(tmp_path.iterdir())


def test_a_file_without_its_outputs_or_of_another_release_is_no_network(tmp_path: Path) -> None:
    path = export_expression(tmp_path).onnx
    model = onnx.load(path)
    stored = {prop.key: prop.value for prop in model.metadata_props}
    for changed in ({"format": "99"}, {"names": "[]"}, {"side": "0"}, {"kind": "voice"}, {"kind": "face"}):
        onnx.helper.set_model_props(model, stored | changed)
        with pytest.raises(ModelUnreadable):
            Network(model.SerializeToString(), path)
    del model.metadata_props[:]
    with pytest.raises(ModelUnreadable, match="nothing about format"):
        Network(model.SerializeToString(), path)
    assert loaded(path).card.side == SIDE


@pytest.mark.parametrize("name", [name for name in NETWORKS if (SHIPPED / f"{name}.onnx").is_file()])
def test_shipped_files_are_small_whole_and_described(name: str) -> None:
    lines = (SHIPPED / f"{name}.sha256").read_text().splitlines()
    assert {line.split("  ")[1] for line in lines} == {f"{name}.onnx", f"{name}.safetensors"}
    for line in lines:
        digest, file = line.split("  ")
        content = (SHIPPED / file).read_bytes()
        assert hashlib.sha256(content).hexdigest() == digest and len(content) <= LARGEST
    network = loaded(SHIPPED / f"{name}.onnx")
    assert network.card.name == name and network.card.kind == NETWORKS[name]
    assert network.card.licence and network.card.text == (SHIPPED / f"{name}.md").read_text(encoding="utf-8")
