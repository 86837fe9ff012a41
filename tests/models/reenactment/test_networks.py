"""The two networks: shapes, what they begin with, and their equations on cases known by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from models.reenactment.completion import blended
from models.reenactment.guided_net import GuidedNet
from models.reenactment.layers import SPADE, AdaIN
from models.reenactment.settings import SETTINGS, SMALL, GuidedSettings, read_settings
from models.reenactment.warping import pixel_grid, resized, warp
from tests.models.reenactment.pairs import TINY, made_up_pairs

NOT_BLENDED = replace(TINY, blend=False, finest=1, residual_flow=False, sees_guidance=False)


@pytest.mark.parametrize("settings", [TINY, NOT_BLENDED, SMALL], ids=["tiny", "as the paper's", "small"])
def test_shapes(settings: GuidedSettings) -> None:
    batch = made_up_pairs(2)
    said = GuidedNet(settings)(*batch.guidance)
    assert said.picture.shape == (2, 3, 64, 64) and said.flow.shape == (2, 2, 64, 64)
    assert said.occlusion.shape == said.generated.shape == (2, 1, 64, 64)
    assert all(part.isfinite().all() for part in said)


def test_a_flow_of_nothing_returns_the_picture_and_a_shift_shifts_it() -> None:
    picture = made_up_pairs(1, 32).source
    assert torch.allclose(warp(picture, torch.zeros(1, 2, 32, 32)), picture, atol=1e-6)
    shift = torch.zeros(1, 2, 32, 32)
    shift[:, 0] = 2 * 3 / 32  # three pixels: the picture is 2 wide
    assert torch.allclose(warp(picture, shift)[..., :-3], picture[..., 3:], atol=1e-5)
    assert torch.allclose(pixel_grid(4, 4, picture)[0, 0, 0], torch.tensor([-0.75, -0.25, 0.25, 0.75]))


def test_smaller_maps_are_means_of_blocks() -> None:
    maps = torch.arange(16.0).reshape(1, 1, 4, 4)
    assert torch.equal(resized(maps, 2, 2), torch.tensor([[[[2.5, 4.5], [10.5, 12.5]]]]))


def test_training_begins_with_the_computed_guidance_and_the_warped_source() -> None:
    batch = made_up_pairs(2)
    net = GuidedNet(TINY).eval()
    with torch.no_grad():
        said = net(*batch.guidance)
    assert torch.allclose(said.flow, batch.flow, atol=1e-6)
    assert (said.occlusion - batch.occlusion).abs().max() < 0.05  # M_o is 0.05, and O_p 0.95
    assert said.generated.max() < 0.05
    assert (said.picture - warp(batch.source, batch.flow)).abs().max() < 0.05


def test_identity_guidance_returns_the_source() -> None:
    batch = made_up_pairs(2)
    still = replace(batch, flow=torch.zeros_like(batch.flow), render=batch.source)
    with torch.no_grad():
        said = GuidedNet(TINY).eval()(*still.guidance)
    assert torch.allclose(said.picture, batch.source, atol=1e-5)


def test_masks_blend_predicted_and_computed() -> None:
    """Eq. 6 and 7."""
    mask = torch.tensor([0.0, 1.0, 0.25, 0.5]).reshape(1, 1, 2, 2)
    found = blended(mask, torch.full((1, 2, 2, 2), 4.0), torch.full((1, 2, 2, 2), 8.0))
    assert found[0, 0].tolist() == [[8.0, 4.0], [7.0, 6.0]]


def test_adain_gives_each_channel_the_codes_scale_and_bias() -> None:
    norm = AdaIN(2, 1)
    assert norm.modulation.bias is not None
    norm.modulation.bias.data = torch.tensor([1.0, 0.0, 3.0, -1.0])  # γ, γ, β, β
    x = torch.tensor([[[[1.0, 3.0]], [[10.0, 30.0]]]])
    assert torch.allclose(
        norm(x, torch.zeros(1, 1)), torch.tensor([[[[1.0, 5.0]], [[-2.0, 0.0]]]]), atol=1e-4
    )


def test_spade_scales_and_shifts_by_the_picture() -> None:
    """Hidden features are the guide's own; γ is twice the guide, β three times."""
    norm = SPADE(1, 1, 1, kernel=1)
    with torch.no_grad():
        norm.shared.weight.zero_()[0, 0, 1, 1] = 1
        norm.modulation.weight.copy_(torch.tensor([2.0, 3.0]).reshape(2, 1, 1, 1))
        assert norm.modulation.bias is not None
        norm.modulation.bias.zero_()
        x, guide = torch.tensor([[[[-1.0, 1.0]]]]), torch.tensor([[[[0.5, 1.0]]]])
        assert torch.allclose(norm(x, guide), torch.tensor([[[[-2 + 1.5, 3 + 3.0]]]]), atol=1e-3)


@pytest.mark.parametrize("guidance", ["flow", "occlusion", "synthesis"])
def test_what_is_left_out_changes_nothing(guidance: str) -> None:
    settings = read_settings({**TINY.facts(), f"{guidance}_guidance": False})
    batch, other = made_up_pairs(2), made_up_pairs(2, seed=1)
    changed = {
        "flow": {"flow": other.flow}, "occlusion": {"occlusion": 1 - batch.occlusion},
        "synthesis": {"render": other.render},
    }[guidance]  # fmt: skip
    net = GuidedNet(settings).eval()
    with torch.no_grad():
        first, second = net(*batch.guidance), net(*replace(batch, **changed).guidance)
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))


def test_settings_survive_as_plain_values() -> None:
    for settings in SETTINGS.values():
        assert read_settings(settings.facts()) == settings
    with pytest.raises(ValueError, match="out of range"):
        read_settings({**SMALL.facts(), "finest": 3})
    with pytest.raises(TypeError):
        read_settings({"colour": 1})


def test_small_is_as_small_as_it_says() -> None:
    net, batch, macs = GuidedNet(SMALL), made_up_pairs(1, 256), 0

    def count(layer: torch.nn.Module, _: object, output: torch.Tensor) -> None:
        nonlocal macs
        assert isinstance(layer, torch.nn.Conv2d)
        macs += output.numel() * layer.weight[0].numel()

    for layer in net.modules():
        if isinstance(layer, torch.nn.Conv2d):
            layer.register_forward_hook(count)
    with torch.no_grad():
        net(*batch.guidance)
    assert macs < 1.2e9
