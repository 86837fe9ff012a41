"""The cosine distance, and what may be plugged in."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.autograd import gradcheck

from models.losses.perception import FaceEmbedding, perception_loss


@pytest.mark.parametrize(
    ("other", "expected"),
    [([2.0, 0.0], 0.0), ([0.0, 3.0], 1.0), ([-1.0, 0.0], 2.0), ([1.0, 1.0], 1 - 2**-0.5)],
)
def test_the_angle_alone_counts(other: list[float], expected: float) -> None:
    loss = perception_loss(torch.tensor([[5.0, 0.0]]), torch.tensor([other]))
    assert loss == pytest.approx(expected, abs=1e-6)


def test_gradients_match_finite_differences() -> None:
    make = torch.Generator().manual_seed(0)
    rendered, photos = (torch.randn(3, 5, dtype=torch.float64, generator=make) for _ in range(2))
    assert gradcheck(lambda r: perception_loss(r, photos), rendered.requires_grad_())


def test_a_module_is_an_embedding() -> None:
    class Mean(torch.nn.Module):
        def forward(self, crops: Tensor, landmarks: Tensor) -> Tensor:
            return crops.mean(dim=(2, 3))

    assert isinstance(Mean(), FaceEmbedding)
