"""Random numbers on a device."""

from __future__ import annotations

import pytest
import torch

from models.data.stream.dice import Dice

CPU = torch.device("cpu")


def _rolled(*seeds: int) -> torch.Tensor:
    dice = Dice(CPU, *seeds)
    host = torch.from_numpy(dice.host.uniform(size=4)).float()
    return torch.cat([dice.uniform(0, 1, 4), dice.normal(1, 4), dice.below(1000, 4), host])


def test_the_same_seeds_give_the_same_numbers() -> None:
    assert torch.equal(_rolled(3, 1, 4), _rolled(3, 1, 4))
    for other in ((3, 1, 5), (3, 4, 1), (3, 1)):
        assert not (_rolled(3, 1, 4) == _rolled(*other)).any(), other


def test_numbers_are_of_the_kind_that_is_asked_for() -> None:
    dice = Dice(CPU, 7)
    flat = dice.uniform(-2, 5, 100, 200)
    assert flat.shape == (100, 200) and -2 <= float(flat.min()) < -1.99 and 4.99 < float(flat.max()) <= 5
    bell = dice.normal(3, 20_000)
    assert float(bell.mean()) == pytest.approx(0, abs=0.1) and float(bell.std()) == pytest.approx(3, rel=0.03)
    assert float(dice.happens(0.3, 20_000).float().mean()) == pytest.approx(0.3, abs=0.02)
    assert dice.happens(1.0, 1000).all() and not dice.happens(0.0, 1000).any()
    assert sorted(set(dice.below(5, 1000).tolist())) == [0, 1, 2, 3, 4]
