"""Real photos: people and paintings are taken, animals refused."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator

import numpy as np
import pytest
from PIL import Image

from core.capture.faces import FaceFinder
from core.capture.photos import load_photo
from core.errors import NoFaceFound
from tests.core.capture.conftest import photo_of
from tests.real_data import real_data

ANIMALS = ("s22", "s23", "s30", "s31", "s33", "s38", "s39", "s40")
PEOPLE = ("s0", "s1", "s2", "s3", "s4", "s7", "s8", "s10", "s11", "s12")


@pytest.mark.parametrize("name", ANIMALS)
def test_animals_are_refused(finder: FaceFinder, name: str) -> None:
    photo = load_photo(real_data(f"photos/portraits/liveportrait_{name}.jpg"))
    with pytest.raises(NoFaceFound, match=f"liveportrait_{name}") as caught:
        finder.main_face(photo)
    assert "person" in caught.value.hint


@pytest.mark.parametrize("name", PEOPLE)
def test_portraits_and_paintings_are_taken(finder: FaceFinder, name: str) -> None:
    face = finder.main_face(load_photo(real_data(f"photos/portraits/liveportrait_{name}.jpg")))
    assert face.presence > 0.95


def lfw_photos(every: int) -> Iterator[np.ndarray]:
    with tarfile.open(real_data("faces/lfw_gray_720_people.tar")) as tar:
        members = sorted((m for m in tar.getmembers() if m.name.endswith("_0001.jpg")), key=lambda m: m.name)
        for member in members[::every]:
            stream = tar.extractfile(member)
            assert stream is not None
            yield np.asarray(Image.open(io.BytesIO(stream.read())).convert("RGB"))


def test_photos_of_many_people_are_taken(finder: FaceFinder) -> None:
    photos = list(lfw_photos(every=12))
    for pixels in photos:
        finder.main_face(photo_of(pixels))
    assert len(photos) >= 50
