"""Reading recorded takes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from core.arkit import ARKIT_INDEX
from core.errors import UnreadableMedia
from models.data.take import held_out_half, read_take, training_half


def test_columns_are_found_by_name(tmp_path: Path) -> None:
    file = tmp_path / "take.csv"
    file.write_text("Timecode,JawOpen,EyeBlinkLeft,HeadYaw\n0,0.5,0.25,9\n1,0.75,1.5,9\n")
    take = read_take(file)
    np.testing.assert_allclose(take[:, ARKIT_INDEX["jawOpen"]], [0.5, 0.75])
    np.testing.assert_allclose(take[:, ARKIT_INDEX["eyeBlinkLeft"]], [0.25, 1.0])
    assert take.sum() == pytest.approx(2.5)


def test_training_and_tests_see_different_frames() -> None:
    take = np.arange(7 * 52, dtype=np.float32).reshape(7, 52)
    both = np.concatenate([training_half(take), held_out_half(take)])
    np.testing.assert_array_equal(both, take)


@pytest.mark.parametrize("text", ["", "Timecode,Other\n0,1\n", "Timecode,JawOpen\n0,wide\n", "JawOpen\n"])
def test_other_files_are_refused_by_name(tmp_path: Path, text: str) -> None:
    file = tmp_path / "take.csv"
    file.write_text(text)
    with pytest.raises(UnreadableMedia, match=r"take\.csv"):
        read_take(file)


def test_a_missing_file_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(UnreadableMedia, match=r"none\.csv"):
        read_take(tmp_path / "none.csv")
