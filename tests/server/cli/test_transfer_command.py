"""``semblance transfer``, here and on a server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from core.arkit import ARKIT_NAMES
from core.face_model.model import FaceModel
from core.face_model.registry import load_model
from core.retarget.keyless.landmarks import Landmarks, save_landmarks
from core.rig import save_rig
from server.errors import UnsupportedMedia
from tests.core.retarget.keyless.conftest import SCALE, SHIFT, Z_UP, character
from tests.core.retarget.keyless.meshes import ball, write_mesh
from tests.rigs import model_rig
from tests.server.cli.conftest import Run
from tests.server.conftest import Server, start_server


@pytest.fixture(scope="module")
def model() -> FaceModel:
    return load_model("anny")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("transfer") / "server"
    server = start_server(folder, kinds=("server.jobs.kinds.transfer",))
    yield server
    server.stop()


def test_the_same_keys_here_and_there(run: Run, server: Server, model: FaceModel, tmp_path: Path) -> None:
    """The same work, to the bit: landmarks that are looked for are others than those that are given, which
    also say where to look, so both places are given the same."""
    mesh, of_vertex = character(model, model.template)
    write_mesh(mesh, tmp_path / "body.npz")
    save_rig(model_rig(model), tmp_path / "face.semrig")
    own = SCALE * model.landmarks(model.template).astype(np.float64) @ Z_UP.T + SHIFT
    save_landmarks(Landmarks(own, np.isfinite(own).all(axis=1)), tmp_path / "mine.json")
    asked = ("transfer", "face.semrig", "body.npz", "--landmarks", "mine.json")
    for name, more in (("near", ()), ("far", ("--server", server.url, "--token", server.token))):
        done = run(*asked, "-o", f"{name}.npz", "--write-landmarks", f"{name}.json", *more)
        assert done.exit_code == 0, done.output
    points = json.loads((tmp_path / "near.json").read_text())["points"]
    assert points == json.loads((tmp_path / "far.json").read_text())["points"]
    tip = (np.array(points["nose_tip"]) - points["nose_bridge"]) @ Z_UP / SCALE
    assert tip[2] > 0.01 and abs(tip[0]) < 0.004
    with np.load(tmp_path / "near.npz") as near, np.load(tmp_path / "far.npz") as other:
        assert near["names"].tolist() == other["names"].tolist() == list(ARKIT_NAMES)
        assert near["offsets"].shape == (52, len(of_vertex), 3) and np.ptp(near["offsets"]) > 0.01 * SCALE
        np.testing.assert_array_equal(near["offsets"], other["offsets"])
    assert server.client.jobs() == []


def test_what_cannot_be_done_is_said(run: Run, server: Server, model: FaceModel, tmp_path: Path) -> None:
    write_mesh(ball(), tmp_path / "ball.npz")
    save_rig(model_rig(model), tmp_path / "face.semrig")
    (tmp_path / "bad.json").write_text(
        '{"format": "semblance-landmarks", "schema": 1, "points": {"ear": []}}'
    )
    for arguments, says in (
        (("ball.npz", "-o", "out.blend"), "holds no objects"),
        (("none.obj", "-o", "out.blend"), "none.obj"),
        (("ball.npz", "-o", "out.npz", "--landmarks", "bad.json"), "no landmark 'ear'"),
    ):
        told = run("transfer", "face.semrig", *arguments)
        assert told.exit_code != 0 and says in told.output
    (tmp_path / "mesh.npz").write_bytes((tmp_path / "ball.npz").read_bytes()[:-40])
    with pytest.raises(UnsupportedMedia):
        server.client.upload(tmp_path / "mesh.npz")
    file = server.client.upload(tmp_path / "ball.npz")
    assert (file.kind, file.media_type) == ("mesh", "application/x-semblance-mesh")
    rig, _ = server.client.add_rig(server.client.upload(tmp_path / "face.semrig").id)
    document = {"format": "semblance-landmarks", "schema": 1, "points": {"ear": [0, 0, 0]}}
    body = {"kind": "transfer", "files": [file.id], "rig": rig.id, "options": {"landmarks": document}}
    answer = server.http.post("/v1/jobs", json=body)
    assert answer.status_code == 422 and answer.json()["error"]["code"] == "landmarks_unreadable"
