"""What a file of operators or panels defines is known to Blender; read from the sources, without bpy."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import blender_addon

ADDON = Path(blender_addon.__file__).parent
FILES = sorted(
    file
    for file in ADDON.rglob("*.py")
    if re.search(r"^class SEMBLANCE_", file.read_text(encoding="utf-8"), re.MULTILINE)
)


def _assigned(body: list[ast.stmt]) -> dict[str, str]:
    """Name → source of each plain assignment."""
    return {
        ast.unparse(entry.targets[0]): ast.unparse(entry.value)
        for entry in body
        if isinstance(entry, ast.Assign)
    }


def _classes(file: Path) -> dict[str, dict[str, str]]:
    """What each class of ours that Blender must know assigns, by its name."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    return {
        entry.name: _assigned(entry.body)
        for entry in tree.body
        if isinstance(entry, ast.ClassDef) and entry.name.startswith("SEMBLANCE_")
    }


@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parent.name}/{file.name}")
def test_every_class_is_listed_and_every_file_gathered(file: Path) -> None:
    listed = _assigned(ast.parse(file.read_text(encoding="utf-8")).body)["CLASSES"]
    for name in _classes(file):
        assert re.search(rf"\b{name}\b", listed), f"{name} is not in CLASSES of {file.name}"
    gathering = [file.parent / "__init__.py", ADDON / "operators" / "__init__.py", ADDON / "registration.py"]
    sources = "".join(path.read_text(encoding="utf-8") for path in gathering)
    assert f"*{file.stem}.CLASSES" in sources or f"*{file.parent.name}.CLASSES" in sources, (
        f"nobody registers the classes of {file.name}"
    )


FOR_SCRIPTS = {"SEMBLANCE_OT_apply_animation"}  # without a button: takes what `semblance retarget` writes
OPERATORS = {
    name: assigned
    for file in FILES
    for name, assigned in _classes(file).items()
    if "_OT_" in name and name not in FOR_SCRIPTS
}


@pytest.mark.parametrize("name", sorted(OPERATORS))
def test_every_operator_has_the_name_of_its_class_a_translated_label_and_tip_and_a_button(name: str) -> None:
    assigned = OPERATORS[name]
    idname = f"semblance.{name.removeprefix('SEMBLANCE_OT_')}"
    assert assigned["bl_idname"] == repr(idname)
    for text in ("bl_label", "bl_description"):
        assert assigned[text].startswith("texts."), f"{text} is not one of texts.py"
    asks = re.compile(rf'(?<!bl_idname = )"{re.escape(idname)}"|bpy\.ops\.{re.escape(idname)}\b')
    sources = (file.read_text(encoding="utf-8") for file in ADDON.rglob("*.py"))
    assert any(asks.search(source) for source in sources), f"no panel, menu or owner asks for {idname}"
