"""Files of networks say the same picture, and the full size is sharper than the network's own."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import skimage.data
import torch
import torch.nn.functional as F
from torch import Tensor

from core.errors import BadInput, ModelMissing, ModelUnreadable
from models.reenactment.files import ReenactmentCard, export_guided, save_guided
from models.reenactment.guided_net import GuidedNet, Reenacted
from models.reenactment.reenactor import Reenactor
from models.reenactment.sharpen import full_size
from models.reenactment.warping import warp
from tests.models.reenactment.pairs import TINY, made_up_pairs

CARD = ReenactmentCard("tiny", TINY, 64, "Apache-2.0", "2026-01-31", "# tiny\n")


@pytest.fixture(scope="module")
def net() -> GuidedNet:
    """One whose layers all say something."""
    torch.manual_seed(0)
    net = GuidedNet(TINY).eval()
    with torch.no_grad():
        for value in net.parameters():
            value.add_(0.02 * torch.randn_like(value))
    return net


def test_both_files_say_what_the_network_says(net: GuidedNet, tmp_path: Path) -> None:
    batch = made_up_pairs(3)
    assert export_guided(net, CARD, tmp_path, batch) < 1e-3
    with torch.no_grad():
        expected = net(*batch.guidance)
    for name in ("tiny.onnx", "tiny.safetensors"):
        reenactor = Reenactor(tmp_path / name)
        assert reenactor.card == CARD
        said = reenactor(batch)
        assert torch.allclose(said.picture, expected.picture.clamp(0, 1), atol=1e-4)
        assert torch.allclose(said.flow, expected.flow, atol=1e-4)
        assert torch.allclose(said.occlusion, expected.occlusion, atol=1e-4)
        one = reenactor(batch.first(1))  # another source than before
        assert torch.allclose(one.picture, said.picture[:1], atol=1e-4)
    assert len((tmp_path / "tiny.sha256").read_text().splitlines()) == 2


def test_a_sources_features_are_kept_for_its_frames(net: GuidedNet, tmp_path: Path) -> None:
    save_guided(net, CARD, tmp_path / "tiny.safetensors")
    reenactor = Reenactor(tmp_path / "tiny.safetensors")
    batch, other = made_up_pairs(1), made_up_pairs(1, seed=3)
    reenactor(batch)
    moved = replace(batch, flow=other.flow, code=other.code)
    with torch.no_grad():
        assert torch.allclose(reenactor(moved).picture, net(*moved.guidance).picture.clamp(0, 1), atol=1e-5)


def test_what_is_no_network_is_said(net: GuidedNet, tmp_path: Path) -> None:
    for name in ("absent.onnx", "absent.safetensors"):
        with pytest.raises(ModelMissing):
            Reenactor(tmp_path / name)
    for name in ("text.onnx", "text.safetensors"):
        (tmp_path / name).write_text("no network")
        with pytest.raises(ModelUnreadable):
            Reenactor(tmp_path / name)
    broken = GuidedNet(TINY)
    broken.completion.head.weight.data[0] = torch.nan
    save_guided(broken, CARD, tmp_path / "nan.safetensors")
    with pytest.raises(ModelUnreadable, match="finite"):
        Reenactor(tmp_path / "nan.safetensors")
    with pytest.raises(BadInput, match="pixels"):
        export_guided(net, CARD, tmp_path, made_up_pairs(1, 32))


def _detail(images: Tensor) -> float:
    """Mean absolute difference from the mean of 3×3 pixels."""
    return float((images - F.avg_pool2d(images, 3, 1, 1, count_include_pad=False)).abs().mean())


def test_the_full_size_is_sharper_than_the_network() -> None:
    photo = torch.from_numpy(skimage.data.astronaut().copy()).permute(2, 0, 1)[None].float() / 255
    photo = F.interpolate(photo, (1024, 1024), mode="bicubic").clamp(0, 1)
    photo = (photo + 0.05 * torch.randn(photo.shape, generator=torch.Generator().manual_seed(0))).clamp(0, 1)
    small = F.interpolate(photo, (256, 256), mode="bilinear", antialias=True)
    flow = torch.zeros(1, 2, 256, 256)
    flow[:, 0] = 0.0625  # 32 pixels of 1,024
    generated = torch.zeros(1, 1, 256, 256)
    generated[:, :, 100:140, 100:140] = 1
    picture = warp(small, flow) + 0.1
    picture = torch.where(generated > 0, torch.tensor([0.2, 0.4, 0.6])[:, None, None], picture)
    said = Reenacted(picture, flow, torch.ones(1, 1, 256, 256), generated)
    whole = full_size(photo, said)
    assert whole.shape == photo.shape and whole.isfinite().all()
    enlarged = F.interpolate(picture, (1024, 1024), mode="bicubic").clamp(0, 1)
    assert _detail(whole) > 2 * _detail(enlarged)
    shifted = photo[:, :, 700:, 32:]  # far from what is generated: the photo's own pixels, lighter
    assert (whole[:, :, 700:, :-32] - (shifted + 0.1).clamp(0, 1)).abs().mean() < 0.01
    painted = whole[0, :, 440:520, 440:520].mean(dim=(1, 2))
    assert torch.allclose(painted, torch.tensor([0.2, 0.4, 0.6]), atol=0.01)
