"""Photos that cannot be shipped: found through an environment variable, else the test is skipped."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


def real_data(name: str) -> Path:
    """A file of the test data; skips the calling test where it is absent."""
    folder = os.environ.get("SEMBLANCE_TEST_DATA")
    if not folder:
        pytest.skip("SEMBLANCE_TEST_DATA names no folder of test data")
    path = Path(folder) / name
    if not path.exists():
        pytest.skip(f"{path} is absent")
    return path
