"""A small network learns, forgets no convention, and is exported as it is."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from core.errors import BadInput
from models.prior.data import learn_basis, load_people
from models.prior.evaluate import evaluate, people_clips
from models.prior.export import WholeNet, export
from models.prior.network import Ensemble, PriorNet, TurnNet
from models.prior.prior import INPUTS, LandmarkPrior
from models.prior.render import render_shards
from models.prior.train import train_and_export
from models.prior.training import Recipe, batches

SMALL = Recipe(steps=250, pairs=16, members=1, turning=1, width=64, depth=1, dropout=0.0)


@pytest.fixture(scope="session")
def trained(people_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("trained") / "small.onnx"
    train_and_export(people_folder, ["anny"], SMALL, file)
    return file


def test_training_helps_on_people_it_did_not_see(people_folder: Path, trained: Path, tmp_path: Path) -> None:
    clips = people_clips(people_folder, ["anny"])
    train_and_export(people_folder, ["anny"], replace(SMALL, steps=5), tmp_path / "hardly.onnx")
    hardly, well = (
        evaluate(LandmarkPrior(file), clips).scores for file in (tmp_path / "hardly.onnx", trained)
    )
    assert well.error < 0.5 * hardly.error
    assert well.correlation > max(0.5, hardly.correlation + 0.2)


def test_the_exported_network_gives_what_torch_gives(people_folder: Path, tmp_path: Path) -> None:
    torch.manual_seed(0)
    basis = learn_basis(people_folder, ["anny"])
    components = basis.encode.shape[1]
    members = [PriorNet(components, 80, width=64, depth=2) for _ in range(2)]
    net = Ensemble(members, [TurnNet(components, 80, width=16) for _ in range(2)]).eval()
    export(net, basis, tmp_path / "net.onnx")
    rng = np.random.default_rng(0)
    aligned = basis.canonical.points.ravel() + rng.normal(0, 3, (5, 1434)).astype(np.float32)
    inputs = [aligned, aligned[::-1].copy(), rng.normal(0, 0.5, (5, 9)).astype(np.float32)]
    with torch.no_grad():
        expected = WholeNet(net, basis).half().float()(*(torch.from_numpy(array) for array in inputs))
    session = LandmarkPrior(tmp_path / "net.onnx")._session
    for value, wanted in zip(
        session.run(None, dict(zip(INPUTS, inputs, strict=True))), expected, strict=True
    ):
        np.testing.assert_allclose(value, wanted.numpy(), atol=1e-4)


def test_a_batch_shows_both_people_of_a_pair_the_same_shared_expressions(people_folder: Path) -> None:
    people = load_people(people_folder, ["anny"], learn_basis(people_folder, ["anny"]))
    batch = next(batches(people, SMALL))
    shared = batch.truth[:, :, :2]
    torch.testing.assert_close(shared[:, 0], shared[:, 1])
    assert not torch.equal(batch.truth[:, 0, 2:], batch.truth[:, 1, 2:])


def test_no_data_and_damaged_data_are_refused_by_name(people_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no training data"):
        train_and_export(tmp_path, ["anny"], SMALL, tmp_path / "out.onnx")
    shutil.copy(people_folder / "anny-0-0000.npz", tmp_path / "anny-0-0000.npz")
    (tmp_path / "anny-0-0000.npz").write_bytes((tmp_path / "anny-0-0000.npz").read_bytes()[:5000])
    with pytest.raises(BadInput, match=r"anny-0-0000\.npz"):
        train_and_export(tmp_path, ["anny"], SMALL, tmp_path / "out.onnx")


def test_rendering_needs_a_known_model_and_clips_a_take(tmp_path: Path) -> None:
    with pytest.raises(BadInput):
        render_shards("flame", 10, tmp_path)
    with pytest.raises(BadInput, match="take"):
        render_shards("anny", 10, tmp_path, clips=True)
