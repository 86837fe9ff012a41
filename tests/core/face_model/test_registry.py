from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.errors import BadInput, DependencyMissing, ModelMissing, ModelUnreadable, OutputFailed
from core.face_model import registry
from core.face_model.model import FaceModel
from core.face_model.pca_head import PcaHead
from core.face_model.providers import PROVIDERS, Provider
from core.face_model.registry import add_model, list_models, load_model, model_info
from core.progress import Progress, ProgressReport
from tests.core.face_model import small_heads


class _Shop:
    """Providers of small models; counts what is converted."""

    def __init__(self) -> None:
        self.converted: list[str] = []

    def provider(self, name: str, package: str = "", mapped: bool = False) -> Provider:
        def convert(path: Path | None, progress: Progress) -> FaceModel | PcaHead:
            with progress.stage("read"):
                self.converted.append(name)
                if path is not None and "model" not in path.read_text():
                    raise ModelUnreadable(f"{path} is no model.")
                model = small_heads.small_model(name)
                return PcaHead(model, model.expression_deltas[:8]) if mapped else model

        return Provider(
            name=name,
            licence="test licence",
            source="" if package else "a text file",
            stages={"read": 1.0},
            converter_version=1,
            convert=convert,
            package=package,
        )


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> _Shop:
    monkeypatch.setenv("SEMBLANCE_CACHE", str(tmp_path / "cache"))
    shop = _Shop()
    providers = (
        shop.provider("anny", package="numpy"),
        shop.provider("text"),
        shop.provider("pca", mapped=True),
    )
    monkeypatch.setattr(registry, "PROVIDERS", {provider.name: provider for provider in providers})
    return shop


@pytest.fixture
def source(tmp_path: Path) -> Path:
    file = tmp_path / "source.txt"
    file.write_text("a model")
    return file


