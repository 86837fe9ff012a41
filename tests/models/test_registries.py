"""All registries keep one protocol."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.errors import BadInput, ModelMissing
from core.progress import Progress
from models.prior import prior, registry
from models.registries import REGISTRIES, registry_of


def test_every_model_says_its_facts_by_the_same_labels(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEMBLANCE_CACHE", str(tmp_path))
    names = [name for one in REGISTRIES for name in one.names]
    assert len(set(names)) == len(names) > 8
    for name in names:
        found = registry_of(name).info(name)
        facts = found.facts()
        assert found.name == facts["model"] == name and facts["state"] == found.state
        assert found.licence and found.cache_file in facts.values()


def test_a_name_of_none_is_refused_with_all_that_there_are() -> None:
    with pytest.raises(BadInput) as raised:
        registry_of("nobody")
    assert all(name in str(raised.value.hint) for name in ("anny", "rec_net", "sface", "landmark_prior"))


@pytest.mark.parametrize("name", ["ict", "rec_net", "sface"])
def test_what_is_not_there_cannot_be_added(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("SEMBLANCE_CACHE", str(tmp_path))
    own = registry_of(name)
    with pytest.raises(ModelMissing):
        own.add(name, tmp_path / "absent", Progress(own.stages(name)))


def test_the_landmark_prior_ships_and_is_seen_when_damaged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = registry_of("landmark_prior")
    assert own.info("landmark_prior").state == "shipped"
    with pytest.raises(BadInput, match="comes with Semblance"):
        own.add("landmark_prior", tmp_path, Progress({}))
    file = tmp_path / "landmark_prior.onnx"
    for module in (prior, registry):
        monkeypatch.setattr(module, "SHIPPED", file)
    assert own.info("landmark_prior").state == "missing"
    file.write_bytes(b"gone bad")
    damaged = own.info("landmark_prior")
    assert damaged.state == "damaged" and "no ONNX network" in damaged.facts()["problem"]
