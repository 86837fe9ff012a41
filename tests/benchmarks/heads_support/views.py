"""Photos as rigs read them, kept between runs: no setting of the fit changes what is read.

Kept is everything that capture and RecNet say of a photo, under a key of the photo, the sources of both and
the weights.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, Final

from core.capture.faces import Face, FaceFinder
from core.capture.headshot import HeadShot, cut_headshot
from core.capture.masks import PersonMasker
from core.capture.photos import load_photo
from core.errors import NoFaceFound
from core.fitting.face_belief import FaceBelief, believed
from core.fitting.observe import observe
from core.fitting.types import Observation
from models.face_reader import CORRELATION, FaceReader, load_face_reader
from models.face_reading import FaceReading, fuse_identity
from tests.benchmarks.heads_support.store import (
    code_key,
    file_hash,
    from_arrays,
    joined,
    kept_arrays,
    key_of,
    to_arrays,
)
from tests.benchmarks.support.reading import read_view

_MOST_SHOT_PIXELS: Final = 3_000_000  # as a rig of five photos gets
_ROOT = Path(__file__).parents[3]


@dataclass(frozen=True)
class View:
    """A photo with a face.

    Attributes:
        observation: as the fit takes it.
        reading: RecNet's.
    """

    path: Path
    key: str
    observation: Observation
    reading: FaceReading | None

    @cached_property
    def shot(self) -> HeadShot:
        """The head in full size, as the texture takes it."""
        return _shot(self.path, self.key)

    @property
    def name(self) -> str:
        return self.path.stem

    @property
    def yaw(self) -> float:
        """Turn of the head as the landmarks' depths tell it, radians; see ``core.capture.faces``."""
        return Face(self.observation.landmarks, 1.0, 1.0, 1.0).yaw


def view_of(path: Path) -> View | None:
    """A photo as a rig reads it; none where no face is found."""
    key = key_of(file_hash(path), _code())
    arrays = kept_arrays("views", key, lambda: _read(path, key))
    observation = from_arrays(Observation, arrays, "observation")
    if observation is None:
        return None
    return View(path, key, observation, from_arrays(FaceReading, arrays, "reading"))


def belief_of(views: Sequence[View]) -> FaceBelief | None:
    """What RecNet says of a person by these photos, as rigs take it."""
    readings = [view.reading for view in views]
    known = [reading for reading in readings if reading and reading.identity_std is not None]
    if not any(readings):
        return None
    return believed(readings, fuse_identity(known, CORRELATION) if known else None)


@lru_cache
def _code() -> str:
    """Key of everything that reading a photo depends on."""
    sources = (observe, Observation, read_view)
    files = [str(Path(inspect.getfile(inspect.unwrap(source))).relative_to(_ROOT)) for source in sources]
    return code_key(
        "core/capture", "core/landmark_topology.py", "models/weights", "models/face_reader.py",
        "models/face_reading.py", "models/face_code.py", "models/crops.py", "models/mirror.py", *files,
    )  # fmt: skip


@lru_cache
def _networks() -> tuple[FaceFinder, PersonMasker, FaceReader | None]:
    return FaceFinder(), PersonMasker(), load_face_reader()


def _read(path: Path, key: str) -> dict[str, Any]:
    finder, masker, reader = _networks()
    photo = load_photo(path)
    try:
        face = finder.main_face(photo)
    except NoFaceFound:
        return {}
    shot = cut_headshot(photo, face, masker, _MOST_SHOT_PIXELS)
    kept_arrays("shots", key, lambda: to_arrays(shot, "shot"))
    seen = observe(photo, shot)
    parts = [to_arrays(seen, "observation")]
    if reader is not None:
        parts.append(to_arrays(read_view(reader, photo.pixels, seen), "reading"))
    return joined(parts)


def _shot(path: Path, key: str) -> HeadShot:
    def again() -> dict[str, Any]:
        finder, masker, _ = _networks()
        photo = load_photo(path)
        shot = cut_headshot(photo, finder.main_face(photo), masker, _MOST_SHOT_PIXELS)
        return to_arrays(shot, "shot")

    shot = from_arrays(HeadShot, kept_arrays("shots", key, again), "shot")
    assert shot is not None
    return shot
