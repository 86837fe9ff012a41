"""One small rendered data set for all tests of the engine."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.face_model.model import FaceModel
from core.face_model.registry import load_model
from core.progress import Progress
from models.data.albedo import AlbedoBasis, learn_albedo
from models.data.render import RenderJob, expected_seconds, render_dataset
from models.data.textures import TexturePainter

PEOPLE, FRAMES = 4, 3


@pytest.fixture(scope="session")
def anny() -> FaceModel:
    return load_model("anny")


@pytest.fixture(scope="session")
def painter(anny: FaceModel) -> TexturePainter:
    return TexturePainter(anny)


@pytest.fixture(scope="session")
def basis(painter: TexturePainter) -> AlbedoBasis:
    return learn_albedo(painter, samples=30, modes=12)


@pytest.fixture(scope="session")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four people of anny in three frames each, with what MediaPipe sees."""
    folder = tmp_path_factory.mktemp("rendered")
    render_dataset(RenderJob("anny", PEOPLE, FRAMES, folder, seed=7, seen=True), 1, quiet())
    return folder


def quiet() -> Progress:
    """Progress that nobody looks at."""
    return Progress(expected_seconds(1, 1, 1))
