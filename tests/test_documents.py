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

from models.backbones import BACKBONES
from models.network_kinds import NETWORK_KINDS
from models.registries import FACE_MODELS, REGISTRIES
from models.training.config import recipes
from server.cli.app import app
from server.jobs.registry import load_kinds
from server.settings import KINDS
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


@pytest.mark.parametrize("page", ["CONTRIBUTING.md", "docs/architecture.md"])
def test_names_that_are_mentioned_stand_in_the_code(page: str) -> None:
    """Of identifiers, dotted or called, the last part; NAME and ``subject_verb`` stand for something new."""
    text = re.sub(r"```.*?```", "", (ROOT / page).read_text(encoding="utf-8"), flags=re.DOTALL)
    named = set(re.findall(r"`(?:[\w.]+\.)?([A-Za-z_]\w*)(?:\([^`]*\))?`", text))
    folders = ("blender_addon", "core", "models", "server", "tests")
    sources = [file for folder in folders for file in (ROOT / folder).rglob("*.py")]
    words = {word for file in sources for word in re.findall(r"\w+", file.read_text(encoding="utf-8"))}
    assert named
    assert {name for name in named - words if not re.search("NAME|subject_verb", name)} == set()


def test_every_face_model_and_network_is_in_the_help_and_on_its_page() -> None:
    page = sections(ROOT / "docs" / "models.md")
    argument = next(param for param in COMMANDS["semblance models add"].params if param.name == "name")
    help_words = set(re.findall(r"\w+", str(argument.help)))
    assert {name for registry in REGISTRIES for name in registry.names} <= help_words
    table = re.findall(r"^\| `(\w+)`", page["Face models"], re.MULTILINE)
    assert table == list(FACE_MODELS.names)
    said = set(re.findall(r"\w+", "".join(page.values())))
    assert {name for registry in REGISTRIES for name in registry.names} <= said


def test_every_recipe_has_a_budget_and_every_kind_of_network_a_recipe_and_a_backbone() -> None:
    table = sections(ROOT / "docs" / "training.md")["Recipes and budgets"]
    assert sorted(re.findall(r"^\| `(\w+)`", table, re.MULTILINE)) == recipes()
    assert NETWORK_KINDS.keys() <= set(recipes())
    assert {kind.backbone for kind in NETWORK_KINDS.values() if not kind.parts} <= set(BACKBONES)


def test_the_commands_that_a_server_can_do_are_listed() -> None:
    common = sections(ROOT / "docs" / "commands.md")[COMMON]
    row = next(line for line in common.splitlines() if line.startswith("| `--server`"))
    able = {
        name.removeprefix("semblance ")
        for name, command in COMMANDS.items()
        if any("--server" in param.opts for param in command.params)
    }
    assert set(re.findall(r"`([a-z]\w*)`", row)) == able


def test_every_job_kind_is_served_and_described() -> None:
    """A module's name is its kind's: the command line looks it up by that."""
    modules = {
        f"server.jobs.kinds.{file.stem}"
        for file in (ROOT / "server" / "jobs" / "kinds").glob("*.py")
        if re.search(r"^KIND = JobKind\(", file.read_text(encoding="utf-8"), re.MULTILINE)
    }
    assert modules == set(KINDS)
    assert {f"server.jobs.kinds.{name}" for name in load_kinds(KINDS)} == modules
    rows = re.findall(r"^\| (`[^|]+`) \|", sections(ROOT / "docs" / "server.md")["Jobs"], re.MULTILINE)
    assert sorted(load_kinds(KINDS)) == sorted(re.findall(r"`(\w+)`", " ".join(rows)))


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