def _outdate(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    newer = replace(registry.PROVIDERS[name], converter_version=2)
    monkeypatch.setattr(registry, "PROVIDERS", {**registry.PROVIDERS, name: newer})


def test_default_is_built_once(shop: _Shop) -> None:
    assert model_info("anny").state == "on first use"
    first = load_model()
    second = load_model("anny")
    assert shop.converted == ["anny"]
    np.testing.assert_array_equal(first.expression_deltas, second.expression_deltas)
    assert model_info("anny").state == "ready"


def test_a_damaged_or_outdated_cache_is_not_called_ready(
    shop: _Shop, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load_model()
    add_model("text", source)
    for name in ("anny", "text"):
        info = model_info(name)
        assert info.state == "ready"
        file = Path(info.cache_file)
        file.write_bytes(file.read_bytes()[:-40])
        assert model_info(name).state == "on first use"
        load_model(name)
        assert model_info(name).state == "ready"
        _outdate(monkeypatch, name)
        assert model_info(name).state == "on first use"
    source.unlink()
    assert model_info("text").state == "missing"
    assert model_info("text").added_from == str(source)


def test_a_default_whose_package_is_gone_is_missing(shop: _Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "PROVIDERS", {"anny": shop.provider("anny", package="no-such-package")})
    assert model_info("anny").state == "missing"


def test_missing_model_says_what_to_do(shop: _Shop) -> None:
    with pytest.raises(ModelMissing) as caught:
        load_model("text")
    text = str(caught.value)
    assert "semblance models add text PATH" in text and "test licence" in text and "a text file" in text


def test_added_model_loads_without_its_source(shop: _Shop, source: Path) -> None:
    info = add_model("text", source)
    assert info.state == "ready" and info.added_from == str(source) and len(info.sha256) == 64
    source.unlink()
    assert load_model("text").name == "text"
    assert shop.converted == ["text"]


def test_pca_heads_are_mapped_after_the_default(shop: _Shop, source: Path) -> None:
    add_model("pca", source)
    assert shop.converted == ["pca", "anny"]
    assert np.abs(load_model("pca").expression_deltas).max() > 1e-3


@pytest.mark.parametrize("harm", ["damage", "outdate", "remove"])
def test_unusable_cache_is_made_anew_from_the_source(
    shop: _Shop, source: Path, harm: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = Path(add_model("text", source).cache_file)
    if harm == "damage":
        file.write_bytes(file.read_bytes()[:-2000])
    elif harm == "remove":
        file.unlink()
    else:
        _outdate(monkeypatch, "text")
    assert load_model("text").name == "text"
    assert shop.converted == ["text", "text"]
    assert load_model("text").name == "text"
    assert shop.converted == ["text", "text"]


@pytest.mark.parametrize("change", ["gone", "changed"])
def test_unusable_cache_without_its_source_says_so(shop: _Shop, source: Path, change: str) -> None:
    Path(add_model("text", source).cache_file).write_bytes(b"damaged")
    if change == "gone":
        source.unlink()
    else:
        source.write_text("another model")
    with pytest.raises(ModelMissing, match=r"semblance models add text PATH"):
        load_model("text")


def test_a_refused_file_leaves_the_earlier_model(shop: _Shop, source: Path, tmp_path: Path) -> None:
    before = add_model("text", source)
    bad = tmp_path / "bad.txt"
    bad.write_text("something else")
    with pytest.raises(ModelUnreadable, match=r"bad\.txt"):
        add_model("text", bad)
    with pytest.raises(ModelMissing, match="nowhere"):
        add_model("text", tmp_path / "nowhere.txt")
    assert model_info("text") == before
    assert load_model("text").name == "text"


def test_wrong_names_and_needless_files_are_refused(shop: _Shop, source: Path) -> None:
    for call in (load_model, model_info, lambda name: add_model(name, source)):
        with pytest.raises(BadInput, match="anny"):
            call("nobody")
    with pytest.raises(BadInput, match="first use"):
        add_model("anny", source)


def test_missing_package_is_named(shop: _Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "PROVIDERS", {"anny": shop.provider("anny", package="no-such-package")})
    with pytest.raises(DependencyMissing, match="pip install no-such-package"):
        load_model()


def test_damaged_record_counts_as_missing(shop: _Shop, source: Path) -> None:
    record = Path(add_model("text", source).cache_file).with_suffix(".json")
    assert json.loads(record.read_text())["added_from"] == str(source)
    record.write_text("{")
    assert model_info("text").state == "missing"


def test_progress_hears_of_the_work(shop: _Shop) -> None:
    heard: list[ProgressReport] = []
    load_model("anny", Progress({"read": 1.0}, listener=heard.append))
    assert heard[0].stage == "read" and heard[-1].fraction == 1.0


def test_unwritable_cache_says_what_to_do(
    shop: _Shop, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("SEMBLANCE_CACHE", str(tmp_path / "file"))
    with pytest.raises(OutputFailed, match="SEMBLANCE_CACHE"):
        add_model("text", source)


def test_real_providers_say_where_they_come_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEMBLANCE_CACHE", str(tmp_path))
    infos = list_models()
    assert [info.name for info in infos] == ["anny", "ict", "gnm", "flame", "bfm"] == list(PROVIDERS)
    assert infos[0].state == "on first use" and not infos[0].source
    for info in infos[1:]:
        assert info.state == "missing" and info.licence and "https://" in info.source


@pytest.mark.parametrize("name", [name for name, provider in PROVIDERS.items() if provider.needs_files])
def test_real_providers_refuse_what_they_do_not_know(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEMBLANCE_CACHE", str(tmp_path / "cache"))
    file = tmp_path / "notes.txt"
    file.write_text("not a model")
    with pytest.raises(ModelUnreadable, match=r"notes\.txt"):
        add_model(name, file)
    with pytest.raises(ModelMissing):
        add_model(name, tmp_path / "nowhere")
    assert not (tmp_path / "cache").exists()
