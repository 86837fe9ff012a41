"""One face finder, one run a test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from core.face_model.model import FaceModel
from models.evaluation.prediction import Eyes
from models.evaluation.run import Run
from tests.models.evaluation.truths import Told


@pytest.fixture(scope="session")
def eyes() -> Iterator[Eyes]:
    with Eyes() as shared:
        yield shared


@pytest.fixture
def run(eyes: Eyes, anny: FaceModel) -> Callable[..., Run]:
    """A run of some methods."""

    def make(*methods: Told, **options: Any) -> Run:
        return Run(methods, eyes, anny, **options)

    return make
