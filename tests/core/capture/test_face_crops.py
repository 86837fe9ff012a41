"""Crops of the face are small, say where they come from, and stay few."""

from __future__ import annotations

import numpy as np
import pytest

import core.capture.face_crops as face_crops
from core.capture.face_crops import CROP_SIDE, FaceCrops


def landmarks_round(x: float, y: float, radius: float) -> np.ndarray:
    """478 landmarks on a circle."""
    angle = np.linspace(0, 2 * np.pi, 478)
    circle = np.column_stack([x + radius * np.cos(angle), y + radius * np.sin(angle), np.zeros(478)])
    return circle.astype(np.float32)


@pytest.mark.parametrize("radius", [30.0, 200.0])
def test_a_spot_of_the_frame_is_where_the_crop_says(radius: float) -> None:
    frame = np.full((700, 900, 3), 40, np.uint8)
    frame[310:326, 500:516] = 220  # its middle: (508, 318)
    with FaceCrops() as crops:
        crops.add(0, frame, landmarks_round(500, 300, radius))
        crop = crops.crop(0)
    assert crop.grey.shape == (CROP_SIDE, CROP_SIDE)
    rows, columns = np.nonzero(crop.grey > 130)
    middle = np.array([columns.mean() + 0.5, rows.mean() + 0.5])
    expected = (np.array([508, 318]) - (crop.left, crop.top)) * crop.scale
    np.testing.assert_allclose(middle, expected, atol=0.6)


def test_every_third_frame_with_a_face_is_kept() -> None:
    frame = np.zeros((60, 60, 3), np.uint8)
    with FaceCrops(every=3) as crops:
        for number in (0, 1, 2, 3, 8, 9, 12):
            crops.add(number, frame + np.uint8(number), landmarks_round(30, 30, 10))
        np.testing.assert_array_equal(crops.frames, [0, 3, 8, 12])
        assert [int(crops.crop(index).grey[80, 80]) for index in range(len(crops))] == [0, 3, 8, 12]


def test_a_long_clip_keeps_fewer_of_its_frames(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(face_crops, "_MOST_KEPT", 10)
    with FaceCrops(every=1) as crops:
        for number in range(100):
            crops.add(number, np.full((40, 40, 3), number, np.uint8), landmarks_round(20, 20, 5))
            assert len(crops) <= 10
        frames = crops.frames
        assert len(frames) > 4 and frames[0] == 0 and frames[-1] >= 80
        assert len(set(np.diff(frames).tolist())) == 1
        assert [int(crops.crop(index).grey[80, 80]) for index in range(len(crops))] == frames.tolist()
