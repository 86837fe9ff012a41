from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image, ImageFilter

from core.capture.faces import Face, FaceFinder
from core.capture.quality import photo_warnings
from tests.core.capture.conftest import photo_of


@pytest.fixture(scope="module")
def large(astronaut: np.ndarray) -> Image.Image:
    return Image.fromarray(astronaut).crop((80, 0, 380, 300)).resize((900, 900), Image.Resampling.LANCZOS)


def codes(image: Image.Image, finder: FaceFinder) -> list[str]:
    photo = photo_of(np.asarray(image), "me.jpg")
    warnings = photo_warnings(photo, finder.main_face(photo, accurate=False))
    assert all(
        (w.message.startswith("me.jpg: ") and w.message.endswith(".")) or ")" in w.message for w in warnings
    )
    return [w.code for w in warnings]


def test_a_good_photo_has_no_warnings(large: Image.Image, finder: FaceFinder) -> None:
    assert codes(large, finder) == []


def test_faults_are_named(large: Image.Image, finder: FaceFinder) -> None:
    def toned(gain: float) -> Image.Image:
        return large.point(lambda v: min(255, int(v * gain)))

    assert "face_small" in codes(large.resize((300, 300)), finder)
    assert "blurred" in codes(large.filter(ImageFilter.GaussianBlur(12)), finder)
    assert "dark" in codes(toned(0.12), finder)
    assert "overexposed" in codes(toned(1.8), finder)
    assert "face_cut" in codes(large.crop((0, 0, 900, 410)), finder)


def test_a_lens_that_exif_cannot_tell_is_said_unless_the_user_gives_it(
    large: Image.Image, finder: FaceFinder
) -> None:
    photo = replace(photo_of(np.asarray(large), "me.jpg"), no_focal="its EXIF has a focal length of 0 mm")
    face = finder.main_face(photo, accurate=False)
    (warning,) = photo_warnings(photo, face)
    assert warning.code == "lens_unknown" and "me.jpg" in warning.message and "--focal" in warning.message
    assert photo_warnings(photo, face, lens_given=True) == []


def test_faces_passed_over_are_counted(large: Image.Image, finder: FaceFinder) -> None:
    both = Image.new("RGB", (1500, 900))
    both.paste(large, (600, 0))
    both.paste(large.resize((500, 500)), (0, 0))
    assert "several_faces" in codes(both, finder)


def test_a_head_in_profile_is_told(large: Image.Image, finder: FaceFinder) -> None:
    photo = photo_of(np.asarray(large))
    face: Face = finder.main_face(photo, accurate=False)
    for degrees, told in ((0, False), (45, False), (75, True), (-75, True)):
        angle = np.radians(degrees) - face.yaw
        c, s = np.cos(angle), np.sin(angle)
        turn = np.array([[c, 0, -s], [0, 1, 0], [s, 0, c]])
        middle = face.landmarks.mean(0)
        turned = ((face.landmarks - middle) @ turn.T + middle).astype(np.float32)
        found = {w.code for w in photo_warnings(photo, replace(face, landmarks=turned))}
        assert ("turned" in found) is told
