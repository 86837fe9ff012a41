"""Colours on the skin count, others do not."""

from __future__ import annotations

import pytest
import torch
from torch.autograd import gradcheck

from models.losses.photometric import photometric_loss


def test_the_distance_of_two_colours_is_the_loss_however_large_the_face() -> None:
    rendered = torch.zeros(2, 3, 4, 4)
    photos = torch.tensor([0.3, 0.0, 0.4])[None, :, None, None].expand(2, 3, 4, 4)  # 3-4-5
    region = torch.ones(2, 4, 4)
    region[1, 1:] = 0
    assert photometric_loss(rendered, photos, region, torch.ones(2, 4, 4)) == pytest.approx(0.5)


def test_what_is_no_skin_in_photo_or_render_does_not_count() -> None:
    rendered, photos = torch.zeros(1, 3, 2, 2), torch.zeros(1, 3, 2, 2)
    photos[0, 0] = torch.tensor([[1.0, 0.2], [0.6, 1.0]])  # hair, skin, half sure, background
    region = torch.tensor([[[1.0, 1.0], [1.0, 0.0]]])
    skin = torch.tensor([[[0.0, 1.0], [0.5, 1.0]]])
    # (1 × 0.2 + 0.5 × 0.6) / 1.5
    assert photometric_loss(rendered, photos, region, skin) == pytest.approx(1 / 3)


def test_a_picture_without_skin_adds_nothing_and_keeps_gradients_finite() -> None:
    rendered = torch.rand(1, 3, 2, 2, requires_grad=True)
    loss = photometric_loss(rendered, rendered.detach(), torch.zeros(1, 2, 2), torch.ones(1, 2, 2))
    loss.backward()
    assert loss == 0 and rendered.grad is not None and bool(rendered.grad.isfinite().all())


def test_a_perfect_picture_has_loss_0_and_finite_gradients() -> None:
    rendered = torch.rand(1, 3, 2, 2, requires_grad=True)
    loss = photometric_loss(rendered, rendered.detach(), torch.ones(1, 2, 2), torch.ones(1, 2, 2))
    loss.backward()
    assert loss == 0 and rendered.grad is not None and bool((rendered.grad == 0).all())


def test_gradients_match_finite_differences() -> None:
    make = torch.Generator().manual_seed(0)
    rendered, photos = (torch.rand(2, 3, 3, 4, dtype=torch.float64, generator=make) for _ in range(2))
    skin = torch.rand(2, 3, 4, dtype=torch.float64, generator=make)
    region = (skin > 0.3).double()
    assert gradcheck(lambda r: photometric_loss(r, photos, region, skin), rendered.requires_grad_())
