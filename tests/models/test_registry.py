"""Networks that ship, networks that users add, and files that are no such thing."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from core.errors import BadInput, ModelMissing, ModelUnreadable
from models import registry
from models.registry import (
    add_network,
    available,
    list_networks,
    load_network,
    load_network_file,
    network_info,
)  # fmt: skip
from tests.models.networks import export_expression, export_face, noise

pytestmark = pytest.mark.filterwarnings("ignore")  # the exporter's, about itself and about type checks


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Files of both networks, and of another network of expressions in ``other``."""
    folder = tmp_path_factory.mktemp("exported")
    (folder / "other").mkdir()
    export_face(folder)
    export_expression(folder)
    export_expression(folder / "other", seed=1)
    return folder


@pytest.fixture
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder of shipped networks, and an empty cache."""
    (tmp_path / "weights").mkdir()
    monkeypatch.setattr(registry, "SHIPPED", tmp_path / "weights")
    monkeypatch.setenv("SEMBLANCE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "weights"


def ship(exported: Path, shipped: Path, name: str) -> Path:
    for file in exported.glob(f"{name}.*"):
        shutil.copy(file, shipped)
    return shipped / f"{name}.onnx"


def test_without_files_the_networks_are_known_to_be_missing(shipped: Path) -> None:
    assert [(info.name, info.state) for info in list_networks()] == [
        ("rec_net", "missing"), ("et_net", "missing"),
    ]  # fmt: skip
    assert not available("rec_net")
    with pytest.raises(ModelMissing, match="semblance models add rec_net FILE"):
        load_network("rec_net")


def test_a_shipped_network_is_described_and_loaded(exported: Path, shipped: Path) -> None:
    file = ship(exported, shipped, "et_net")
    info = network_info("et_net")
    assert available("et_net") and not available("rec_net")
    assert (info.state, info.cache_file, info.known_release) == ("shipped", str(file), True)
    assert (info.licence, info.backbone, info.side, info.trained) == ("Apache-2.0", "small", 64, "2026-01-31")
    assert load_network("et_net")(noise(2))["expression"].shape == (2, 52)


def test_the_users_own_goes_before_the_shipped_one(exported: Path, shipped: Path) -> None:
    ship(exported, shipped, "et_net")
    before = load_network("et_net")(noise(2))["expression"]
    info = add_network("et_net", exported / "other" / "et_net.onnx")
    assert (info.state, info.known_release) == ("added", False)
    assert Path(info.cache_file).read_bytes() == (exported / "other" / "et_net.onnx").read_bytes()
    after = load_network("et_net")(noise(2))["expression"]
    assert np.abs(after - before).max() > 0.01
    Path(info.cache_file).unlink()
    np.testing.assert_array_equal(load_network("et_net")(noise(2))["expression"], before)


def test_a_shipped_file_that_changed_is_not_run(exported: Path, shipped: Path) -> None:
    file = ship(exported, shipped, "et_net")
    shutil.copy(exported / "other" / "et_net.onnx", file)  # whole, but not what was shipped
    with pytest.raises(ModelUnreadable, match="checksum"):
        load_network("et_net")
    info = network_info("et_net")
    assert info.state == "damaged" and "checksum" in info.problem
    (shipped / "et_net.sha256").unlink()
    with pytest.raises(ModelUnreadable):
        load_network("et_net")


@pytest.mark.parametrize("content", [b"", b"not a network", None])
def test_another_file_is_refused_and_what_was_added_stays(
    exported: Path, shipped: Path, tmp_path: Path, content: bytes | None
) -> None:
    add_network("rec_net", exported / "rec_net.onnx")
    path = tmp_path / "other.onnx"
    whole = (exported / "rec_net.onnx").read_bytes()
    path.write_bytes(whole[: len(whole) // 2] if content is None else content)
    with pytest.raises(ModelUnreadable):
        add_network("rec_net", path)
    with pytest.raises(ModelUnreadable, match="kind face"):
        add_network("rec_net", exported / "et_net.onnx")
    with pytest.raises(ModelMissing):
        add_network("rec_net", tmp_path / "absent.onnx")
    assert network_info("rec_net").state == "added"


def test_an_added_file_that_was_damaged_later_says_what_to_do(exported: Path, shipped: Path) -> None:
    info = add_network("rec_net", exported / "rec_net.onnx")
    Path(info.cache_file).write_bytes(b"gone bad")
    with pytest.raises(ModelUnreadable, match="is no ONNX network"):
        load_network("rec_net")
    assert network_info("rec_net").state == "damaged"


def test_there_are_no_other_networks(exported: Path, shipped: Path) -> None:
    for call in (available, load_network, network_info):
        with pytest.raises(BadInput, match="rec_net, et_net"):
            call("nobody")
    with pytest.raises(BadInput):
        add_network("../anny", exported / "rec_net.onnx")
    with pytest.raises(ModelMissing):
        load_network_file(exported / "absent.onnx")
    assert load_network_file(exported / "rec_net.onnx").card.kind == "face"
