"""Shape keys for meshes that have none, in every Blender."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.arkit import ARKIT_NAMES
from core.errors import MeshUnusable
from core.face_model.registry import load_model
from core.retarget.keyless.landmarks import NAMED
from core.retarget.keyless.mesh import read_mesh
from core.rig import save_rig
from server.blender_process import read_character, write_character
from tests.blenders import blenders, each_blender
from tests.rigs import model_rig

INSIDE = "inside_keys"
BOX = (
    """v -1 -1 -1\nv 1 -1 -1\nv 1 1 -1\nv -1 1 -1\nv 0 0 2\nf 1 2 3 4\nf 1 5 2\nf 2 5 3\nf 3 5 4\nf 4 5 1\n"""
)


@each_blender()
def test_meshes_are_sent_upright(run: Any, tmp_path: Path) -> None:
    told = run("geometry", tmp_path)
    assert told["vertex"] == pytest.approx(told["expected"], abs=1e-5)
    assert told["counts"] == [16, 10, 15] and told["owners"] == [8, 8]
    assert told["names"] == ["body", "eye"]
    assert len(read_mesh(tmp_path / "mesh.npz").triangles) == 20


@each_blender()
def test_finished_keys_are_one_step_and_can_be_made_again(run: Any, tmp_path: Path) -> None:
    told = run("apply", tmp_path)
    keys = {"body": ["Basis", "jawOpen", "mouthClose"], "eye": ["Basis", "jawOpen"], "hair": []}
    assert told["keys"] == [keys] * 3
    assert told["moved"] == [0.0, 0.0, 1.0] and told["value"] == 0.0
    assert told["warnings"] == ["No tongue."] and "2 shape keys" in told["notice"]
    assert told["undone"] and told["error"] == "" and told["again"] == 3
    assert "have changed" in told["refused"] and told["file is gone"]


@each_blender()
def test_landmarks_are_empties_that_can_be_moved(run: Any) -> None:
    told = run("landmarks")
    assert told["names"] and told["sides"] and told["hidden"]
    assert told["tip"] == pytest.approx(told["expected"], abs=1e-5)
    assert told["again"] == pytest.approx(told["expected"], abs=1e-4)


@each_blender()
def test_what_is_missing_is_said_before_anything_is_sent(run: Any) -> None:
    no_mesh, no_head, jobs, idle = run("lacking")
    assert "Select the meshes" in no_mesh and "no head" in no_head
    assert (jobs, idle) == ("0", "True")


@pytest.mark.parametrize("blender", blenders()[:1])
def test_a_bare_mesh_gets_its_keys_from_a_real_server(run: Any, tmp_path: Path) -> None:
    model = load_model("anny")
    save_rig(model_rig(model), tmp_path / "head.semrig")
    lines = [f"v {x} {y} {z}" for x, y, z in model.template.tolist()]
    skin = model.region_mask("skin", "eye_left", "eye_right")[model.triangles].all(axis=1)
    lines += ["f " + " ".join(str(corner + 1) for corner in row) for row in model.triangles[skin].tolist()]
    (tmp_path / "bare.obj").write_text("\n".join(lines))
    told = run("make", tmp_path / "head.semrig", tmp_path / "bare.obj", sys.executable)
    assert told["error"] == ["", ""]
    assert told["keys"] == ["Basis", *ARKIT_NAMES] and "registration" in told["stages"]
    assert -0.045 < told["lowest"] < -0.02
    assert told["found"] == len(NAMED)


def test_a_file_becomes_a_file_with_keys(tmp_path: Path) -> None:
    python = next((path for path in blenders() if not Path(path).name.startswith("blender")), None)
    if python is None:
        pytest.skip("needs bpy as a Python module: pip install '.[blender]'")
    (tmp_path / "box.obj").write_text(BOX)
    read_character(tmp_path / "box.obj", tmp_path / "mesh.npz", python=python)
    mesh = read_mesh(tmp_path / "mesh.npz")
    top = int(np.argmax(mesh.vertices[:, 2]))
    np.testing.assert_allclose(mesh.vertices[top], [0, 0, 2], atol=1e-6)
    offsets = np.zeros((52, 5, 3), np.float32)
    offsets[:, top, 1] = 0.5
    np.savez(tmp_path / "keys.npz", names=np.array(ARKIT_NAMES), offsets=offsets)
    for name in ("out.glb", "out.blend"):
        write_character(tmp_path / "box.obj", tmp_path / "keys.npz", tmp_path / name, python=python)
        assert (tmp_path / name).stat().st_size > 1000
    assert all(name.encode() in (tmp_path / "out.glb").read_bytes() for name in ARKIT_NAMES)
    (tmp_path / "empty.obj").write_text("v 0 0 0\n")
    with pytest.raises(MeshUnusable, match="has no mesh"):
        read_character(tmp_path / "empty.obj", tmp_path / "none.npz", python=python)
