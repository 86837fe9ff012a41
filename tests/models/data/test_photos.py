"""Real photos and clips as training pictures."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import skimage.data

from core.errors import BadInput
from core.landmark_topology import EYE_LEFT, EYE_RIGHT
from core.progress import Progress
from models.data.augment import Augmentation
from models.data.loader import PeopleDataset, PeopleSampler, batch_loader
from models.data.photos import expected_seconds, prepare_photos


def _prepare(source: Path, out: Path):  # type: ignore[no-untyped-def]
    return prepare_photos(source, out, 0.2, Progress(expected_seconds(source)))


@pytest.fixture
def folder(portrait: Path, tmp_path: Path) -> Path:
    """A person with a photo and something broken, one with a short clip."""
    source = tmp_path / "people"
    for name in ("eileen", "clip"):
        (source / name).mkdir(parents=True)
    shutil.copy(portrait, source / "eileen" / "one.png")
    (source / "eileen" / "broken.jpg").write_bytes(b"no photo")
    _write_clip(source / "clip" / "clip.mp4", skimage.data.astronaut()[:400, :400], 12)
    return source


def test_people_are_folders_and_faces_are_cut(folder: Path, tmp_path: Path) -> None:
    made = _prepare(folder, tmp_path / "out")
    assert made.people == 2 and made.pictures >= 3
    assert len(made.warnings) == 1 and "broken.jpg" in made.warnings[0]
    opened = PeopleDataset(tmp_path / "out")
    assert set(opened.person.tolist()) == {0, 1} and set(opened.facts["names"]) == {"eileen", "clip"}
    for index in range(len(opened)):
        sample = opened[index]
        seen = sample["seen"]
        across = seen[EYE_LEFT[0], :2] - seen[EYE_RIGHT[0], :2]
        assert abs(np.arctan2(across[1], across[0])) < 0.03
        cheek = np.rint(seen[50, :2] - 0.5).astype(int)
        assert sample["skin"][cheek[1], cheek[0]] == 255 and sample["skin"][5, 5] == 0
        assert "identity" not in sample and sample["presence"] > 0.9


def test_batches_of_photos_lack_the_truth_alone(folder: Path, tmp_path: Path) -> None:
    _prepare(folder, tmp_path / "out")
    data = PeopleDataset(tmp_path / "out", Augmentation())
    batch = next(iter(batch_loader(data, PeopleSampler(data.person, 2, 2), 0)))
    assert batch.image.shape == (4, 224, 224, 3) and batch.seen.shape == (4, 478, 3)
    assert batch.identity is None and batch.landmarks is None and batch.model == ""


def test_new_people_join_and_the_old_ones_stay(folder: Path, tmp_path: Path, portrait: Path) -> None:
    _prepare(folder, tmp_path / "out")
    (folder / "another").mkdir()
    shutil.copy(portrait, folder / "another")
    made = _prepare(folder, tmp_path / "out")
    assert made.people == 1
    names = PeopleDataset(tmp_path / "out").facts["names"]
    assert names["another"] == 2


def test_a_folder_without_pictures(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(BadInput, match="no photos"):
        _prepare(tmp_path / "empty", tmp_path / "out")


def _write_clip(path: Path, pixels: np.ndarray, count: int) -> None:
    """The same picture, 25 times a second."""
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream("mpeg4", rate=25)
        stream.height, stream.width = pixels.shape[:2]
        stream.pix_fmt, stream.bit_rate = "yuv420p", 4_000_000
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), "rgb24")
        for index in range(count):
            frame.pts = index
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
