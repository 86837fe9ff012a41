"""Imports run one way, and the command line starts without loading what it does not need."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
OURS = {"core", "models", "server", "blender_addon", "tests"}
ALLOWED = {
    "core": {"core"},
    "models": {"core", "models"},
    "server": {"core", "models", "server"},
    "blender_addon": {"blender_addon"},
}
BLENDER = {"bpy", "mathutils", "bmesh", "gpu", "bl_ui", "bpy_extras", "addon_utils"}


def _imports(package: str) -> Iterator[tuple[Path, str]]:
    """(file, top-level name) of every import, those inside functions included."""
    for file in sorted((ROOT / package).rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    yield file, alias.name.partition(".")[0]
            elif isinstance(node, ast.ImportFrom):
                yield file, package if node.level else (node.module or "").partition(".")[0]


@pytest.mark.parametrize("package", ALLOWED)
def test_packages_import_only_what_lies_below_them(package: str) -> None:
    assert (ROOT / package / "__init__.py").is_file()
    forbidden = OURS - ALLOWED[package]
    assert [(str(file), name) for file, name in _imports(package) if name in forbidden] == []


@pytest.mark.parametrize("package", ["core", "models", "server"])
def test_blender_stays_outside(package: str) -> None:
    assert [(str(file), name) for file, name in _imports(package) if name in BLENDER] == []


def test_the_add_on_needs_nothing_but_blender_and_numpy() -> None:
    allowed = BLENDER | {"numpy", "blender_addon", "__future__"} | sys.stdlib_module_names
    assert [(str(file), name) for file, name in _imports("blender_addon") if name not in allowed] == []


def test_the_command_line_loads_nothing_heavy() -> None:
    heavy = ["torch", "numpy", "scipy", "cv2", "mediapipe", "numba", "skimage", "PIL", "anny", "bpy"]
    code = f"import sys, server.cli.app; print([name for name in {heavy} if name in sys.modules])"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert ended.stdout.strip() == "[]", ended.stderr
