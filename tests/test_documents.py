"""Documents say what there is: every command and option, every benchmark, and no file that does not exist."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from typer.main import get_command

from server.cli.app import app
from tests.conftest import FAST_FILES, SLOW_FILES, SLOW_FOLDERS, TESTS

ROOT = Path(__file__).parent.parent
PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")])
BENCHMARKS = sorted(path for path in (ROOT / "tests" / "benchmarks").glob("*.py") if path.stem != "__init__")
MOST_WORDS = 1500  # of README
COMMON = "What all commands have in common"


def commands(command: Any, name: str = "semblance") -> Iterator[tuple[str, Any]]:
    """Every command with its whole name."""
    for own, inner in getattr(command, "commands", {}).items():
        yield from commands(inner, f"{name} {own}")
    if not getattr(command, "commands", None):
        yield name, command


COMMANDS = dict(commands(get_command(app)))


def sections(page: Path) -> dict[str, str]:
    """Heading → what stands below it, up to the next heading; code blocks hold no headings."""
    found, heading, fenced = {"": ""}, "", False
    for line in page.read_text(encoding="utf-8").splitlines():
        fenced ^= line.startswith("```")
        if line.startswith("#") and not fenced:
            heading = line.lstrip("# ").replace("`", "")
            found[heading] = ""
        else:
            found[heading] += line + "\n"
    return found


def anchor(heading: str) -> str:
    """The heading's name in addresses, as GitHub makes it."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def section_of(command: str) -> str:
    """What docs/commands.md says of a command."""
    found = sections(ROOT / "docs" / "commands.md")
    own = [text for heading, text in found.items() if re.match(rf"{command}(?![a-z ]*[a-z])", heading)]
    assert len(own) == 1, f"{command} has {len(own)} sections"
    return own[0]


def options_in(text: str) -> set[str]:
    """Options that stand in code."""
    code = " ".join(re.findall(r"`([^`]+)`", text))
    return set(re.findall(r"(?<![\w-])--?[a-z][a-z-]*", code))


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_a_section_with_all_its_options_and_no_others(name: str) -> None:
    own = [param for param in COMMANDS[name].params if param.param_type_name == "option" and not param.hidden]
    spelled = {spelling for param in own for spelling in (*param.opts, *param.secondary_opts)}
    common = options_in(sections(ROOT / "docs" / "commands.md")[COMMON])
    text = re.sub(r"```.*?```", "", section_of(name), flags=re.DOTALL)
    rows = (re.split(r"(?<!\\)\|", line)[1] for line in text.splitlines() if line.startswith("| `-"))
    table = {option for row in rows for option in options_in(row)}
    assert spelled - common <= table
    assert table <= spelled


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    lost = []
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, fragment = unquote(target).partition("#")
        file = (page.parent / path).resolve() if path else page
        if not file.exists() or (fragment and fragment not in map(anchor, sections(file))):
            lost.append(target)
    assert lost == []


@pytest.mark.parametrize("page", ["CONTRIBUTING.md", "docs/architecture.md"])
def test_files_that_are_named_exist(page: str) -> None:
    """Whole paths from the root; NAME stands for something new."""
    text = (ROOT / page).read_text(encoding="utf-8")
    named = re.findall(r"`((?:core|models|server|blender_addon|tests|docs)/[\w/.]+)`", text)
    assert named
    assert [path for path in named if "NAME" not in path and not (ROOT / path).exists()] == []


def test_readme_can_be_read_in_one_sitting() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").split()) <= MOST_WORDS


@pytest.mark.parametrize("path", BENCHMARKS, ids=lambda path: path.stem)
def test_benchmarks_are_commands_that_are_described(path: Path) -> None:
    source = path.read_text(encoding="utf-8")
    assert 'if __name__ == "__main__":' in source
    assert "ArgumentParser(" in source or "typer.run(main)" in source  # --help answers
    table = (ROOT / "docs" / "benchmarks.md").read_text(encoding="utf-8")
    assert re.search(rf"^\| `{path.stem}[ `]", table, re.MULTILINE)


def test_nothing_is_imported_from_a_benchmark() -> None:
    """What several use is in tests/benchmarks/support."""
    commands = {f"tests.benchmarks.{path.stem}" for path in BENCHMARKS}
    found = []
    for file in sorted((ROOT / "tests").rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                names = [node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)]
            found += [(str(file), name) for name in names if name in commands]
    assert found == []


def test_the_fast_set_is_chosen_by_paths_that_exist() -> None:
    assert all((TESTS / path).is_file() for path in (*FAST_FILES, *SLOW_FILES))
    assert all((TESTS / path).is_dir() for path in SLOW_FOLDERS)
