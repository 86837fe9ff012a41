"""Blender as a separate program: heads are built and exported by a Python process that imports bpy."""

from __future__ import annotations

import queue
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from core.atomic import staged_output
from core.errors import BadInput, DependencyMissing, MeshUnusable, OutputFailed, RigUnreadable
from core.progress import Progress
from core.rig import load_rig
from server.processes import python_environment

EXPECTED_SECONDS: Final = {"start Blender": 1.0, "build the head": 0.6, "write the file": 0.6}
"""Stages that :func:`blend` and :func:`export` report to a :class:`~core.progress.Progress`."""

_CHARACTER_ENDINGS: Final = (".blend", ".fbx", ".glb", ".gltf", ".obj")
_EXIT_RIG_UNREADABLE: Final = 2  # as blender_addon/headless.py defines them
_EXIT_NO_BPY: Final = 3
_LAST_LINES: Final = 12


def blend(
    rig_path: Path, out_path: Path, progress: Progress | None = None, python: str | None = None
) -> None:
    """Write a .blend with the rig's head, a camera and lights, ready to work in.

    Args:
        progress: told of ``EXPECTED_SECONDS``' stages, and asked whether to stop; the Blender process is then
            killed.
        python: an interpreter that has bpy; this one by default.

    Raises:
        BadInput: ``out_path`` does not end in .blend.
        RigUnreadable: the rig cannot be read.
        DependencyMissing: the interpreter cannot import bpy.
        OutputFailed: the file cannot be written, or Blender failed.
        Cancelled: ``progress`` was asked to stop.
    """
    _run("build", rig_path, out_path, (".blend",), progress, python)


def export(
    rig_path: Path, out_path: Path, progress: Progress | None = None, python: str | None = None
) -> None:
    """Write the rig's head as .glb or .obj.

    The .glb has 52 named morph targets and a skin; the .obj is the neutral head in quads, with its .mtl and
    textures beside it. Arguments and errors are those of :func:`blend`.
    """
    _run("export", rig_path, out_path, (".glb", ".obj"), progress, python)


def read_character(
    path: Path, out_path: Path, progress: Progress | None = None, python: str | None = None
) -> None:
    """Write the meshes of a .blend, .fbx, .glb, .gltf or .obj as the ``.npz`` that
    :func:`core.retarget.keyless.mesh.read_mesh` reads.

    Raises:
        MeshUnusable: the file cannot be read or has no mesh.
        BadInput, DependencyMissing, OutputFailed, Cancelled: as :func:`blend`.
    """
    _check_ending(path, _CHARACTER_ENDINGS, "read")
    _write("mesh", [path], out_path, progress, python, MeshUnusable)


def write_character(
    path: Path, keys: Path, out_path: Path, progress: Progress | None = None, python: str | None = None
) -> None:
    """Write a character again as .blend or .glb, with the shape keys that ``semblance transfer`` made.

    Arguments and errors are those of :func:`read_character`.
    """
    _check_ending(path, _CHARACTER_ENDINGS, "read")
    _check_ending(out_path, (".blend", ".glb"), "write")
    _write("keys", [path, keys], out_path, progress, python, MeshUnusable)


def _check_ending(path: Path, endings: tuple[str, ...], what: str) -> None:
    if path.suffix.lower() not in endings:
        raise BadInput(f"Cannot {what} {path}.", f"Its name must end in {' or '.join(endings)}.")


def _run(
    command: str,
    rig_path: Path,
    out_path: Path,
    endings: tuple[str, ...],
    progress: Progress | None,
    python: str | None,
) -> None:
    _check_ending(out_path, endings, "write")
    load_rig(rig_path)  # says in full what is wrong with a rig, before Blender starts
    _write(command, [rig_path], out_path, progress, python, RigUnreadable)


def _write(
    command: str,
    inputs: list[Path],
    out_path: Path,
    progress: Progress | None,
    python: str | None,
    unreadable: type[RigUnreadable] | type[MeshUnusable],
) -> None:
    progress = progress or Progress(EXPECTED_SECONDS)
    with staged_output(out_path) as temporary:
        arguments = [command, *(str(path.resolve()) for path in inputs), str(temporary)]
        status, lines = _follow(python or sys.executable, arguments, progress)
        if status == _EXIT_NO_BPY:
            raise _bpy_missing(python or sys.executable, lines[-1])
        if status == _EXIT_RIG_UNREADABLE:
            raise unreadable(lines[-1])
        if any("No space left" in line for line in lines):
            raise OutputFailed(
                f"Cannot write {out_path}: the disk is full.", "Make room on it, and try again."
            )
        if status != 0 or not temporary.exists():
            raise OutputFailed(
                f"Blender could not write {out_path} (exit status {status}). Its last lines were:\n"
                + "\n".join(lines)
            )


def _bpy_missing(python: str, reason: str) -> DependencyMissing:
    return DependencyMissing(
        f"This needs Blender as a Python module, and {reason[0].lower()}{reason[1:]}.",
        f'Install it with: {python} -m pip install "bpy>=4.2,<5.1" (Python 3.11 only).',
    )


def _follow(python: str, arguments: list[str], progress: Progress) -> tuple[int, list[str]]:
    """Run one command of ``blender_addon.headless``; its exit status and its last lines.

    Each ``stage: NAME`` it prints moves the progress on. Whatever ends this function early (cancellation,
    Ctrl-C) kills the process.
    """
    stages = iter(EXPECTED_SECONDS)
    last: deque[str] = deque(maxlen=_LAST_LINES)
    with _blender(python, arguments) as (process, lines):
        following: str | None = next(stages)
        while following is not None:
            name, following = following, next(stages, None)
            with progress.stage(name):
                marker = f"stage: {following}"
                for line in _until_end(lines, progress):
                    if line == marker:
                        break
                    last.append(line)
                else:
                    break
        return process.wait(), list(last)


def _until_end(lines: queue.Queue[str | None], progress: Progress) -> Iterator[str]:
    """Lines as they come, asking between them whether to stop."""
    while True:
        try:
            line = lines.get(timeout=0.1)
        except queue.Empty:
            progress.update(0.0)
            continue
        if line is None:
            lines.put(None)
            return
        if line.strip():
            yield line


@contextmanager
def _blender(
    python: str, arguments: list[str]
) -> Iterator[tuple[subprocess.Popen[str], queue.Queue[str | None]]]:
    try:
        process = subprocess.Popen(
            [python, "-P", "-m", "blender_addon.headless", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            env=python_environment(),
        )
    except OSError as error:
        raise _bpy_missing(python, f"{python} cannot be started: {error.strerror}") from error
    lines: queue.Queue[str | None] = queue.Queue()
    assert process.stdout is not None
    reader = threading.Thread(target=_read, args=(process.stdout, lines), daemon=True)
    reader.start()
    try:
        yield process, lines
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        reader.join()
        process.stdout.close()


def _read(stream: Iterator[str], lines: queue.Queue[str | None]) -> None:
    for line in stream:
        lines.put(line.rstrip())
    lines.put(None)
