"""What several tests of heads in Blender start from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from core.rig import save_rig
from tests.blender_addon.givens import user_folders
from tests.blenders import run_in_blender
from tests.rigs import make_rig


@pytest.fixture
def rig_path(tmp_path: Path) -> Path:
    """A rig with every part."""
    save_rig(make_rig(), tmp_path / "head.semrig")
    return tmp_path / "head.semrig"


@pytest.fixture
def run(request: pytest.FixtureRequest, blender: str, tmp_path: Path) -> Any:
    """Call a function of the test file's ``INSIDE`` module in Blender, with a user's folders of its own."""
    module, environment = request.module.INSIDE, user_folders(tmp_path)

    def call(function: str, *arguments: object) -> Any:
        return run_in_blender(blender, function, *arguments, module=module, environment=environment)

    return call
