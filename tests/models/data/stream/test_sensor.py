"""What cameras and files do to a batch."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import skimage.data
import torch

from core.scene.shading import srgb_to_linear
from models.data.stream.dice import Dice
from models.data.stream.sensor import compressed, photograph

CPU = torch.device("cpu")
SIDE = 224


@pytest.fixture(scope="module")
def pixels() -> np.ndarray:
    """The portrait's face."""
    return np.ascontiguousarray(skimage.data.astronaut()[:SIDE, 110 : 110 + SIDE])


def _planes(pixels: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(pixels).permute(2, 0, 1)[None].float() / 255


@pytest.mark.parametrize("quality", [22, 40, 60, 80, 95])
def test_compression_is_that_of_jpeg(pixels: np.ndarray, quality: int) -> None:
    _, packed = cv2.imencode(".jpg", pixels[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    expected = cv2.imdecode(packed, cv2.IMREAD_COLOR)[..., ::-1] / 255
    found = compressed(_planes(pixels), torch.tensor([float(quality)]))[0].permute(1, 2, 0).numpy()
    off, lost = np.abs(found - expected).mean(), np.abs(pixels / 255 - expected).mean()
    assert off < 0.5 * lost and off < 1 / 255  # cv2 rounds to whole levels on the way


def test_each_picture_has_a_quality_of_its_own(pixels: np.ndarray) -> None:
    image = _planes(pixels).expand(3, -1, -1, -1)
    quality = torch.tensor([25.0, 60, 95])
    found = compressed(image, quality)
    lost = (found - image).abs().mean(dim=(1, 2, 3))
    assert bool((lost[:-1] > lost[1:]).all())
    for index in range(3):
        torch.testing.assert_close(found[index], compressed(image[:1], quality[index : index + 1])[0])


def test_photographs_are_as_random_as_the_dice(pixels: np.ndarray) -> None:
    linear = srgb_to_linear(_planes(pixels)).expand(48, -1, -1, -1)
    made = photograph(Dice(CPU, 5), linear)
    assert made.shape == linear.shape and float(made.min()) >= 0 and float(made.max()) <= 1
    assert torch.equal(made, photograph(Dice(CPU, 5), linear))
    assert not torch.equal(made, photograph(Dice(CPU, 6), linear))
    off = (made - _planes(pixels)).abs().mean(dim=(1, 2, 3))
    assert 0.2 < float((off < 0.008).float().mean()) < 0.6  # a third stays nearly clean
    assert float(off.max()) > 0.03 and float(off.median()) < 0.05
