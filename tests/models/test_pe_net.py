"""PE-Net learns from several frames of a person."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from core.arkit import ARKIT_INDEX
from models.face_code import FaceCode
from models.pe_net import PENet, PENetWeights, pe_net_terms
from tests.models.conftest import ALBEDO, IDENTITY, Pictures
from tests.models.learning import assert_expressions_learnt, learn


def test_it_has_the_papers_sizes_with_either_backbone() -> None:
    with torch.device("meta"):
        nets = [PENet(), PENet(backbone="mobilenetv2")]
    assert [net.head.in_features for net in nets] == [2048, 1280]
    assert {net.head.out_features for net in nets} == {80 + 52 + 80 + 9 + 27}


def test_it_learns_two_people_and_finds_one_identity_for_each(pictures: Pictures) -> None:
    torch.manual_seed(0)
    net = PENet(IDENTITY, ALBEDO, "small")
    codes: list[FaceCode] = []
    names: list[set[str]] = []

    def terms(progress: float) -> dict[str, Tensor]:
        codes.append(net(pictures.observed.image, pictures.camera))
        drawn = pictures.renderer(codes[-1], pictures.camera)
        found = pe_net_terms(codes[-1], drawn, pictures.observed, pictures.person, progress)
        names.append(set(found))
        return found

    losses = learn(net, terms, steps=80)
    assert losses[-1] < 0.05 * losses[0]
    assert_expressions_learnt(codes[0].expression, codes[-1].expression, pictures.truth.expression)
    identity = codes[-1].identity.detach().unflatten(0, (2, 4))
    within = (identity - identity.mean(dim=1, keepdim=True)).square().mean()
    between = (identity[0] - identity[1]).square().mean()
    assert within < 0.1 * between
    late = ["exclusive" in found for found in names]
    assert late == [step / 80 >= 2 / 3 for step in range(80)]


def test_constraints_count_as_the_paper_weighs_them(pictures: Pictures) -> None:
    truth = pictures.truth
    identity = truth.identity.clone()
    identity[0, 0] += 4  # the mean of four frames moves by 1: differences 3, -1, -1, -1
    expression = torch.zeros_like(truth.expression)
    expression[2, [ARKIT_INDEX["jawLeft"], ARKIT_INDEX["jawRight"]]] = torch.tensor([0.5, 0.4])
    code = FaceCode(identity, expression, truth.albedo, truth.rotation, truth.translation, truth.sh)
    drawn = pictures.renderer(code, pictures.camera)
    terms = pe_net_terms(code, drawn, pictures.observed, pictures.person, 1.0)
    assert float(terms["consistent"]) == pytest.approx(1000 * 12 / identity.numel(), rel=1e-4)
    assert float(terms["exclusive"]) == pytest.approx(10 * 0.16 / 8, rel=1e-4)
    assert float(terms["sparsity"]) == pytest.approx(0.1 * 0.9 / expression.numel(), rel=1e-4)


def test_a_mirrored_picture_is_not_compared_with_the_persons_others(pictures: Pictures) -> None:
    truth = pictures.truth
    identity = truth.identity.clone()
    identity[0] *= -1
    code = replace(truth, identity=identity)
    drawn = pictures.renderer(code, pictures.camera)
    terms = [
        pe_net_terms(code, drawn, pictures.observed, pictures.person, 0.0, comparable=kept)
        for kept in (torch.ones(8, dtype=torch.bool), torch.arange(8) > 0, torch.zeros(8, dtype=torch.bool))
    ]
    assert terms[0]["consistent"] > 10
    assert terms[1]["consistent"] < 1e-3 and terms[2]["consistent"] == 0


def test_constraints_can_be_left_out(pictures: Pictures) -> None:
    drawn = pictures.renderer(pictures.truth, pictures.camera)
    none = PENetWeights(consistent=0.0, exclusive=0.0)
    terms = pe_net_terms(pictures.truth, drawn, pictures.observed, pictures.person, 1.0, none)
    assert not {"consistent", "exclusive"} & set(terms)
