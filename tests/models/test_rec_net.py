"""RecNet learns faces from pictures and landmarks alone."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from models.face_code import FaceCode
from models.losses.reconstruction import Observed, ReconstructionWeights, reconstruction_terms
from models.rec_net import WEIGHTS, RecNet, rec_net_terms
from tests.models.conftest import ALBEDO, IDENTITY, SIDE, Pictures
from tests.models.learning import assert_expressions_learnt, learn


def test_it_has_the_papers_sizes() -> None:
    with torch.device("meta"):
        net = RecNet()
    assert net.backbone.feature_count == 2048
    assert net.head.out_features == 80 + 52 + 64 + 9 + 27


def test_it_learns_eight_pictures_from_themselves(pictures: Pictures) -> None:
    torch.manual_seed(0)
    net = RecNet(IDENTITY, ALBEDO, "small")
    codes: list[FaceCode] = []

    def terms(progress: float) -> dict[str, Tensor]:
        codes.append(net(pictures.observed.image, pictures.camera))
        return rec_net_terms(codes[-1], pictures.renderer(codes[-1], pictures.camera), pictures.observed)

    losses = learn(net, terms, steps=80)
    assert losses[-1] < 0.05 * losses[0]
    assert_expressions_learnt(codes[0].expression, codes[-1].expression, pictures.truth.expression)


def test_the_true_code_costs_next_to_nothing(pictures: Pictures) -> None:
    drawn = pictures.renderer(pictures.truth, pictures.camera)
    weights = replace(WEIGHTS, prior=0.0, eye_closure=1.0, lip_closure=0.5)
    terms = rec_net_terms(pictures.truth, drawn, pictures.observed, weights)
    assert set(terms) == {"photometric", "landmark", "eye_closure", "lip_closure"}
    assert float(sum(terms.values())) == pytest.approx(0, abs=1e-3)


class _Colours(nn.Module):
    """A network that tells faces by their mean colour."""

    def forward(self, crops: Tensor, landmarks: Tensor) -> Tensor:
        return crops.mean(dim=(2, 3))


def test_terms_add_up_as_weighed(pictures: Pictures) -> None:
    code = replace(pictures.truth, albedo=pictures.truth.albedo + 1)
    drawn = pictures.renderer(code, pictures.camera)
    one = ReconstructionWeights(perception=1.0, eye_closure=1.0, lip_closure=1.0)
    terms = reconstruction_terms(code, drawn, pictures.observed, one, _Colours())
    assert terms["perception"] > 1e-5 and terms["photometric"] > 1
    twice = replace(one, perception=2.0, photometric=2 * one.photometric, sparsity=0.0)
    again = reconstruction_terms(code, drawn, pictures.observed, twice, _Colours())
    assert set(terms) - set(again) == {"sparsity"}
    for name, factor in (("perception", 2), ("photometric", 2), ("prior", 1)):
        torch.testing.assert_close(again[name], factor * terms[name])


def test_pixels_are_counted_as_of_a_crop_of_224(pictures: Pictures) -> None:
    drawn = pictures.renderer(pictures.truth, pictures.camera)
    off = replace(
        pictures.observed, landmarks=pictures.observed.landmarks + SIDE / 224 * torch.tensor([3.0, 4, 9])
    )
    weights = ReconstructionWeights(photometric=0, prior=0, sparsity=0)
    terms = reconstruction_terms(pictures.truth, drawn, off, weights)
    contour = 36
    mean = (10 * (478 - contour) + contour) / 478
    assert float(terms["landmark"]) == pytest.approx(0.1 * 25 * mean, rel=1e-3)


def test_stored_pictures_become_what_is_observed() -> None:
    image = torch.zeros(1, 4, 4, 3, dtype=torch.uint8)
    image[0, 1, 2] = torch.tensor([255, 51, 0], dtype=torch.uint8)
    skin = torch.full((1, 4, 4), 255, dtype=torch.uint8)
    observed = Observed.from_bytes(image, skin, torch.zeros(1, 478, 3))
    torch.testing.assert_close(observed.image[0, :, 1, 2], torch.tensor([1.0, 0.2, 0.0]))
    assert bool((observed.skin == 1).all())
