"""Batches are a function of the step."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from models.training.config import TrainingConfig
from models.training.source import BatchSource, ShardSource, make_source, make_validation_source
from tests.models.training.conftest import small_config
from tests.small_shards import PEOPLE

CPU = torch.device("cpu")


@pytest.fixture
def config(shards: Path) -> TrainingConfig:
    return small_config(shards, "et_net", augment=True)


def _same(a: BatchSource, b: BatchSource, step: int) -> bool:
    one, other = a.batch(step), b.batch(step)
    assert one.expression is not None and other.expression is not None
    return torch.equal(one.image, other.image) and torch.equal(one.expression, other.expression)


def test_a_step_has_the_same_batch_whenever_it_is_asked_for(config: TrainingConfig) -> None:
    source, again = make_source(config, CPU), make_source(config, CPU)
    in_order = [source.batch(step).image for step in range(6)]
    for step in (5, 2, 3, 0, 4):
        assert torch.equal(again.batch(step).image, in_order[step]), step
    assert not torch.equal(in_order[0], in_order[2])  # two batches an epoch: another augmentation
    other = make_source(replace(config, seed=1), CPU)
    assert not _same(source, other, 0)


def test_processes_read_different_people(config: TrainingConfig) -> None:
    config = replace(config, people=1)
    shares = [ShardSource(config.data, config, False, rank, 2) for rank in (0, 1)]
    seen = [{int(p) for step in range(3) for p in share.batch(step).person} for share in shares]
    assert not seen[0] & seen[1] and len(seen[0] | seen[1]) == 6


def test_people_who_are_validated_on_are_not_trained_on(config: TrainingConfig, shards: Path) -> None:
    trained, kept = make_source(config, CPU), make_validation_source(config, CPU)
    people = [{int(p) for step in range(8) for p in source.batch(step).person} for source in (trained, kept)]
    assert not people[0] & people[1] and people[0] | people[1] == set(range(PEOPLE))
    assert sum(facts.people for facts in (*trained.facts, *kept.facts)) == PEOPLE
    given = replace(config, validation=(str(shards),), people=PEOPLE)
    assert {int(p) for p in make_source(given, CPU).batch(0).person} == set(range(PEOPLE))


def test_folders_come_in_turn_with_their_licences(
    config: TrainingConfig, shards: Path, tmp_path: Path
) -> None:
    other = Path(shutil.copytree(shards, tmp_path / "other"))
    both = make_source(replace(config, data=(str(shards), str(other))), CPU)
    alone = make_source(config, CPU)
    assert torch.equal(both.batch(0).image, both.batch(1).image)
    assert torch.equal(both.batch(4).image, alone.batch(2).image)
    assert [facts.name for facts in both.facts] == [shards.name, "other"]
    assert both.facts[0].sources == {"heads": "anny, CC0", "skins": "own"}


def test_identities_that_are_all_known_are_not_masked(config: TrainingConfig) -> None:
    assert make_source(config, CPU).batch(0).identity_known is None
