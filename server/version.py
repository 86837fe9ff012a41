"""Which Semblance this is."""

from __future__ import annotations

import tomllib
from importlib import metadata
from pathlib import Path
from typing import Final

API_VERSION: Final = 1


def version() -> str:
    """The installed version, or that of the checkout this runs from."""
    try:
        return metadata.version("semblance")
    except metadata.PackageNotFoundError:
        project = Path(__file__).parent.parent / "pyproject.toml"
        return str(tomllib.loads(project.read_text(encoding="utf-8"))["project"]["version"])
