"""Clips on disk, and the pairs that training draws from them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from core.errors import BadInput, DataUnreadable
from models.reenactment.batch import CODE_LENGTH
from models.reenactment.clip import is_clip, load_clip, save_clip
from models.reenactment.clip_pairs import ClipPairs
from models.reenactment.config import make_config, read_recipe
from models.reenactment.on_clips import train_on_clips
from models.reenactment.pairs import driving_code
from models.reenactment.warping import warp
from tests.core.guidance.heads import SIDE, state
from tests.models.reenactment.made_up_clips import pictured_clip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("clips")
    save_clip(pictured_clip(), place / "somebody")
    return place


def test_a_clip_comes_back_from_its_folder(folder: Path) -> None:
    clip, back = pictured_clip(), load_clip(folder / "somebody")
    assert is_clip(folder / "somebody") and not is_clip(folder)
    assert (back.pictures == clip.pictures).all() and (back.people == clip.people).all()
    assert np.abs(back.states.translation - clip.states.translation).max() == 0
    assert np.abs(back.rig.neutral - clip.rig.neutral).max() == 0
    assert np.abs(back.source(0).picture - clip.source(0).picture).max() == 0


def test_damage_and_absence_are_said(folder: Path, tmp_path: Path) -> None:
    config = make_config({**read_recipe("guided_small"), "data": [str(tmp_path)]})
    with pytest.raises(BadInput, match="no clip"):
        train_on_clips(config, tmp_path / "run")
    save_clip(pictured_clip(), tmp_path / "torn")
    file = tmp_path / "torn" / "clip.npz"
    file.write_bytes(file.read_bytes()[:2000])
    with pytest.raises(DataUnreadable, match="torn"):
        ClipPairs([tmp_path / "torn"], 2)


def test_one_clip_cannot_train_and_validate(folder: Path, tmp_path: Path) -> None:
    config = make_config({**read_recipe("guided_small"), "data": [str(folder)]})
    with pytest.raises(BadInput, match="One clip alone"):
        train_on_clips(config, tmp_path / "run")


def test_a_batch_is_a_function_of_its_number(folder: Path) -> None:
    first, second = ClipPairs([folder / "somebody"], 6), ClipPairs([folder / "somebody"], 6)
    second.batch(0)
    one, other = first.batch(3), second.batch(3)
    assert len(one) == 6 and one.side == SIDE
    for a, b in zip((one.target, *one.guidance), (other.target, *other.guidance), strict=True):
        assert torch.equal(a, b)
    assert not torch.equal(one.source, first.batch(4).source)


def test_the_flow_of_a_batch_brings_the_source_to_the_target(folder: Path) -> None:
    """In the network's units: what the picture shows of the head is the render's place, warped."""
    batch = ClipPairs([folder / "somebody"], 4, vary=False).batch(1)
    head = (batch.masks[:, :1] > 0.99) & (batch.occlusion > 0.9)
    plain = warp(batch.source, batch.flow)
    assert batch.masks.sum(dim=1).sub(1).abs().max() < 1e-5
    assert (plain * head).sum() > 0
    way = batch.code[:, 55]  # level
    shift = torch.stack([f[0][m[0]].mean() for f, m in zip(batch.flow, head, strict=True)])
    assert torch.equal(way > 0, shift < -1e-3)


def test_the_code_says_how_the_target_differs() -> None:
    code = driving_code(state(jawOpen=0.25), state(0.3, (0.1, 0, 0), jawOpen=1.0, eyeLookOutLeft=0.5))[0]
    assert code.shape == (CODE_LENGTH,)
    assert np.linalg.norm(code[52:55]) == pytest.approx(0.3, abs=1e-5)
    assert code[55:58] == pytest.approx([1, 0, 0], abs=1e-6)
    assert code[58:62] == pytest.approx([0.5, 0, 0, 0])
    assert code[:52].max() == 1 and code[62:].max() == 0.25
