"""Runs code of the tests inside Blender, in a process of its own.

The interpreter that runs the tests is used when it has bpy. ``SEMBLANCE_BPY_PYTHONS``, a list of paths joined
by the system's path separator, names others: Python interpreters with bpy, or Blender itself.
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent
_MARK = "result: "


def blenders() -> list[str]:
    """The Pythons and Blenders to test with."""
    named = os.environ.get("SEMBLANCE_BPY_PYTHONS")
    if named is not None:
        return [path for path in named.split(os.pathsep) if path]
    return [sys.executable] if importlib.util.find_spec("bpy") else []


def each_blender() -> pytest.MarkDecorator:
    """Run a test, which takes ``blender``, once with each; skip it where there is none."""
    skipped = pytest.param(
        "", marks=pytest.mark.skip(reason="bpy is not installed: pip install '.[blender]'")
    )
    return pytest.mark.parametrize("blender", blenders() or [skipped])


def run_in_blender(
    blender: str,
    function: str,
    *arguments: object,
    module: str = "inside",
    environment: Mapping[str, str] | None = None,
) -> Any:
    """Call a function of ``tests.blender_addon.inside`` (or of another module there) with strings.

    Returns what it returns, through JSON. ``environment`` is added to this process's.
    """
    code = (
        f"import sys, json; sys.path.insert(0, {str(ROOT)!r})\n"
        f"from tests.blender_addon import {module}\n"
        f"result = {module}.{function}(*{[str(argument) for argument in arguments]!r})\n"
        "print()\n"  # Blender may have left a line of its own without an end
        f"print({_MARK!r} + json.dumps(result), flush=True)\n"
        "import os; os._exit(0)"  # unloading bpy crashes after some exports
    )
    outside = {**os.environ, **(environment or {})}
    if Path(blender).name.startswith("blender"):
        # Blender's own Python must not find a virtual environment's library beside its own.
        outside["PATH"] = os.defpath
        command = [blender, "--background", "--factory-startup", "--python-expr", code]
    else:
        command = [blender, "-c", code]
    ended = subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=180,
        cwd=ROOT,
        env=outside,
    )
    for line in ended.stdout.splitlines():
        if line.startswith(_MARK):
            return json.loads(line.removeprefix(_MARK))
    raise AssertionError(f"{blender} ended with {ended.returncode}:\n{ended.stdout}\n{ended.stderr}")
