"""Help, versions, face models, the doctor, and files for other programs."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

from core.face_model.providers import PROVIDERS
from core.rig import save_rig
from server import diagnosis
from server.diagnosis import Finding
from tests.blenders import blenders
from tests.models.networks import export_expression
from tests.rigs import make_rig
from tests.server.cli.conftest import ROOT, Run, events

needs_bpy = pytest.mark.skipif(
    sys.executable not in blenders(), reason="bpy is not installed: pip install '.[blender]'"
)


def test_help_names_every_command(run: Run) -> None:
    shown = run("--help")
    assert shown.exit_code == 0
    for command in ("rig", "blend", "export", "sheet", "demo", "doctor", "models", "eval"):
        assert command in shown.stdout
        assert run(command, "--help").exit_code == 0


def test_a_misspelt_command_is_a_usage_error(run: Run) -> None:
    assert run("rigg").exit_code == 2
    assert run("rig").exit_code == 2


def test_version(run: Run) -> None:
    try:
        version = metadata.version("semblance")
    except metadata.PackageNotFoundError:
        pytest.skip("Semblance is not installed here")
    assert run("--version").stdout.strip() == f"semblance {version}"


def test_models_are_listed_with_state_and_licence(run: Run) -> None:
    listed = events(run("models", "list", "--json"))[0]["models"]
    assert [model["name"] for model in listed] == list(PROVIDERS)
    assert all(model["licence"] and model["state"] for model in listed)
    text = run("models", "list").stdout
    assert all(model["name"] in text for model in listed)
    assert all(network in text for network in ("rec_net", "et_net", "sface", "landmark_prior"))


def test_a_model_says_where_it_comes_from(run: Run) -> None:
    assert "github.com/ICT-VGL" in run("models", "info", "ict").stdout
    assert "opencv_zoo" in run("models", "info", "sface").stdout
    assert "rec_net.onnx" in run("models", "info", "rec_net").stdout
    assert run("models", "info", "nobody").exit_code == 2


@pytest.mark.filterwarnings("ignore")  # the exporter's, about itself and about type checks
def test_a_network_of_ones_own_is_added_described_and_diagnosed(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEMBLANCE_CACHE", str(tmp_path / "cache"))
    export_expression(tmp_path)
    done = run("models", "add", "et_net", "et_net.onnx", "--json")
    assert done.exit_code == 0 and events(done)[-1]["model"]["state"] == "added"
    told = run("models", "info", "et_net").stdout
    assert "2026-01-31" in told and "# et_net" in told
    finding = next(found for found in diagnosis._networks() if found.topic == "network et_net")
    assert finding.state == "ok" and "small" in finding.text
    assert run("models", "add", "rec_net", "et_net.onnx").exit_code == 6
    (tmp_path / "cache" / "models" / "et_net.onnx").write_bytes(b"gone bad")
    finding = next(found for found in diagnosis._networks() if found.topic == "network et_net")
    assert finding.state == "missing" and "et_net.onnx" in finding.remedy


def test_a_model_that_cannot_be_added(run: Run, tmp_path: Path) -> None:
    (tmp_path / "flame.pkl").write_text("not a pickle")
    assert run("models", "add", "flame", "absent.pkl").exit_code == 5
    assert run("models", "add", "flame", "flame.pkl").exit_code == 6
    assert run("models", "add", "anny", "flame.pkl").exit_code == 2
    assert run("models", "add", "sface", "flame.pkl").exit_code == 6
    assert run("models", "add", "rec_net", "flame.pkl").exit_code == 6
    assert run("models", "add", "nobody", "flame.pkl").exit_code == 2


def test_the_doctor_finds_what_the_tests_themselves_need(run: Run) -> None:
    done = run("doctor")
    assert done.exit_code == 0, done.stdout
    for topic in ("python", "torch", "mediapipe", "device", "rasteriser", "model anny", "cache", "blender"):
        assert topic in done.stdout
    assert metadata.version("torch") in done.stdout and "Rigs can be made." in done.stdout
    told = events(run("doctor", "--json"))[0]
    assert told["ready"] and {finding["topic"] for finding in told["findings"]} >= {"python", "blender"}


def test_the_doctor_says_what_to_do_and_ends_differently(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        diagnosis, "diagnose", lambda: [Finding("torch", "missing", "not installed", "pip install torch")]
    )
    done = run("doctor")
    assert done.exit_code == 8 and "pip install torch" in done.stdout and "cannot" in done.stdout


def test_a_missing_package_comes_with_its_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(diagnosis, "_PACKAGES", ("no-such-package",))
    finding = next(found for found in diagnosis.diagnose() if found.topic == "no-such-package")
    assert finding.state == "missing" and f"{sys.executable} -m pip install" in finding.remedy


@needs_bpy
def test_a_rig_becomes_files_for_other_programs(run: Run, portrait_rig_file: Path, tmp_path: Path) -> None:
    made = run("blend", portrait_rig_file, "-o", "head.blend")
    assert made.exit_code == 0, made.output
    made = run("export", portrait_rig_file, "-o", "head.glb", "--json")
    assert made.exit_code == 0, made.output
    assert events(made)[-1]["written"] == ["head.glb"]
    assert (tmp_path / "head.glb").read_bytes()[:4] == b"glTF"
    assert sorted(file.name for file in tmp_path.iterdir()) == ["head.blend", "head.glb"]
    assert run("blend", portrait_rig_file, "-o", "head.blend").exit_code == 2
    assert run("export", portrait_rig_file, "-o", "head.fbx").exit_code == 2
    assert run("blend", tmp_path / "absent.semrig", "-o", "other.blend").exit_code == 7
    for mine in ("one.mtl", "two_albedo.png"):
        (tmp_path / mine).write_text("mine")
        assert run("export", portrait_rig_file, "-o", f"{mine[:3]}.obj").exit_code == 2
        assert (tmp_path / mine).read_text() == "mine"


@needs_bpy
def test_only_files_that_an_obj_writes_are_in_its_way(run: Run, tmp_path: Path) -> None:
    save_rig(make_rig(), tmp_path / "head.semrig")
    (tmp_path / "head_normal.png").write_text("mine")
    made = run("export", "head.semrig", "-o", "head.obj")
    assert made.exit_code == 0, made.output
    assert (tmp_path / "head_albedo.png").exists()
    assert (tmp_path / "head_normal.png").read_text() == "mine"


@needs_bpy
def test_the_demo_makes_all_it_promises(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "server.cli", "demo", "--quality", "draft", "--json"]
    command += ["--folder", str(tmp_path / "demo")]
    ended = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert ended.returncode == 0, ended.stderr
    told = json.loads(ended.stdout.splitlines()[-1])
    written = {Path(path).name: Path(path).stat().st_size for path in told["written"]}
    assert set(written) == {"astronaut.semrig", "sheet.png", "astronaut.blend", "astronaut.glb"}
    assert min(written.values()) > 100_000
    assert set(told["seconds"]) == {"rig", "sheet", "blend", "export"}
