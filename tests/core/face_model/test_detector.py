from __future__ import annotations

import numpy as np
from skimage.data import astronaut

from core.face_model.detector import render_detector


def test_landmarks_are_pixels_of_the_face_and_nothing_is_no_face() -> None:
    photo = astronaut()
    with render_detector() as detect:
        points = detect(photo)
        assert detect(np.full((256, 256, 3), 128, np.uint8)) is None
    assert points is not None and points.shape == (478, 3)
    nose, left_eye, right_eye = points[1, :2], points[473, :2], points[468, :2]
    assert left_eye[0] > nose[0] > right_eye[0]
    assert nose[1] > max(left_eye[1], right_eye[1])
    assert 20 < left_eye[0] - right_eye[0] < 60
