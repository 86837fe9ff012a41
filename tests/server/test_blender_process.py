"""Blender as a process: files, errors and cancellation."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from core.errors import BadInput, Cancelled, DependencyMissing, OutputFailed, RigUnreadable
from core.progress import Progress, ProgressReport
from core.rig import save_rig
from server.blender_process import EXPECTED_SECONDS, blend, export
from tests.blenders import blenders
from tests.rigs import make_rig

pythons = [path for path in blenders() if not Path(path).name.startswith("blender")]
needs_bpy = pytest.mark.skipif(not pythons, reason="bpy is not installed: pip install '.[blender]'")


@pytest.fixture
def rig_path(tmp_path: Path) -> Path:
    save_rig(make_rig(), tmp_path / "rigs.semrig")
    return tmp_path / "rigs.semrig"


@pytest.fixture
def out(tmp_path: Path) -> Path:
    (tmp_path / "out").mkdir()
    return tmp_path / "out"


@pytest.fixture
def fake_python(tmp_path: Path) -> Path:
    """An interpreter that stands in for one with bpy and does what FAKE says."""
    script = tmp_path / "python"
    script.write_text('#!/bin/sh\necho "stage: start Blender"\neval "$FAKE"\n')
    script.chmod(0o755)
    return script


@needs_bpy
@pytest.mark.parametrize("python", pythons)
def test_a_rig_becomes_a_blend(rig_path: Path, out: Path, python: str) -> None:
    reports: list[ProgressReport] = []
    progress = Progress(EXPECTED_SECONDS, reports.append)
    blend(rig_path, out / "head.blend", progress, python)
    assert (out / "head.blend").stat().st_size > 10_000
    assert [file.name for file in out.iterdir()] == ["head.blend"]
    assert list(progress.seconds) == list(EXPECTED_SECONDS)
    fractions = [report.fraction for report in reports]
    assert fractions == sorted(fractions) and fractions[-1] == pytest.approx(1)


@needs_bpy
@pytest.mark.parametrize("python", pythons)
def test_a_rig_becomes_a_glb_and_an_obj(rig_path: Path, out: Path, python: str) -> None:
    export(rig_path, out / "head.glb", python=python)
    assert (out / "head.glb").read_bytes()[:4] == b"glTF"
    export(rig_path, out / "head.obj", python=python)
    files = {"head.glb", "head.obj", "head.mtl", "head_albedo.png", "head_eye.png"}
    assert {file.name for file in out.iterdir()} == files
    assert "mtllib head.mtl" in (out / "head.obj").read_text()


@needs_bpy
def test_it_works_from_any_folder(
    rig_path: Path, out: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "json.py").write_text("raise SystemExit('not the json you want')")
    monkeypatch.chdir(tmp_path)
    export(Path("rigs.semrig"), Path("out/head.obj"), python=pythons[0])
    assert (out / "head.obj").exists()


@pytest.mark.parametrize(
    ("function", "name"), [(blend, "head.glb"), (export, "head.blend"), (export, "head")]
)
def test_an_ending_that_cannot_be_written_is_refused(
    rig_path: Path, out: Path, function: Callable[..., None], name: str
) -> None:
    with pytest.raises(BadInput, match=name):
        function(rig_path, out / name)


def test_a_rig_that_cannot_be_read_is_named(tmp_path: Path, out: Path) -> None:
    with pytest.raises(RigUnreadable, match=r"absent\.semrig"):
        blend(tmp_path / "absent.semrig", out / "head.blend")


def test_a_missing_bpy_gives_the_command_that_installs_it(
    rig_path: Path, out: Path, fake_python: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE", "echo \"bpy cannot be imported: No module named 'bpy'\"; exit 3")
    with pytest.raises(DependencyMissing, match="-m pip install") as caught:
        blend(rig_path, out / "head.blend", python=str(fake_python))
    assert "No module named 'bpy'" in str(caught.value)
    assert list(out.iterdir()) == []


def test_an_interpreter_that_is_not_there(rig_path: Path, out: Path) -> None:
    with pytest.raises(DependencyMissing, match="/absent/python"):
        blend(rig_path, out / "head.blend", python="/absent/python")


def test_a_failing_blender_tells_its_last_lines(
    rig_path: Path, out: Path, fake_python: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (out / "head.blend").write_text("before")
    monkeypatch.setenv("FAKE", 'echo "half" > "$6"; for i in $(seq 100); do echo "line $i"; done >&2; exit 7')
    with pytest.raises(OutputFailed, match="line 100") as caught:
        blend(rig_path, out / "head.blend", python=str(fake_python))
    assert "head.blend" in str(caught.value) and "line 1\n" not in str(caught.value)
    assert (out / "head.blend").read_text() == "before"
    assert [file.name for file in out.iterdir()] == ["head.blend"]


def test_a_full_disk_is_said_without_blenders_own_words(
    rig_path: Path, out: Path, fake_python: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE", 'echo "RuntimeError: Error: No space left on device" >&2; exit 1')
    with pytest.raises(OutputFailed, match=r"head\.blend: the disk is full") as caught:
        blend(rig_path, out / "head.blend", python=str(fake_python))
    assert "RuntimeError" not in str(caught.value) and caught.value.hint


def test_a_blender_that_writes_nothing_has_failed(
    rig_path: Path, out: Path, fake_python: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE", "exit 0")
    with pytest.raises(OutputFailed, match=r"head\.blend"):
        blend(rig_path, out / "head.blend", python=str(fake_python))


def test_cancelling_kills_blender(
    rig_path: Path, out: Path, fake_python: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pid_file = tmp_path / "pid"
    monkeypatch.setenv("FAKE", f'echo $$ > {pid_file}; echo half > "$6"; exec sleep 60')
    cancel = threading.Event()

    def wait_for_start() -> None:
        while not (pid_file.exists() and pid_file.read_text().endswith("\n")):
            time.sleep(0.01)
        cancel.set()

    threading.Thread(target=wait_for_start).start()
    with pytest.raises(Cancelled):
        blend(
            rig_path,
            out / "head.blend",
            Progress(EXPECTED_SECONDS, cancelled=cancel.is_set),
            str(fake_python),
        )
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid_file.read_text()), 0)
    assert list(out.iterdir()) == []


@pytest.mark.skipif(sys.platform == "win32", reason="folders are read-only differently on Windows")
def test_a_folder_that_is_not_there_is_named(rig_path: Path, out: Path) -> None:
    with pytest.raises(OutputFailed, match=r"absent/head\.blend"):
        blend(rig_path, out / "absent" / "head.blend")
