"""Photo files as the fit sees them, through the same capture as a rig."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from numpy import ndarray

from core.capture.faces import FaceFinder
from core.capture.headshot import HeadShot, cut_headshot
from core.capture.masks import PersonMasker
from core.capture.photos import load_photo
from core.errors import NoFaceFound
from core.face_model.registry import load_model
from core.fitting.head import fit_head
from core.fitting.observe import observe
from core.fitting.types import FittedHead, Observation
from core.photos_to_rig import in_headshot
from core.scene.camera import focal_length_pixels
from models.face_reader import FaceReader
from models.face_reading import FaceReading

_MOST_SHOT_PIXELS = 3_000_000  # as a rig of five photos gets


class PhotoReader:
    """Holds the networks of the capture; close it or use it in a ``with``."""

    def __init__(self) -> None:
        self.finder = FaceFinder()
        self.masker = PersonMasker()

    def __enter__(self) -> PhotoReader:
        return self

    def __exit__(self, *_: object) -> None:
        self.finder.close()
        self.masker.close()

    def read(self, path: Path) -> Observation | None:
        """The observation of a photo's main face; none where no face is found."""
        photo = load_photo(path)
        try:
            face = self.finder.main_face(photo)
        except NoFaceFound:
            return None
        return observe(photo, cut_headshot(photo, face, self.masker, _MOST_SHOT_PIXELS))


def read_view(reader: FaceReader, pixels: ndarray, seen: Observation) -> FaceReading:
    """What the network says of a picture, as rigs ask it."""
    focal = seen.focal or focal_length_pixels(seen.width, seen.height)
    return reader.read(pixels, seen.landmarks, (focal, focal, seen.width / 2, seen.height / 2))


def fit_photos(paths: list[Path]) -> tuple[FittedHead, list[HeadShot]]:
    """The head fitted to photos, without a network, with the cameras of their head shots."""
    shots, observations = [], []
    with FaceFinder() as finder, PersonMasker() as masker:
        for path in paths:
            photo = load_photo(path)
            shots.append(cut_headshot(photo, finder.main_face(photo), masker, 5_000_000))
            observations.append(observe(photo, shots[-1]))
    head = fit_head(load_model(), observations)
    return replace(head, photos=[in_headshot(*pair) for pair in zip(head.photos, shots, strict=True)]), shots


def data_folder() -> Path:
    """The folder of photos that benchmarks are run on."""
    folder = os.environ.get("SEMBLANCE_TEST_DATA")
    if not folder:
        raise SystemExit("Set SEMBLANCE_TEST_DATA to the folder of test data.")
    return Path(folder)
