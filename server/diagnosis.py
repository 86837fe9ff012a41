"""What is installed, what is used, and what to do about what is missing."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from typing import Final, Literal

from core.errors import ModelUnreadable

State = Literal["ok", "note", "missing"]

_PACKAGES: Final = ("torch", "mediapipe", "numba", "anny")
_DISK_NEEDED: Final = 200_000_000  # bytes: a baked model, compiled loops and room for a rig
_MEMORY_NEEDED: Final = 4_500_000_000  # bytes: building the default face model takes the most


@dataclass(frozen=True)
class Finding:
    """One line of the diagnosis.

    Attributes:
        state: ``note`` where something optional is missing or worth knowing; ``missing`` where rigs cannot be
            made without it.
        remedy: the command that helps, or what to do; empty where all is well.
    """

    topic: str
    state: State
    text: str
    remedy: str = ""


def diagnose() -> list[Finding]:
    """Look at the whole installation; takes a few seconds, since the libraries are really loaded."""
    findings = [_python()]
    findings += [_package(name) for name in _PACKAGES]
    findings += [_images(), _numpy()]
    if all(finding.state == "ok" for finding in findings):
        findings += [*_device(), *_models(), *_networks(), _recogniser()]
    return [*findings, _cache(), _memory(), _blender(), _server()]


def _pip(requirement: str) -> str:
    return f'{sys.executable} -m pip install "{requirement}"'


def _python() -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    if (3, 11) <= sys.version_info[:2] <= (3, 12):
        return Finding("python", "ok", f"{version} ({sys.executable})")
    return Finding(
        "python", "missing", version, "Install Semblance with Python 3.11 (or 3.12, without Blender)."
    )


def _package(name: str) -> Finding:
    """Whether a package can really be imported."""
    try:
        wanted = metadata.version(name)
        importlib.import_module(name)
    except metadata.PackageNotFoundError:
        return Finding(name, "missing", "not installed", _pip(_requirement(name)))
    except Exception as error:  # whatever a broken library raises while loading
        return Finding(name, "missing", f"cannot be loaded: {error}", _pip(_requirement(name)))
    return Finding(name, "ok", wanted)


def _requirement(name: str) -> str:
    """What Semblance asks for, such as ``torch==2.13.0``."""
    try:
        asked = metadata.requires("semblance") or []
    except metadata.PackageNotFoundError:  # run from a checkout
        asked = []
    own = (line.split(";")[0].strip() for line in asked)
    return next((line for line in own if line.startswith(name)), name)


def _images() -> Finding:
    try:
        import cv2

        cv2.ximgproc.guidedFilter  # noqa: B018  only the contrib build has it
    except AttributeError:
        return Finding(
            "opencv", "missing", "without its contrib modules", _pip(_requirement("opencv-contrib-python"))
        )
    except ImportError as error:
        if "libGL" in str(error) or "libgthread" in str(error):
            return Finding("opencv", "missing", str(error), "sudo apt-get install libgl1 libglib2.0-0")
        return Finding("opencv", "missing", str(error), _pip(_requirement("opencv-contrib-python")))
    return Finding("opencv", "ok", cv2.__version__)


def _numpy() -> Finding:
    version = metadata.version("numpy")
    if version.startswith("1."):
        return Finding("numpy", "ok", version)
    return Finding("numpy", "missing", f"{version}: MediaPipe and bpy need NumPy 1", _pip("numpy>=1.26,<2"))


def _device() -> Iterator[Finding]:
    import torch

    from core.scene.rasterise import choose_backend

    cuda = torch.cuda.is_available()
    threads = torch.get_num_threads()
    text = f"CPU, {threads} thread{'s' if threads > 1 else ''}"
    if cuda:
        text += f"; {torch.cuda.get_device_name()} is there but not used for rigs yet"
    yield Finding("device", "ok", text)
    yield Finding("rasteriser", "ok", choose_backend("auto", torch.device("cpu")))


def _models() -> Iterator[Finding]:
    from core.face_model.providers import DEFAULT_MODEL
    from core.face_model.registry import list_models

    for info in list_models():
        topic = f"model {info.name}"
        if info.state == "ready":
            yield Finding(topic, "ok", f"ready, {info.licence}")
        elif info.state == "on first use":
            yield Finding(topic, "ok", "will be built at first use (one to two minutes)")
        elif info.name == DEFAULT_MODEL:
            yield Finding(topic, "missing", "its package is not installed", "pip install anny")
        else:
            yield Finding(
                topic,
                "note",
                "not added (optional)",
                f"semblance models add {info.name} PATH, with {info.source}",
            )


def _networks() -> Iterator[Finding]:
    """The networks that read faces in pictures: photos and clips are fitted without them too."""
    from models.network import offered_providers
    from models.registry import list_networks

    for info in list_networks():
        topic, adding = f"network {info.name}", f"semblance models add {info.name} FILE"
        if info.state == "missing":
            yield Finding(topic, "note", "not there (optional): faces are known by landmarks alone", adding)
        elif info.state == "damaged":
            yield Finding(
                topic, "missing", info.problem, f"Install Semblance again, or delete {info.cache_file}"
            )
        else:
            place = offered_providers()[0].removesuffix("ExecutionProvider")
            yield Finding(topic, "ok", f"{info.state}, {info.licence}, {info.backbone}, runs on {place}")


def _recogniser() -> Finding:
    from models.recognition import SFace, recogniser_info

    info = recogniser_info()
    topic = f"network {info.name}"
    adding = f"semblance models add {info.name} FILE, with {info.source}"
    if info.state != "ready":
        text = "not added (optional): photos are not checked for showing one person"
        return Finding(topic, "note", text, adding)
    try:
        SFace()
    except ModelUnreadable as error:
        return Finding(topic, "missing", error.message, adding)
    if not info.known_release:
        return Finding(topic, "note", "ready, of a release that Semblance does not know", adding)
    return Finding(topic, "ok", f"ready, {info.licence}")


def _cache() -> Finding:
    from core.cache import cache_folder

    folder = cache_folder()
    place = next(path for path in (folder, *folder.absolute().parents) if path.is_dir())
    try:
        free = shutil.disk_usage(place).free
        with tempfile.TemporaryFile(dir=place):
            pass
    except OSError as error:
        return Finding(
            "cache", "missing", f"{folder} cannot be written ({error.strerror})",
            "Set SEMBLANCE_CACHE to a folder that can be written.",
        )  # fmt: skip
    text = f"{folder}, {free / 1e9:.1f} GB free"
    if free < _DISK_NEEDED:
        return Finding("cache", "missing", text, "Free some space, or set SEMBLANCE_CACHE to another disk.")
    return Finding("cache", "ok", text)


def _memory() -> Finding:
    try:
        total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):  # not on Windows
        return Finding("memory", "ok", "unknown")
    text = f"{total / 1e9:.1f} GB"
    if total < _MEMORY_NEEDED:
        return Finding("memory", "note", text, "Close other programs while the face model is built.")
    return Finding("memory", "ok", text)


def _blender() -> Finding:
    if importlib.util.find_spec("bpy") is None:
        remedy = _pip("bpy>=4.2,<5.1")
        if sys.version_info[:2] != (3, 11):
            remedy = "bpy's wheels are for Python 3.11: install Semblance with that."
        return Finding("blender", "note", "bpy is not installed: no .blend, .glb or .obj", remedy)
    command = [sys.executable, "-c", "import bpy; print(bpy.app.version_string)"]
    try:
        asked = subprocess.run(command, capture_output=True, text=True, timeout=60)
    except subprocess.TimeoutExpired:
        return Finding("blender", "note", "bpy does not answer", _pip("--force-reinstall bpy"))
    lines = [line for line in (asked.stdout if asked.returncode == 0 else asked.stderr).splitlines() if line]
    said = lines[-1] if lines else f"bpy ended with {asked.returncode}"
    if asked.returncode == 0:
        return Finding("blender", "ok", f"bpy {said}")
    if "cannot open shared object file" in said:
        libraries = "libegl1 libgl1 libxi6 libxkbcommon0 libxrender1 libxxf86vm1 libxfixes3 libsm6"
        return Finding("blender", "note", said, f"sudo apt-get install {libraries}")
    return Finding("blender", "note", f"bpy cannot be loaded: {said}", _pip("bpy>=4.2,<5.1"))


def _server() -> Finding:
    """Whether the server of this user's own folder runs."""
    from core.errors import SemblanceError
    from server.folder import read_note, read_token, server_folder

    folder = server_folder()
    note = read_note(folder)
    if note is None:
        return Finding("server", "ok", f"not running; its folder is {folder}")
    try:
        from server.client import Client

        with Client(note.url, read_token(folder) or "", timeout=3.0) as client:
            health = client.health()
    except ImportError as error:
        return Finding("server", "note", f"cannot be asked: {error}", _pip(_requirement("httpx")))
    except SemblanceError as error:
        return Finding("server", "note", f"{folder} says {note.url}: {error.message}", "semblance serve")
    return Finding("server", "ok", f"{health.version} at {note.url}, process {health.pid}, folder {folder}")
