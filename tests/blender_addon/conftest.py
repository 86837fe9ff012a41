"""What several tests of heads in Blender start from."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.rig import save_rig
from tests.rigs import make_rig


@pytest.fixture
def rig_path(tmp_path: Path) -> Path:
    """A rig with every part."""
    save_rig(make_rig(), tmp_path / "head.semrig")
    return tmp_path / "head.semrig"
