"""The default head."""

from __future__ import annotations

import pytest

from core.face_model.model import FaceModel
from core.face_model.registry import load_model


@pytest.fixture(scope="session")
def anny() -> FaceModel:
    return load_model("anny")
