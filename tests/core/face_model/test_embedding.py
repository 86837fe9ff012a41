from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from core.face_model.detector import render_detector
from core.face_model.embedding import embed_landmarks
from core.face_model.embedding_data import absent_landmarks
from core.face_model.registry import load_model


def test_measuring_again_gives_the_shipped_embedding() -> None:
    model = load_model("anny")
    triangles, barycentrics = absent_landmarks()
    blank = replace(model, landmark_triangles=triangles, landmark_barycentrics=barycentrics)
    with render_detector() as detect:
        triangles, barycentrics = embed_landmarks(blank, detect)
    again = replace(model, landmark_triangles=triangles, landmark_barycentrics=barycentrics)
    apart = np.linalg.norm(again.landmarks(model.template) - model.landmarks(model.template), axis=1)
    assert np.median(apart) < 0.0015 and apart.max() < 0.015
    # skin landmarks mirror each other
    points = again.landmarks(model.template)
    assert np.abs(points[33] * [-1, 1, 1] - points[263]).max() < 0.001


def test_a_detector_that_sees_nothing_is_an_error() -> None:
    with pytest.raises(ValueError, match="sees no face"):
        embed_landmarks(load_model("anny"), lambda image: None)
