"""Real pictures for losses that need no truth: faces cut from a folder of photos or clips for each person.

The crops are cached as shards like rendered people's, one a person, so that a stopped run goes on and the
loader of :mod:`models.data.loader` reads them. They carry MediaPipe's landmarks and the skin mask of
:mod:`core.capture.masks`, nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
from jaxtyping import UInt8
from numpy import ndarray

from core.capture.faces import Face, FaceFinder
from core.capture.masks import skin_mask
from core.capture.photos import Photo, load_photo
from core.capture.video import open_video
from core.errors import BadInput, NoFaceFound, UnreadableMedia
from core.progress import Progress
from models.crops import MARGIN, SIDE, crop_points
from models.data.shards import DATASET_FILE, read_dataset_file, write_dataset_file, write_shard

STAGE: Final = "faces"
KIND: Final = "photos"
_PHOTOS: Final = {".jpg", ".jpeg", ".png", ".tif", ".tiff", ".webp", ".avif", ".bmp"}
_CLIPS: Final = {".mp4", ".mov", ".mkv", ".avi", ".webm", ".m4v"}
_LONG_SIDE: Final = 1600  # pixels; a crop has 224
_SECONDS_A_FILE: Final = 0.3


@dataclass
class Prepared:
    """What came out.

    Attributes:
        warnings: files that gave nothing, and why.
    """

    people: int = 0
    pictures: int = 0
    warnings: list[str] = field(default_factory=list)


@dataclass
class _Person:
    images: list[UInt8[ndarray, "side side 3"]] = field(default_factory=list)
    skins: list[UInt8[ndarray, "side side"]] = field(default_factory=list)
    seen: list[ndarray] = field(default_factory=list)
    presence: list[float] = field(default_factory=list)


def expected_seconds(source: Path) -> dict[str, float]:
    """Stages and rough durations, for :class:`core.progress.Progress`."""
    files = sum(len(media) for media in _people(source).values()) if source.is_dir() else 1
    return {STAGE: 2 + _SECONDS_A_FILE * files}


def prepare_photos(source: Path, out: Path, every: float, progress: Progress) -> Prepared:
    """Cut the main face of every photo, and of a clip's frames ``every`` so many seconds.

    Every folder below ``source`` that holds media is one person, and so is ``source`` itself. People who
    are there already are left alone: delete a person's shard to make it anew.

    Raises:
        BadInput: there are no photos or clips, or ``out`` holds a data set of another kind.
        OutputFailed: the folder cannot be written or the disk is full.
        Cancelled: the user asked to stop; people who are complete stay.
    """
    people = _people(source) if source.is_dir() else {}
    if not people:
        raise BadInput(f"{source} holds no photos or clips.", "Give a folder with a folder for each person.")
    numbers = _numbered(out, people)
    facts = {"kind": KIND, "model": "", "side": SIDE, "every": every, "names": numbers}
    facts["sources"] = {
        "pictures": f"the user's own folder {source.name}: their licence is the user's matter"
    }
    write_dataset_file(out, facts)
    made, files = Prepared(), sum(len(media) for media in people.values())
    done = 0
    with progress.stage(STAGE), FaceFinder() as finder:
        for name, media in people.items():
            file = out / f"{KIND}-{numbers[name]:06d}.npz"
            if not file.exists():
                person = _Person()
                for path in media:
                    progress.update(done / files)
                    done += 1
                    _read(path, every, finder, person, made.warnings)
                if person.images:
                    _write(file, numbers[name], person)
                    made.people, made.pictures = made.people + 1, made.pictures + len(person.images)
            else:
                done += len(media)
    return made


def _people(source: Path) -> dict[str, list[Path]]:
    """Media by the folder that they lie in."""
    found: dict[str, list[Path]] = {}
    for path in sorted(source.rglob("*")):
        if path.suffix.lower() in _PHOTOS | _CLIPS and path.is_file():
            found.setdefault(path.parent.relative_to(source).as_posix(), []).append(path)
    return found


def _numbered(out: Path, people: dict[str, list[Path]]) -> dict[str, int]:
    """Numbers of people; those given before are kept.

    Raises:
        BadInput: the folder holds a data set of another kind.
    """
    kept: dict[str, Any] = {}
    if (out / DATASET_FILE).exists():
        facts = read_dataset_file(out)
        if facts.get("kind") != KIND:
            raise BadInput(f"{out} holds a data set of another kind.", "Choose another folder with --out.")
        kept = dict(facts.get("names", {}))
    for name in people:
        kept.setdefault(name, max(kept.values(), default=-1) + 1)
    return kept


def _read(path: Path, every: float, finder: FaceFinder, person: _Person, warnings: list[str]) -> None:
    clip = path.suffix.lower() in _CLIPS
    try:
        count = len(person.images)
        for photo in _frames(path, every) if clip else [load_photo(path, _LONG_SIDE)]:
            try:
                _add(photo, finder.main_face(photo, accurate=not clip), person)
            except NoFaceFound as error:
                if not clip:
                    raise error
        if len(person.images) == count:
            raise NoFaceFound(f"No face was found in {path}.")
    except (UnreadableMedia, NoFaceFound) as error:
        warnings.append(error.message)


def _frames(path: Path, every: float) -> Iterator[Photo]:
    due = 0.0
    with open_video(path, long_side=_LONG_SIDE, threads=1) as video:
        for frame in video:
            if frame.time >= due:
                due = frame.time + every
                size = frame.pixels.shape[1], frame.pixels.shape[0]
                yield Photo(frame.pixels, path, "", None, size)


def _add(photo: Photo, face: Face, person: _Person) -> None:
    crop = face.crop(MARGIN)
    mask = np.rint(255 * skin_mask(photo, face).on_photo(photo)).astype(np.uint8)
    person.images.append(crop.cut(photo.pixels, SIDE))
    small = crop.cut(np.repeat(mask[..., None], 3, axis=2), SIDE)[..., 0]
    person.skins.append(np.where(small > 127, 255, 0).astype(np.uint8))
    person.seen.append(crop_points(crop, face.landmarks))
    person.presence.append(face.presence)


def _write(file: Path, number: int, person: _Person) -> None:
    count = len(person.images)
    labels = {
        "person": np.full(count, number, np.int64),
        "frame": np.arange(count, dtype=np.int64),
        "seen": np.stack(person.seen).astype(np.float32),
        "presence": np.array(person.presence, np.float32),
    }
    write_shard(file, person.images, person.skins, labels)
