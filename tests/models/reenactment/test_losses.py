"""Losses on cases known by hand, and features on files that are whole, damaged or absent."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from core.errors import DependencyMissing, ModelMissing, ModelUnreadable
from models.losses.features import PerceptualFeatures, VGG19Features, gram, load_features, perceptual_loss
from models.reenactment.guided_net import Reenacted
from models.reenactment.losses import LossWeights, loss_terms, picture_figures, pixel_error
from tests.models.reenactment.pairs import made_up_pairs


class Plain(PerceptualFeatures):
    """The picture itself."""

    def __init__(self) -> None:
        super().__init__((0.0,) * 3, (1.0,) * 3)

    def maps(self, normalised: Tensor) -> list[Tensor]:
        return [normalised]


def test_gram_of_a_known_map() -> None:
    maps = torch.tensor([[[[1.0, 2.0]], [[3.0, 4.0]]]])  # two channels of two pixels
    assert torch.allclose(gram(maps), torch.tensor([[[5.0, 11.0], [11.0, 25.0]]]) / 4)


def test_reconstruction_is_summed_over_scales_and_style_is_of_one() -> None:
    images, truth = torch.full((1, 3, 8, 8), 0.75), torch.full((1, 3, 8, 8), 0.25)
    content, style = perceptual_loss(Plain(), images, truth, 3)
    assert float(content) == pytest.approx(3 * 0.5)
    assert float(style) == pytest.approx((0.75**2 - 0.25**2) / 3)


def test_pixels_are_weighed() -> None:
    images = torch.zeros(1, 3, 2, 2)
    truth = torch.tensor([1.0, 0.5]).expand(1, 3, 2, 2)
    assert float(pixel_error(images, truth)) == pytest.approx(0.75)
    assert float(pixel_error(images, truth, torch.tensor([[[[3.0, 1.0], [3.0, 1.0]]]]))) == pytest.approx(
        3.5 / 4
    )


def test_figures_of_a_known_error() -> None:
    found = picture_figures(torch.full((2, 3, 4, 4), 0.6), torch.full((2, 3, 4, 4), 0.5))
    assert found["l1"] == pytest.approx(0.1) and found["psnr"] == pytest.approx(20, abs=1e-3)


def test_terms_are_those_that_weigh_something() -> None:
    batch = made_up_pairs(1)
    said = Reenacted(batch.target, batch.flow, batch.occlusion, batch.occlusion)
    weights = LossWeights(content=1, style=250, pixels=1, warped=1, generated=2)
    terms = loss_terms(said, batch, Plain(), weights, 2)
    assert {name: round(float(terms[name]), 6) for name in ("content", "style", "pixels")} == {
        "content": 0, "style": 0, "pixels": 0,
    }  # fmt: skip
    assert float(terms["generated"]) == pytest.approx(2 * float(batch.occlusion.mean()))
    assert float(terms["warped"]) > 0
    assert loss_terms(said, batch, None, LossWeights(0, 0), 2) == {}


def test_features_of_a_users_vgg(tmp_path: Path) -> None:
    own = VGG19Features()
    file = tmp_path / "vgg19.safetensors"
    save_file({**own.state_dict(), "classifier.0.weight": torch.zeros(2, 2)}, file)
    features = load_features(file)
    picture = torch.rand(1, 3, 32, 32)
    maps = features(picture)
    assert [tuple(found.shape[1:]) for found in maps] == [
        (64, 32, 32), (128, 16, 16), (256, 8, 8), (512, 4, 4), (512, 2, 2),
    ]  # fmt: skip
    assert all(torch.equal(a, b) for a, b in zip(maps, own.eval()(picture), strict=True))
    assert not any(value.requires_grad for value in features.parameters())
    save_file({"features.0.weight": torch.zeros(64, 3, 3, 3)}, file)
    with pytest.raises(ModelUnreadable, match="another network"):
        load_features(file)
    with pytest.raises(ModelMissing):
        load_features(tmp_path / "absent.pth")


def test_features_of_lite0_tell_pictures_apart() -> None:
    features = load_features()
    features.train()  # keeps ImageNet's means all the same
    picture = made_up_pairs(1).source
    maps = features(picture)
    assert [found.shape[2] for found in maps] == [32, 16, 8, 4, 4]
    assert all(torch.equal(a, b) for a, b in zip(maps, features(picture), strict=True))
    near, far = (
        float(perceptual_loss(features, other, picture, 2)[0])
        for other in (picture + 0.01, made_up_pairs(1, seed=5).source)
    )
    assert near < 0.2 * far


def test_without_weights_it_is_said_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(DependencyMissing, match="VGG-19"):
        load_features()
