"""RecAugNet of two trained networks: what it says, and its files."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from models.et_net import ETNet, RecAugNet, Shrink
from models.export import export_network
from models.layout import Layout
from models.network import Network
from models.network_card import NetworkCard
from models.pe_net import PENet
from models.rec_net import RecNet
from models.registry import SHIPPED
from models.training.config import NetworkConfig
from models.training.weights import load_network, make_network, save_network
from tests.models.networks import ALBEDO, IDENTITY, MIRROR, expression_net, noise

FACE = Layout("rec_net", "small", IDENTITY, ALBEDO, 64, "anny", spread=True)
EXPRESSION = Layout("et_net", "small", 0, 0, 48, "", spread=True)


def _trained(folder: Path, face: Layout = FACE, expression: Layout = EXPRESSION) -> NetworkConfig:
    """Files of two networks, and what joins them."""
    torch.manual_seed(1)
    files = folder / "face.safetensors", folder / "expression.safetensors"
    save_network(RecNet(IDENTITY, ALBEDO, "small", face.spread), face, files[0])
    save_network(expression_net(expression.spread), expression, files[1])
    return NetworkConfig("rec_aug_net", rec_net=str(files[0]), et_net=str(files[1]))


def _pictures(side: int = 64) -> torch.Tensor:
    return torch.from_numpy(noise(2, side)).permute(0, 3, 1, 2).float() / 255


@pytest.mark.parametrize("spread", [True, False])
def test_it_is_saved_and_loaded_again_whole(tmp_path: Path, spread: bool) -> None:
    layout, net = make_network(_trained(tmp_path, expression=replace(EXPRESSION, spread=spread)), "anny")
    assert layout.spread == spread and layout.side == 64
    save_network(net, layout, tmp_path / "joined.safetensors")
    again, found = load_network(tmp_path / "joined.safetensors")
    assert again == layout
    with torch.no_grad():
        torch.testing.assert_close(found(_pictures()).expression, net.eval()(_pictures()).expression)


def test_expressions_and_how_sure_they_are_come_from_etnet_and_each_reads_its_own_crop(
    tmp_path: Path,
) -> None:
    config = _trained(tmp_path)
    net = make_network(config, "anny")[1].eval()
    (_, face), (_, expression) = (load_network(Path(file)) for file in (config.rec_net, config.et_net))
    assert isinstance(expression, ETNet)
    camera = torch.tensor([[300.0, 300, 30, 33]]).expand(2, 4)
    small = F.interpolate(_pictures(), (48, 48), mode="bilinear", antialias=True)
    with torch.no_grad():
        code, own = net(_pictures(), camera), face(_pictures(), camera)
        said, spread = expression.read(small)
    assert code.std is not None and own.std is not None and spread is not None
    torch.testing.assert_close(code.expression, said)
    torch.testing.assert_close(code.std.expression, spread)
    for name in ("identity", "rotation"):
        torch.testing.assert_close(getattr(code.std, name), getattr(own.std, name))
        torch.testing.assert_close(getattr(code, name), getattr(own, name))
    torch.testing.assert_close(code.translation, own.translation)


def test_a_face_network_of_smaller_crops_places_heads_where_it_does_alone() -> None:
    torch.manual_seed(2)
    face = RecNet(IDENTITY, ALBEDO, "small").eval()
    net = RecAugNet(face, expression_net(), (32, 64)).eval()
    camera = torch.tensor([[300.0, 300, 30, 33]]).expand(2, 4)
    small = F.interpolate(_pictures(), (32, 32), mode="bilinear", antialias=True)
    with torch.no_grad():
        joined, alone = net(_pictures(), camera), face(small, camera / 2)
    torch.testing.assert_close(joined.translation, alone.translation)
    torch.testing.assert_close(joined.rotation, alone.rotation)


@pytest.mark.parametrize(("side", "target"), [(224, 128), (64, 48), (64, 64), (224, 112)])
def test_crops_are_made_smaller_as_in_training(side: int, target: int) -> None:
    expected = F.interpolate(_pictures(side), (target, target), mode="bilinear", antialias=True)
    torch.testing.assert_close(Shrink(side, target)(_pictures(side)), expected, atol=1e-5, rtol=0)


@pytest.mark.filterwarnings("ignore")  # the exporter's, about itself
def test_exported_it_says_the_same_and_is_trained_on_as_what_it_was(tmp_path: Path) -> None:
    layout, net = make_network(_trained(tmp_path), "anny")
    card = NetworkCard(
        "mine", "face", layout.backbone, layout.side, "anny", MIRROR, "Apache-2.0", "2026-01-31", "# mine\n",
        network=layout.kind, parts=layout.parts,
    )  # fmt: skip
    written = export_network(net, card, tmp_path, noise(3))
    network = Network(written.onnx.read_bytes(), written.onnx)
    assert network.knows_std and network.card.parts == layout.parts
    again, found = load_network(written.safetensors)
    assert again == layout and isinstance(found, RecAugNet)
    camera = np.array([[300.0, 300, 30, 33]], np.float32).repeat(2, axis=0)
    with torch.no_grad():
        code = found(_pictures(), torch.from_numpy(camera))
    said = network(noise(2), camera)
    np.testing.assert_allclose(said["expression"], code.expression, atol=0.01)
    np.testing.assert_allclose(said["expression_spread"], code.std.expression, atol=0.01)


@pytest.mark.filterwarnings("ignore")  # the exporter's, about itself
def test_an_exported_pe_net_stays_one(tmp_path: Path) -> None:
    torch.manual_seed(3)
    card = NetworkCard(
        "mine", "face", "small", 64, "anny", MIRROR, "Apache-2.0", "2026-01-31", "# mine\n", network="pe_net"
    )
    written = export_network(PENet(IDENTITY, ALBEDO, "small"), card, tmp_path, noise(3))
    layout, net = load_network(written.safetensors)
    assert layout == Layout("pe_net", "small", IDENTITY, ALBEDO, 64, "anny") and isinstance(net, PENet)


def test_the_networks_that_ship_can_be_joined() -> None:
    config = NetworkConfig(
        "rec_aug_net",
        rec_net=str(SHIPPED / "rec_net.safetensors"),
        et_net=str(SHIPPED / "et_net.safetensors"),
    )
    layout, net = make_network(config, "anny")
    assert layout.side == 224 and [part.side for part in layout.parts] == [224, 128] and layout.spread
    with torch.no_grad():
        assert bool(net.eval()(_pictures(224)).expression.isfinite().all())


def test_a_file_of_an_earlier_release_is_read_as_before(tmp_path: Path) -> None:
    """Those name the two backbones alone; both networks had one side, and ETNet no spread."""
    parts = replace(FACE, spread=False), replace(EXPRESSION, spread=False, side=64)
    layout, net = make_network(_trained(tmp_path, *parts), "anny")
    file = tmp_path / "joined.safetensors"
    save_network(net, replace(layout, parts=()), file)
    again, found = load_network(file)
    assert again == layout
    with torch.no_grad():
        torch.testing.assert_close(found(_pictures()).expression, net.eval()(_pictures()).expression)
