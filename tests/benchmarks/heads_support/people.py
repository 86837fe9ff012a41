"""Real people, whose shape nobody knows, in halves by name."""

from __future__ import annotations

from typing import Final

from tests.benchmarks.heads_support.case import Case, Half
from tests.benchmarks.heads_support.clip_frames import turned_frames
from tests.benchmarks.support.reading import data_folder

KIRA: Final[dict[str, Half]] = {"kira": "report"}
SAME_PERSON: Final[dict[str, Half]] = {
    "John_Salley": "decide",
    "John_Savage": "report",
    "John_Schneider": "decide",
}
CLIPS: Final[dict[str, Half]] = {
    "3ddfa_obama": "decide",
    "liveportrait_d3": "report",
    "liveportrait_d9": "decide",
    "liveportrait_d10": "report",
    "liveportrait_d12": "decide",
    "liveportrait_d14": "report",
    "liveportrait_d19": "decide",
    "liveportrait_d20": "report",
    "pexels_woman_brush_720": "decide",
    "pexels_woman_smile_1080": "report",
    "smirk_dafoe": "report",
}


def kira(name: str, half: Half) -> Case:
    """Ten photos all round by one camera, neutral and in even light."""
    return Case("kira", name, half, tuple(sorted((data_folder() / "photos" / name).glob("[0-9]*.jpg"))))


def same_person(name: str, half: Half) -> Case:
    """Eleven small photos of a person, of different days."""
    folder = data_folder() / "photos" / "same_person" / name
    return Case("same_person", name, half, tuple(sorted(folder.glob("*.jpg"))))


def clip(name: str, half: Half) -> Case:
    """Frames of a clip, spread by yaw."""
    return Case("clips", name, half, tuple(turned_frames(data_folder() / "clips" / f"{name}.mp4")))
