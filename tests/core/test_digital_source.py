"""What pictures and films say of how they came about, read back as others read it."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
from PIL import Image

from core.digital_source import film_tags, mark_film, png_with_source, read_source, source_address, xmp_packet
from tests.films import pictures_of, silent_film


def test_a_png_states_its_source_and_keeps_its_alpha(tmp_path: Path) -> None:
    picture = np.random.default_rng(0).integers(0, 255, (20, 30, 4), np.uint8)
    (tmp_path / "a.png").write_bytes(png_with_source(picture, "compositeSynthetic"))
    with Image.open(tmp_path / "a.png") as image:
        assert np.array_equal(np.asarray(image), picture)
        assert image.info["XML:com.adobe.xmp"] == xmp_packet("compositeSynthetic")
    assert read_source(tmp_path / "a.png") == source_address("compositeSynthetic")


def test_a_film_states_its_source_and_still_plays(tmp_path: Path) -> None:
    film = silent_film(tmp_path / "a.mp4", [0.0, 0.1, 0.2])
    before = pictures_of(film)
    assert read_source(film) is None
    mark_film(film, "compositeWithTrainedAlgorithmicMedia")
    assert read_source(film) == source_address("compositeWithTrainedAlgorithmicMedia")
    for a, b in zip(before, pictures_of(film), strict=True):
        np.testing.assert_array_equal(a, b)
    with av.open(str(film), options={"export_xmp": "1"}) as container:  # FFmpeg's own reader of the box
        assert container.metadata["xmp"] == xmp_packet("compositeWithTrainedAlgorithmicMedia")


def test_files_that_state_nothing(tmp_path: Path) -> None:
    Image.new("RGB", (4, 4)).save(tmp_path / "a.png")
    (tmp_path / "b.mp4").write_bytes(b"\0\0\0\x08free" + b"\0\0\0\x04moov")
    (tmp_path / "c.mp4").touch()
    assert [read_source(tmp_path / name) for name in ("a.png", "b.mp4", "c.mp4")] == [None] * 3
    assert film_tags("compositeSynthetic")["comment"].endswith("/compositeSynthetic")
