"""The backbones have the published layout, and load what was published."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from core.errors import BadInput, ModelMissing, ModelUnreadable
from models.backbone_weights import load_backbone_weights
from models.backbones import BACKBONES, IMAGENET_DEVIATION, IMAGENET_MEAN, Backbone, make_backbone

# SHA-256 of the sorted lines "name shape" of torchvision 0.24's state dicts with 1000 classes.
PUBLISHED = {
    "resnet50": (25_557_032, "eeb21a877a7592d7be6e7582411ee9a8144d8890f0cd3384a82ab4fa798e7b92"),
    "resnet34": (21_797_672, "31dac9343b6dc33cf9aa018bf2a000a8a80eff71028697b4aa264f9cb0bb9651"),
    "mobilenetv2": (3_504_872, "a22969510520f2a36e4104172e48ec820bc8e2e054a5fbf7ae98bd5dae123149"),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_names_shapes_and_sizes_are_the_published_ones(name: str) -> None:
    with torch.device("meta"):
        backbone = make_backbone(name, classes=1000)
    count, digest = PUBLISHED[name]
    assert sum(p.numel() for p in backbone.parameters()) == count
    listing = "".join(f"{key} {tuple(value.shape)}\n" for key, value in sorted(backbone.state_dict().items()))
    assert hashlib.sha256(listing.encode()).hexdigest() == digest


def test_a_bottleneck_strides_in_its_middle() -> None:
    state = dict(make_backbone("resnet50").named_modules())
    assert state["layer2.0.conv1"].stride == (1, 1) and state["layer2.0.conv2"].stride == (2, 2)
    assert state["layer2.0.downsample.0"].stride == (2, 2) and state["layer1.0.downsample.0"].stride == (1, 1)


@pytest.mark.parametrize("name", BACKBONES)
def test_features_of_a_picture_halve_it_five_times(name: str) -> None:
    backbone = make_backbone(name).eval()
    with torch.no_grad():
        images = torch.rand(2, 3, 64, 96)
        assert backbone.feature_map(images).shape == (2, backbone.feature_count, 2, 3)
        assert backbone(images).shape == (2, backbone.feature_count)


def test_pictures_are_normalised_as_imagenets_were() -> None:
    backbone = make_backbone("small").eval()
    mean, deviation = (torch.tensor(v)[None, :, None, None] for v in (IMAGENET_MEAN, IMAGENET_DEVIATION))
    normal = torch.randn(1, 3, 32, 32)
    expected = backbone.feature_map(normal).mean((2, 3))
    torch.testing.assert_close(backbone.pooled(normal * deviation + mean), expected, rtol=1e-4, atol=1e-5)


def test_there_is_no_other_backbone() -> None:
    with pytest.raises(BadInput, match="resnet50"):
        make_backbone("vgg19")


def _trained(name: str = "small") -> Backbone:
    backbone = make_backbone(name, classes=10)
    with torch.no_grad():
        backbone(torch.rand(4, 3, 32, 32))  # moves the running means too
    return backbone


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
@pytest.mark.parametrize("classes", [None, 10, 7])
def test_weights_load_into_a_backbone_with_or_without_classifier(
    tmp_path: Path, suffix: str, classes: int | None
) -> None:
    source, file = _trained(), tmp_path / f"weights{suffix}"
    if suffix == ".pth":
        torch.save(source.state_dict(), file)
    else:
        save_file(source.state_dict(), file)
    own = make_backbone("small", classes)
    load_backbone_weights(own, file)
    images = torch.rand(2, 3, 32, 32)
    torch.testing.assert_close(own.eval().pooled(images), source.eval().pooled(images))
    if classes == 10:
        torch.testing.assert_close(own(images), source(images))


def test_older_files_without_counters_load(tmp_path: Path) -> None:
    state = {k: v for k, v in _trained().state_dict().items() if "num_batches" not in k}
    torch.save(state, tmp_path / "old.pth")
    load_backbone_weights(make_backbone("small"), tmp_path / "old.pth")


class _Shell:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, ("touch ran",)


def test_a_file_that_asks_to_run_code_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save({"conv1.weight": _Shell()}, tmp_path / "bad.pth")
    with pytest.raises(ModelUnreadable):
        load_backbone_weights(make_backbone("small"), tmp_path / "bad.pth")
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    "kind",
    ["absent", "torn", "text", "empty", "list", "other", "renamed", "shape", "nan", "torn.safetensors"],
)
def test_what_does_not_fit_is_refused_and_changes_nothing(tmp_path: Path, kind: str) -> None:
    source = _trained()
    state: object = source.state_dict()
    assert isinstance(state, dict)
    file = tmp_path / ("w.safetensors" if kind.endswith("safetensors") else "w.pth")
    if kind == "list":
        state = [1, 2]
    elif kind == "other":
        state = make_backbone("mobilenetv2").state_dict()
    elif kind == "renamed":
        state["layer9.weight"] = state.pop("conv1.weight")
    elif kind == "shape":
        state["conv1.weight"] = state["conv1.weight"][:, :1]
    elif kind == "nan":
        state["bn1.weight"] = torch.full_like(state["bn1.weight"], torch.nan)
    if kind == "torn.safetensors":
        save_file(source.state_dict(), file)
    elif kind == "text":
        file.write_text("<html>not found</html>")
    elif kind != "absent":
        torch.save(state, file)
    if kind.startswith("torn"):
        file.write_bytes(file.read_bytes()[:3000])
    elif kind == "empty":
        file.write_bytes(b"")
    own = make_backbone("small")
    before = {key: value.clone() for key, value in own.state_dict().items()}
    with pytest.raises(ModelMissing if kind == "absent" else ModelUnreadable, match=file.stem):
        load_backbone_weights(own, file)
    assert all(torch.equal(value, before[key]) for key, value in own.state_dict().items())
