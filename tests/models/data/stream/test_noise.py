"""Smooth random values."""

from __future__ import annotations

import pytest
import torch

from models.data.stream.noise import Noise


@pytest.fixture(scope="module")
def noise() -> Noise:
    return Noise()


def _points(count: int, seed: int = 0) -> torch.Tensor:
    return 200 * torch.rand(count, 3, generator=torch.Generator().manual_seed(seed)) - 100


def test_values_lie_between_minus_1_and_1_and_are_spread(noise: Noise) -> None:
    values = noise(_points(20_000))
    assert float(values.abs().max()) <= 1
    assert float(values.mean()) == pytest.approx(0, abs=0.02)
    assert 0.25 < float(values.std()) < 0.45


def test_it_repeats_after_64_units_in_each_direction_and_not_before(noise: Noise) -> None:
    points = _points(500, 1)
    for axis in torch.eye(3):
        torch.testing.assert_close(noise(points), noise(points + 64 * axis), atol=1e-3, rtol=0)
        torch.testing.assert_close(noise(points), noise(points - 128 * axis), atol=1e-3, rtol=0)
        assert float((noise(points) - noise(points + 32 * axis)).abs().mean()) > 0.2


def test_it_is_smooth_with_features_about_a_unit_wide(noise: Noise) -> None:
    points = _points(2000, 2)
    values = noise(points)
    steps = [float((noise(points + step) - values).abs().mean()) for step in (0.01, 0.1, 1.0)]
    assert steps[0] < 0.03 and steps[1] < 0.2 < steps[2]
    corners = points.round()
    torch.testing.assert_close(noise(corners + 1e-3), noise(corners - 1e-3), atol=2e-3, rtol=0)


def test_any_shape_of_points_has_values(noise: Noise) -> None:
    points = _points(24, 3)
    assert torch.equal(noise(points.reshape(2, 3, 4, 3)).flatten(), noise(points))
