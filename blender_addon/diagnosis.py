# SPDX-License-Identifier: GPL-3.0-or-later
"""What is missing on Blender's side, and the button that mends it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

import addon_utils
import bpy

from . import texts
from .addon_id import VERSION
from .runtime import session
from .runtime.state import state
from .server_choice import is_local
from .texts import t


@dataclass(frozen=True)
class Problem:
    """A sentence, what to do, and the operator that does it (or none)."""

    message: str
    hint: str = ""
    operator: str = ""


def problems() -> list[Problem]:
    """Everything that keeps Semblance from working, as far as it is known; cheap enough to draw."""
    found = []
    if not any(row.__name__ == "io_scene_gltf2" for row in _enabled()):
        found.append(Problem(t(texts.PROBLEM_GLTF), "", "semblance.enable_gltf"))
    folder = session.data_folder("rigs")
    if not os.access(folder, os.W_OK):
        found.append(Problem(t(texts.PROBLEM_FOLDER, folder=folder)))
    server = state.server
    if is_local() and state.pythons is not None and not state.pythons.found:
        found.append(Problem(t(texts.PROBLEM_NO_PYTHON), t(texts.HINT_NO_PYTHON), "semblance.find_python"))
    if server is not None and server.state in ("unreachable", "wrong", "offline"):
        found.append(Problem(server.message, server.hint, fix_of(server.code)))
    elif server is not None and server.state == "stopped":
        found.append(Problem(server.message, server.hint, "semblance.server_start"))
    return found


def _enabled() -> list[Any]:
    return [
        module
        for module in addon_utils.modules(refresh=False)
        if module.__name__ in bpy.context.preferences.addons
    ]


def fix_of(code: str) -> str:
    """The operator that helps against an error, by its code; empty where none does."""
    if code in ("not_running", "unreachable") and is_local():
        return "semblance.server_start"
    if code == "offline":
        return "semblance.allow_online"
    if code in ("unauthorized", "forbidden_host", "no_address", "bad_address", "wrong_version", "no_python",
                "not_semblance", "start_failed", "unreachable"):  # fmt: skip
        return "semblance.preferences"
    return ""


def versions() -> str:
    """Who takes part, in one line."""
    server = state.server
    known = server.version if server and server.version else "?"
    return t(texts.VERSIONS, addon=VERSION, blender=bpy.app.version_string, server=known)


def report() -> str:
    """All of it as text, for a bug report; without token."""
    lines = [versions()]
    lines += [f"- {problem.message} {problem.hint}".rstrip() for problem in problems()]
    if state.pythons:
        lines += [f"- {path}: {version}" for path, version in state.pythons.found]
    return "\n".join([*lines, "", *state.log])
