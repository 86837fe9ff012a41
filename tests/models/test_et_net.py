"""ETNet learns expressions from pairs; RecAugNet uses what it learnt."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from models.et_net import ETNet, RecAugNet
from models.losses.activation import activation_loss
from models.losses.supervised import SupervisedWeights, expression_terms
from models.rec_net import RecNet, rec_net_terms
from tests.models.conftest import ALBEDO, IDENTITY, Pictures
from tests.models.learning import expression_errors, learn


def test_it_has_the_papers_backbone() -> None:
    with torch.device("meta"):
        net = ETNet()
    assert net.backbone.feature_count == 512 and net.head.out_features == 52


@pytest.fixture(scope="module")
def trained(pictures: Pictures) -> tuple[ETNet, list[float], Tensor]:
    """The network, its losses, and what it said before."""
    torch.manual_seed(0)
    net = ETNet("small")
    before = net(pictures.observed.image).detach()

    def terms(progress: float) -> dict[str, Tensor]:
        said = net(pictures.observed.image)
        return {"activation": activation_loss(said, pictures.truth.expression)}

    losses = learn(net, terms, steps=60)
    return net.eval(), losses, before


def test_it_learns_eight_pictures(pictures: Pictures, trained: tuple[ETNet, list[float], Tensor]) -> None:
    net, losses, before = trained
    assert losses[-1] < 0.1 * losses[0]
    truth = pictures.truth.expression
    with torch.no_grad():
        after = net(pictures.observed.image)
    (active, idle), (active_after, idle_after) = (expression_errors(said, truth) for said in (before, after))
    assert active_after < 0.5 * active and idle_after < 0.5 * idle


def test_it_learns_how_far_off_it_is(pictures: Pictures) -> None:
    torch.manual_seed(0)
    net = ETNet("small", spread=True)
    truth = pictures.truth.expression
    weights = SupervisedWeights(activation=1.0, spread=0.3)

    def terms(progress: float) -> dict[str, Tensor]:
        said, doubt = net.read(pictures.observed.image)
        return expression_terms(said, doubt, truth, weights)

    first = net.read(pictures.observed.image)[1]
    losses = learn(net, terms, steps=60)
    net.eval()
    with torch.no_grad():
        said, doubt = net.read(pictures.observed.image)
        assert torch.equal(net(pictures.observed.image), said)
    assert first is not None and doubt is not None and doubt.shape == truth.shape
    assert losses[-1] < losses[0] and float(doubt.mean()) < float(first.mean())
    error = (said - truth).abs()
    large, small = error > error.quantile(0.9), error < error.quantile(0.5)
    assert float(doubt[large].mean()) > 1.5 * float(doubt[small].mean())
    assert ETNet("small").read(pictures.observed.image)[1] is None


def test_recnet_learns_the_rest_with_its_expressions(
    pictures: Pictures, trained: tuple[ETNet, list[float], Tensor]
) -> None:
    torch.manual_seed(0)
    kept = {name: value.clone() for name, value in trained[0].state_dict().items()}
    net = RecAugNet(RecNet(IDENTITY, ALBEDO, "small"), trained[0])

    def terms(progress: float) -> dict[str, Tensor]:
        code = net(pictures.observed.image, pictures.camera)
        return rec_net_terms(code, pictures.renderer(code, pictures.camera), pictures.observed)

    losses = learn(net, terms, steps=15)
    assert losses[-1] < 0.5 * losses[0]
    net.eval()
    with torch.no_grad():
        said = net(pictures.observed.image, pictures.camera).expression
        torch.testing.assert_close(said, trained[0](pictures.observed.image))
    after = net.et_net.state_dict()
    assert all(torch.equal(after[name], value) for name, value in kept.items())
