# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds Python environments that have Semblance."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

_PROBE = (
    "import importlib.util as u\n"
    "from importlib import metadata\n"
    "assert u.find_spec('server') and u.find_spec('server.cli') and u.find_spec('core')\n"
    "try: print('semblance', metadata.version('semblance'))\n"
    "except metadata.PackageNotFoundError: print('semblance', '(source)')\n"
)
_SECONDS = 10.0

# Folders in which people keep environments; each may be one, or hold several.
_PLACES = (
    "semblance", "semblance/.venv", "semblance/venv", ".semblance", ".venv", "venv", ".venvs", "venvs",
    "envs", ".virtualenvs", ".local/share/pipx/venvs", ".local/pipx/venvs", ".local/share/uv/tools",
    "miniconda3/envs", "anaconda3/envs", "miniforge3/envs", "mambaforge/envs", ".conda/envs",
    ".pyenv/versions",
)  # fmt: skip


def python_of(place: str) -> Path | None:
    """The interpreter that a path means: itself, or that of an environment's folder."""
    path = Path(place).expanduser()
    if path.is_file():
        if path.stem == "semblance":
            return _beside(path)
        return path
    for name in ("bin/python", "Scripts/python.exe", "python.exe", ".venv/bin/python", "venv/bin/python",
                 ".venv/Scripts/python.exe", "venv/Scripts/python.exe"):  # fmt: skip
        if (path / name).is_file():
            return path / name
    return None


def _beside(command: Path) -> Path | None:
    """The interpreter of the environment that a ``semblance`` command belongs to."""
    for name in ("python", "python3", "python.exe"):
        for folder in (command.resolve().parent, command.parent):
            if (folder / name).is_file():
                return folder / name
    return None


def candidates(preferred: str) -> Iterator[Path]:
    """Interpreters worth asking, the likeliest first: the chosen one, the command's, the usual places'."""
    seen: set[Path] = set()
    for path in _candidates(preferred):
        if path not in seen:
            seen.add(path)
            yield path


def _candidates(preferred: str) -> Iterator[Path]:
    if preferred and (chosen := python_of(preferred)):
        yield chosen
    if (active := os.environ.get("VIRTUAL_ENV")) and (python := python_of(active)):
        yield python
    if (command := shutil.which("semblance")) and (python := _beside(Path(command))):
        yield python
    for place in _PLACES:
        folder = Path.home() / place
        for inside in (folder, *sorted(folder.glob("*/"))[:50]):
            if _has_semblance(inside) and (python := python_of(str(inside))):
                yield python


def _has_semblance(environment: Path) -> bool:
    """Whether the command lies in an environment; cheaper than starting its interpreter."""
    return any(
        (environment / name).is_file()
        for name in ("bin/semblance", "Scripts/semblance.exe", ".venv/bin/semblance", "venv/bin/semblance",
                     ".venv/Scripts/semblance.exe", "venv/Scripts/semblance.exe")
    )  # fmt: skip


def semblance_version(python: Path) -> str | None:
    """The version of Semblance that an interpreter has, or None; starts it for a moment."""
    try:
        ended = subprocess.run(
            [str(python), "-P", "-c", _PROBE],
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            env=clean_environment(),
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    name, _, version = ended.stdout.strip().partition(" ")
    return version if name == "semblance" else None


def clean_environment() -> dict[str, str]:
    """This process's environment without what Blender sets for its own Python."""
    kept = dict(os.environ)
    kept.pop("PYTHONHOME", None)
    if sys.platform.startswith("linux") and "LD_LIBRARY_PATH_ORIG" in kept:
        kept["LD_LIBRARY_PATH"] = kept["LD_LIBRARY_PATH_ORIG"]  # wrappers put Blender's libraries first
    return kept
