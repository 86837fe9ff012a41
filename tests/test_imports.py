"""Imports run one way, and the command line starts without loading what it does not need."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import networkx as nx
import pytest

ROOT = Path(__file__).parent.parent
OURS = {"core", "models", "server", "blender_addon", "tests"}
ALLOWED = {
    "core": {"core"},
    "models": {"core", "models"},
    "server": {"core", "models", "server"},
    "blender_addon": {"blender_addon"},
}
BLENDER = {"bpy", "mathutils", "bmesh", "gpu", "bl_ui", "bpy_extras", "addon_utils", "gpu_extras"}


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


def _modules() -> dict[str, Path]:
    """Dotted name → file, of every module of the four packages."""
    found = {}
    for package in ALLOWED:
        for file in (ROOT / package).rglob("*.py"):
            parts = file.relative_to(ROOT).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = file
    return found


def _module_graph() -> nx.DiGraph:
    """Which module imports which; imports inside functions and for type checkers count as any other."""
    modules = _modules()
    graph = nx.DiGraph()
    for name, file in modules.items():
        here = name.split(".") if file.name == "__init__.py" else name.split(".")[:-1]
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                wanted = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                base = here[: len(here) - node.level + 1] if node.level else []
                home = ".".join([*base, *filter(None, [node.module])])
                own = [f"{home}.{alias.name}" for alias in node.names]
                wanted = [one if one in modules else home for one in own]
            else:
                continue
            graph.add_edges_from((name, one) for one in wanted if one in modules and one != name)
    return graph


def _rings(graph: nx.DiGraph) -> list[list[str]]:
    return sorted(sorted(ring) for ring in nx.strongly_connected_components(graph) if len(ring) > 1)


def test_no_module_imports_itself_by_way_of_others() -> None:
    assert _rings(_module_graph()) == []


def test_no_folder_imports_itself_by_way_of_others() -> None:
    """A folder may use what lies inside it; two folders side by side never use each other."""
    folders = {name for name, file in _modules().items() if file.name == "__init__.py"}

    def folder(module: str) -> str:
        return module if module in folders else module.rpartition(".")[0]

    graph = nx.DiGraph()
    for one, other in _module_graph().edges:
        a, b = folder(one), folder(other)
        if not (a == b or a.startswith(f"{b}.") or b.startswith(f"{a}.")):
            graph.add_edge(a, b)
    assert _rings(graph) == []


def test_networks_are_used_without_the_engines_that_train_them() -> None:
    """What reads photos with a network needs neither the data engine nor the training loop."""
    inside = {"models.data", "models.training", "models.evaluation"}
    found = [
        (one, other)
        for one, other in _module_graph().edges
        if one.startswith("models.") and one.count(".") == 1 and one not in inside
        if any(other == home or other.startswith(f"{home}.") for home in inside)
    ]
    assert found == []


def test_no_test_file_imports_another() -> None:
    """What tests share lies in modules of its own."""
    found = [
        (file.name, node.module)
        for file in (ROOT / "tests").rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and (node.module or "").rpartition(".")[2].startswith("test_")
    ]
    assert found == []


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
