from __future__ import annotations

import numpy as np
import pytest
import torch

from core.fitting.landmark_terms import facing_weight, geman_mcclure


def test_points_count_from_the_rim_on() -> None:
    cosine = np.array([-1.0, 0.1, 0.25, 0.4, 1.0])
    assert facing_weight(cosine).tolist() == pytest.approx([0, 0, 0.5, 1, 1])
    assert facing_weight(torch.from_numpy(cosine)).tolist() == pytest.approx([0, 0, 0.5, 1, 1])
    assert facing_weight(cosine.astype(np.float32)).dtype == np.float32


def test_robust_energy_is_quadratic_near_bounded_far_and_a_quarter_at_the_outlier() -> None:
    squared = torch.tensor([1e-8, 2.5**2, 1e12], dtype=torch.float64, requires_grad=True)
    energy = geman_mcclure(squared, 2.5)
    assert energy.tolist() == pytest.approx([1e-8, 2.5**2 / 2, 2.5**2])
    (weight,) = torch.autograd.grad(energy.sum(), squared)
    assert weight.tolist() == pytest.approx([1.0, 0.25, 0.0])
