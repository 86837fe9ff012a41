"""Starting other Python processes that import these packages."""

from __future__ import annotations

import os
from pathlib import Path


def python_environment() -> dict[str, str]:
    """The environment in which another process finds these packages, installed or not, from any folder."""
    folder = str(Path(__file__).parent.parent)
    path = os.pathsep.join(filter(None, [folder, os.environ.get("PYTHONPATH")]))
    return {**os.environ, "PYTHONPATH": path, "PYTHONUNBUFFERED": "1"}
