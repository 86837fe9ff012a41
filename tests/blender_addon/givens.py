"""What tests of the add-on start from, outside Blender."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from core.rig import Rig
from tests.rigs import make_rig


def user_folders(folder: Path) -> dict[str, str]:
    """A user's folders of the test's own, as Blender and the server are told of them."""
    user = folder / "user"
    for name in ("config", "scripts", "datafiles", "server", "extensions"):
        (user / name).mkdir(parents=True)
    return {
        "BLENDER_USER_RESOURCES": str(user),
        **{f"BLENDER_USER_{name.upper()}": str(user / name) for name in ("config", "scripts", "datafiles")},
        "SEMBLANCE_SERVER": str(user / "server"),
        "PYTHONPATH": os.pathsep.join(filter(None, [str(Path.cwd()), os.environ.get("PYTHONPATH")])),
    }


def rig_with_photo(**changes: object) -> Rig:
    """A head that keeps the photo it was fitted to; ``changes`` go to :func:`make_rig`."""
    origin = {"file": "front.jpg", "preview": "front.png", "left": 100.0, "top": 40.0, "scale": 0.1}
    preview = np.zeros((36, 40, 3), np.uint8)
    return make_rig(
        **{"provenance": {"photos": [origin]}, "previews": {"front.png": preview}, **changes}  # type: ignore[arg-type]
    )
