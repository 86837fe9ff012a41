"""The clay look."""

from __future__ import annotations

import pytest
import torch

from core.scene.clay import cavity, clay_colour


def test_clay_is_lit_from_above_left_and_never_black() -> None:
    def grey(*normal: float) -> float:
        unit = torch.nn.functional.normalize(torch.tensor(normal), dim=-1)
        return float(clay_colour(unit, torch.tensor([0.0, 0.0, 1.0])).mean())

    assert grey(0.2, 0.4, 0.6) == pytest.approx(grey(0.2, 0.4, -0.6))  # the back looks like the front
    assert grey(-0.5, -0.5, -0.7) > grey(0.0, 0.0, -1.0) > grey(0.5, 0.5, -0.7) > 0.02


def test_a_dent_is_darker_and_a_slope_or_bump_is_not() -> None:
    across = torch.linspace(-0.02, 0.02, 81).expand(81, 81)  # 0.5 mm a pixel
    bell = 0.01 * torch.exp(-(across**2 + across.T**2) / 0.004**2)
    focal = 2000.0
    slope = 1 + 0.8 * across
    middle = (slice(30, 51), slice(30, 51))
    assert float(cavity(slope, focal)[middle].min()) > 0.99
    assert float(cavity(1 + bell, focal)[40, 40]) < 0.75  # deeper in the middle
    assert float(cavity(1 - bell, focal)[40, 40]) == 1


def test_cavities_ignore_the_background() -> None:
    depth = torch.full((40, 40), torch.inf)
    assert bool((cavity(depth, 500.0) == 1).all())
    depth[10:30, 10:30] = 1.0
    assert bool((cavity(depth, 500.0)[10:30, 10:30] == 1).all())
