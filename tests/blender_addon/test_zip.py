"""The zip that users install."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from blender_addon import bl_info
from blender_addon.addon_id import VERSION
from tests.blenders import ROOT, each_blender, run_in_blender


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("zip") / "semblance.zip"
    command = [sys.executable, "-m", "server.cli", "addon", "-o", str(path)]
    subprocess.run(command, check=True, capture_output=True, cwd=ROOT)
    return path


def test_it_is_one_folder_of_sources(packed: Path) -> None:
    names = zipfile.ZipFile(packed).namelist()
    assert {name.split("/")[0] for name in names} == {"semblance"}
    assert {"semblance/__init__.py", "semblance/blender_manifest.toml"} <= set(names)
    assert {Path(name).suffix for name in names} == {".py", ".toml"}


def test_the_same_sources_give_the_same_bytes(packed: Path, tmp_path: Path) -> None:
    again = tmp_path / "again.zip"
    subprocess.run(
        [sys.executable, "-m", "server.cli", "addon", "-o", str(again)],
        check=True, capture_output=True, cwd=ROOT,
    )  # fmt: skip
    assert again.read_bytes() == packed.read_bytes()


def test_the_manifest_and_the_older_header_agree(packed: Path) -> None:
    manifest = tomllib.loads(zipfile.ZipFile(packed).read("semblance/blender_manifest.toml").decode())
    assert manifest["schema_version"] == "1.0.0" and manifest["type"] == "add-on"
    assert manifest["license"] == ["SPDX:GPL-3.0-or-later"]
    assert manifest["blender_version_min"] == "4.2.0"
    assert manifest["version"] == VERSION == ".".join(map(str, bl_info["version"]))
    assert set(manifest["permissions"]) == {"network", "files", "clipboard"}
    # The rules of the extensions platform.
    assert all(len(reason) <= 64 and reason[-1] != "." for reason in manifest["permissions"].values())
    assert len(manifest["tagline"]) <= 64 and manifest["tagline"][-1] != "."


def test_blenders_own_check_accepts_it(packed: Path) -> None:
    found = importlib.util.find_spec("bpy")
    tools = sorted(Path(found.origin).parent.glob("*/scripts/addons_core/bl_pkg/cli/blender_ext.py")) if (
        found and found.origin) else []  # fmt: skip
    if not tools:
        pytest.skip("bpy is not installed: pip install '.[blender]'")
    ended = subprocess.run(
        [sys.executable, str(tools[0]), "validate", str(packed)], capture_output=True, text=True
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr


@each_blender()
def test_every_blender_installs_it(blender: str, packed: Path, tmp_path: Path) -> None:
    environment = {"BLENDER_USER_RESOURCES": str(tmp_path)}
    for name in ("config", "scripts", "datafiles", "extensions"):
        (tmp_path / name).mkdir()
        environment[f"BLENDER_USER_{name.upper()}"] = str(tmp_path / name)
    told = run_in_blender(blender, "install", packed, module="inside_addon", environment=environment)
    assert told["on"] and not told["off"] and told["place"] == "LOCAL"
