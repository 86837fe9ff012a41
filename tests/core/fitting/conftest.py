"""The default head, baked once for this user and kept between runs."""

from __future__ import annotations

import getpass
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.face_model.model import FaceModel
from core.face_model.registry import load_model


@pytest.fixture(scope="session")
def anny() -> Iterator[FaceModel]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(
            "SEMBLANCE_CACHE", str(Path(tempfile.gettempdir()) / f"semblance-tests-{getpass.getuser()}")
        )
        yield load_model("anny")
