"""One cache with the default head baked and one astronaut's rig for all tests."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import skimage.data
from filelock import FileLock
from PIL import Image

from core.cache import cache_folder
from core.face_model.registry import load_model
from core.photos_to_rig import RigOptions, build_rig
from core.rig import Rig, save_rig


@pytest.fixture(scope="session", autouse=True)
def model_cache(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A cache folder that outlives the session, with the default head in it.

    It is baked here, once, where nothing waits for it: on a slow machine that takes minutes, longer than
    tests wait for a server's first rig, and a server that a test ends in the middle bakes for nothing.
    """
    with pytest.MonkeyPatch.context() as patch:
        if "SEMBLANCE_CACHE" not in os.environ:
            kept = getattr(pytestconfig, "cache", None)  # pytest can be told to keep nothing
            folder = kept.mkdir("semblance") if kept else tmp_path_factory.mktemp("cache")
            baked, own = (place / "models" / "anny.npz" for place in (cache_folder(), folder))
            if baked.is_file() and not own.exists():
                own.parent.mkdir(exist_ok=True)
                shutil.copy(baked, own)  # an outdated one is made anew
            patch.setenv("SEMBLANCE_CACHE", str(folder))
        cache_folder().mkdir(parents=True, exist_ok=True)
        with FileLock(cache_folder() / "tests.lock"):  # of several processes of pytest one bakes
            load_model("anny")
        yield cache_folder()


@pytest.fixture(scope="session")
def portrait(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A photo of one person, 512 pixels a side, that installs with scikit-image."""
    path = tmp_path_factory.mktemp("portrait") / "astronaut.png"
    Image.fromarray(skimage.data.astronaut()).save(path)
    return path


@pytest.fixture(scope="session")
def portrait_rig(portrait: Path) -> Rig:
    """The rig of that photo, at draft quality."""
    return build_rig([portrait], options=RigOptions(name="Astronaut", quality="draft"))


@pytest.fixture(scope="session")
def portrait_rig_file(portrait_rig: Rig, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("rig") / "astronaut.semrig"
    save_rig(portrait_rig, path)
    return path
