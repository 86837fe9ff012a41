"""A clip of one person, as training reads it: rig, track and small pictures of the head."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from jaxtyping import Float32, Float64, Int64, UInt8
from numpy import ndarray

from core.atomic import staged_output
from core.documents import DAMAGE
from core.errors import DataUnreadable
from core.guidance.source import Source
from core.guidance.states import HeadStates
from core.rig import Rig, load_rig, save_rig

RIG: Final = "person.semrig"
_ARRAYS: Final = "clip.npz"


@dataclass(frozen=True)
class Clip:
    """Squares of one person's head, all cut alike.

    Attributes:
        pictures: sRGB.
        states: the head in each.
        sources: numbers of the pictures that may be what moves.
        people: probability that a pixel shows the person, 0–255, in those.
        intrinsics: fx, fy, cx, cy of the squares, pixels.
        sh: light, camera axes.
    """

    rig: Rig
    pictures: UInt8[ndarray, "frames side side 3"]
    states: HeadStates
    sources: Int64[ndarray, "sources"]
    people: UInt8[ndarray, "sources side side"]
    intrinsics: Float64[ndarray, "4"]
    sh: Float64[ndarray, "9 3"]

    def source(self, number: int) -> Source:
        """The ``number``-th of the sources."""
        frame = int(self.sources[number])
        fx, fy, cx, cy = self.intrinsics.tolist()
        return Source(
            rig=self.rig,
            picture=self.picture(frame),
            person=self.people[number].astype(np.float32) / np.float32(255),
            intrinsics=(fx, fy, cx, cy),
            state=self.states[frame : frame + 1],
            sh=self.sh,
        )

    def picture(self, frame: int) -> Float32[ndarray, "side side 3"]:
        """In [0, 1]."""
        picture: ndarray = self.pictures[frame].astype(np.float32) / np.float32(255)
        return picture


def save_clip(clip: Clip, folder: Path) -> None:
    """Write a clip; the file of its arrays appears last: without it there is no clip.

    Raises:
        OutputFailed: the folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    save_rig(clip.rig, folder / RIG)
    with staged_output(folder / _ARRAYS) as path, path.open("wb") as file:
        np.savez(
            file,
            pictures=clip.pictures,
            coefficients=clip.states.coefficients,
            rotation=clip.states.rotation,
            translation=clip.states.translation,
            sources=clip.sources,
            people=clip.people,
            intrinsics=clip.intrinsics,
            sh=clip.sh,
        )


def load_clip(folder: Path) -> Clip:
    """Read what :func:`save_clip` wrote.

    Raises:
        DataUnreadable: it is missing or damaged.
        RigUnreadable: its rig is.
    """
    try:
        with np.load(folder / _ARRAYS, allow_pickle=False) as stored:
            arrays: dict[str, Any] = {name: stored[name] for name in stored.files}
        states = HeadStates(arrays["coefficients"], arrays["rotation"], arrays["translation"])
        return Clip(
            rig=load_rig(folder / RIG), pictures=arrays["pictures"], states=states, sources=arrays["sources"],
            people=arrays["people"], intrinsics=arrays["intrinsics"], sh=arrays["sh"],
        )  # fmt: skip
    except (*DAMAGE, KeyError) as error:
        raise DataUnreadable(
            f"{folder} holds no clip that can be read ({error}).",
            "Make it again with `semblance data clips`.",
        ) from error


def is_clip(folder: Path) -> bool:
    """Whether a folder holds a finished clip."""
    return (folder / _ARRAYS).is_file() and (folder / RIG).is_file()
