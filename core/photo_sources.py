"""Photos of one person as a rig reads them: what is kept of each once its pixels are gone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np

from core.capture.faces import Face, FaceFinder
from core.capture.headshot import HeadShot, cut_headshot
from core.capture.masks import PersonMasker
from core.capture.photos import Photo, load_photo
from core.capture.quality import photo_warnings
from core.capture.same_person import FaceRecogniser, person_warnings
from core.capture.unmarked import UnmarkedFace, unmarked_face
from core.errors import NoFaceFound, UnreadableMedia
from core.fitting.face_belief import FaceReader, FaceReading
from core.fitting.observe import observe
from core.fitting.types import JoinedProfile, Observation, Profile
from core.lens import GivenLens
from core.scene.camera import focal_length_pixels

_DOUBTFUL: Final = np.radians(45)  # yaw by landmarks beyond which they may be wrong; of profiles they say 60
_HELP: Final = (
    "If it shows the person from the side, turn back to about 70°, or add photos turned to that side by "
    "about 45°."
)


@dataclass(frozen=True)
class PhotoSource:
    """A photo that is used.

    Attributes:
        descriptor: of the face, by the recogniser.
        sideways: the face without its landmarks, where it is turned so far that they may be wrong.
    """

    path: Path
    sha256: str
    photo_size: tuple[int, int]
    original_size: tuple[int, int]
    shot: HeadShot
    observation: Observation
    warnings: tuple[str, ...]
    descriptor: np.ndarray | None = None
    reading: FaceReading | None = None
    sideways: UnmarkedFace | None = None


@dataclass(frozen=True)
class PhotoReading:
    """How photos are read.

    Attributes:
        lens: that took all photos, whatever their files tell.
        strict: a photo that cannot be used is an error also when others can.
        most_pixels: of a head shot.
    """

    lens: GivenLens | None
    strict: bool
    most_pixels: int
    recogniser: FaceRecogniser | None
    reader: FaceReader | None


@dataclass(frozen=True)
class ReadPhotos:
    """What was read.

    Attributes:
        unmarked: faces whose landmarks were not found.
        warnings: about photos that are left out, and about all.
    """

    sources: list[PhotoSource]
    unmarked: list[UnmarkedFace]
    warnings: list[str]


def read_photos(paths: Sequence[Path], how: PhotoReading, report: Callable[[float], None]) -> ReadPhotos:
    """Faces and head shots of the photos that can be used.

    Raises:
        UnreadableMedia, NoFaceFound: none can be used; if ``strict``, one cannot. A face from the side counts
            as usable as long as there are others.
    """
    used: dict[str, PhotoSource | UnmarkedFace] = {}
    names: dict[str, str] = {}
    warnings: list[str] = []
    failures: list[UnreadableMedia | NoFaceFound] = []
    with FaceFinder() as finder, PersonMasker() as masker:
        for done, path in enumerate(paths):
            report(done / len(paths))
            try:
                photo = load_photo(path)
                if photo.sha256 in used:
                    twin = names[photo.sha256]
                    warnings.append(f"{path.name} is the same photo as {twin}; it was used once.")
                    continue
                used[photo.sha256] = _read(photo, how, finder, masker, alone=len(paths) == 1)
                names[photo.sha256] = path.name
            except (UnreadableMedia, NoFaceFound) as error:
                if how.strict or len(paths) == 1:
                    raise
                failures.append(error)
    sources = [each for each in used.values() if isinstance(each, PhotoSource)]
    unmarked = [each for each in used.values() if isinstance(each, UnmarkedFace)]
    warnings += [f"A photo was left out: {failure.message}" for failure in failures]
    if not sources:
        failures += [_not_found(face) for face in unmarked]
        raise type(failures[0])(
            "None of the photos can be used: " + " ".join(failure.message for failure in failures),
            failures[0].hint,
        )
    if how.recogniser is not None and len(sources) > 1:
        sources, about_all = _compare(sources, how.recogniser.same_above)
        warnings += about_all
    return ReadPhotos(sources, unmarked, warnings)


def profiles_of(read: ReadPhotos, how: PhotoReading) -> list[Profile]:
    """The faces that the fit may place by their outline, those without landmarks first."""
    found: list[tuple[UnmarkedFace, int | None]] = [(face, None) for face in read.unmarked]
    for number, source in enumerate(read.sources):
        if source.sideways is not None:
            found.append((source.sideways, number))
    return [Profile(face, number, how.lens, how.most_pixels) for face, number in found]


def with_profiles(
    read: ReadPhotos, joined: Sequence[JoinedProfile], how: PhotoReading
) -> tuple[list[PhotoSource], list[str]]:
    """The photos in the order of the fit's, and all warnings.

    Raises:
        NoFaceFound: a face without landmarks did not join, and ``strict``.
    """
    sources = list(read.sources)
    for each in joined:
        if each.profile.number is None:
            sources.append(_joined(each, how))
        else:
            before = sources[each.profile.number]
            new = replace(_joined(each, how), descriptor=before.descriptor)
            sources[each.profile.number] = new
    placed = {each.profile.face.photo.sha256 for each in joined}
    errors = [_not_placed(face) for face in read.unmarked if face.photo.sha256 not in placed]
    if errors and how.strict:
        raise errors[0]
    return sources, [
        *read.warnings,
        *(f"A photo was left out: {error.message} {error.hint}" for error in errors),
    ]


def _read(
    photo: Photo, how: PhotoReading, finder: FaceFinder, masker: PersonMasker, alone: bool
) -> PhotoSource | UnmarkedFace:
    try:
        face = finder.main_face(photo)
    except NoFaceFound:
        box = None if alone else finder.detected(photo)
        if box is None:
            raise
        return unmarked_face(photo, *box, masker)
    shot = cut_headshot(photo, face, masker, how.most_pixels)
    seen = observe(photo, shot, how.lens)
    sideways = None
    if abs(face.yaw) > _DOUBTFUL and not alone:
        left, top, right, bottom = face.box
        middle = np.array([left + right, top + bottom]) / 2
        sideways = unmarked_face(photo, middle, max(right - left, bottom - top), masker)
    return replace(
        _source(photo, face, shot, seen, how),
        descriptor=None if how.recogniser is None else how.recogniser(photo.pixels, face.landmarks),
        reading=None if how.reader is None else how.reader.read(photo.pixels, face.landmarks, _camera(seen)),
        sideways=sideways,
    )


def _joined(joined: JoinedProfile, how: PhotoReading) -> PhotoSource:
    photo = joined.profile.face.photo
    return _source(photo, joined.face, joined.shot, joined.observation, how, placed=True)


def _source(
    photo: Photo, face: Face, shot: HeadShot, seen: Observation, how: PhotoReading, placed: bool = False
) -> PhotoSource:
    warnings = photo_warnings(photo, face, how.lens is not None)
    return PhotoSource(
        path=photo.path,
        sha256=photo.sha256,
        photo_size=photo.size,
        original_size=photo.original_size,
        shot=shot,
        observation=seen,
        # a placed head is no guess, however far it is turned
        warnings=tuple(each.message for each in warnings if not (placed and each.code == "turned")),
    )


def _camera(seen: Observation) -> tuple[float, float, float, float]:
    """The camera that the fit starts from, before the landmarks tell more of it."""
    focal = seen.focal or focal_length_pixels(seen.width, seen.height)
    return focal, focal, seen.width / 2, seen.height / 2


def _compare(sources: list[PhotoSource], same_above: float) -> tuple[list[PhotoSource], list[str]]:
    """The photos with a warning on those that seem to show someone else, and warnings about them all."""
    names = [source.path.name for source in sources]
    of_each, about_all = person_warnings(names, np.array([s.descriptor for s in sources]), same_above)
    warned = [
        replace(source, warnings=(*source.warnings, warning)) if warning else source
        for source, warning in zip(sources, of_each, strict=True)
    ]
    return warned, about_all


def _not_found(face: UnmarkedFace) -> NoFaceFound:
    return NoFaceFound(
        f"No face was found in {face.photo.path}.",
        "Use a photo that shows a person's face from the front or three-quarter, well lit and uncovered.",
    )


def _not_placed(face: UnmarkedFace) -> NoFaceFound:
    return NoFaceFound(f"No face was found in {face.photo.path} that the other photos explain.", _HELP)
