"""Real people, whose shape nobody knows, in halves by name."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from tests.benchmarks.heads_support.case import Case, Half
from tests.benchmarks.heads_support.clip_frames import turned_frames
from tests.benchmarks.reading import data_folder

SAME_PERSON: Final[dict[str, Half]] = {
    "John_Salley": "decide", "John_Savage": "report", "John_Schneider": "decide",
}  # fmt: skip
KIRA: Final[Half] = "report"
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
"""Clips and the half that the person in them belongs to."""


def kira() -> list[Case]:
    """Ten photos all round by one camera, neutral and in even light."""
    return [Case("kira", "kira", KIRA, _photos(data_folder() / "photos" / "kira", "[0-9]*.jpg"))]


def same_person() -> list[Case]:
    """Eleven small photos of each of three people, of different days."""
    folder = data_folder() / "photos" / "same_person"
    return [
        Case("same_person", name, half, _photos(folder / name, "*.jpg")) for name, half in SAME_PERSON.items()
    ]


def clips() -> list[Case]:
    """Frames of clips, spread by yaw."""
    folder = data_folder() / "clips"
    return [
        Case("clips", name, half, tuple(turned_frames(folder / f"{name}.mp4")))
        for name, half in CLIPS.items()
    ]


def _photos(folder: Path, pattern: str) -> tuple[Path, ...]:
    return tuple(sorted(folder.glob(pattern)))
