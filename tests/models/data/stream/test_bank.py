"""Banks: what is painted is what is read, and damage is said."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from core.arkit import ARKIT_INDEX
from core.errors import BadInput, Cancelled, DataUnreadable, OutputFailed, UnreadableMedia
from core.face_model.model import FaceModel
from core.progress import Progress
from models.data.albedo import load_albedo
from models.data.hair import HairStyle
from models.data.skin_recipe import SkinRecipe
from models.data.stream.bank import Bank, linear_pictures, read_bank
from models.data.stream.painting import BankJob, expected_seconds, make_bank
from models.data.textures import TexturePainter
from tests.models.data.stream.conftest import BACKGROUNDS, EXPRESSIONS, SKINS, paint

PARTS = ("bank.json", "anny-head.npz", "anny-skins.npz", "anny-things.npz", "scenes.npz")


def _make(job: BankJob, stop: Callable[[], bool] = lambda: False) -> None:
    make_bank(job, Progress(expected_seconds(job), cancelled=stop))


def test_a_bank_holds_what_was_asked_for(bank: Bank, anny: FaceModel) -> None:
    skins = bank.models["anny"].skins
    assert list(bank.models) == ["anny"] and bank.shared is None
    assert len(skins.textures) == len(skins.bare) == len(skins.albedo) == len(skins.styles) == SKINS
    assert len(bank.backgrounds) == BACKGROUNDS and bank.backgrounds.std() > 10
    assert bank.expressions.shape == (EXPRESSIONS, 52)
    assert bank.expressions.min() >= 0 and bank.expressions.max() <= 1
    assert 0.02 < bank.expressions.mean() < 0.3
    model = bank.models["anny"].model
    np.testing.assert_allclose(model.template, anny.template, atol=1e-7)
    np.testing.assert_allclose(model.expression_deltas, anny.expression_deltas, atol=1e-6)
    sources = " ".join(f"{key}: {value}" for key, value in bank.facts["sources"].items())
    assert "Eileen Collins" in sources and "CC0" in sources


def test_skins_are_those_that_single_pictures_have(
    bank: Bank, anny: FaceModel, painter: TexturePainter
) -> None:
    skins, rng = bank.models["anny"].skins, np.random.default_rng([5, 1, 3])
    linear, basis = linear_pictures(skins.textures), load_albedo(anny, painter)
    for number in range(SKINS):
        recipe, style = SkinRecipe.draw(rng), HairStyle.draw(rng)
        image = painter.texture(recipe, style.scalp, style.hairline).image
        off = np.abs(linear[number].permute(1, 2, 0).numpy() - image[..., :3])
        assert off.mean() < 0.006  # JPEG
        side = len(image) // skins.bare.shape[1]
        bare = image[..., 3].reshape(-1, side, skins.bare.shape[1], side).mean(axis=(1, 3)) > 0.5
        assert (bare == skins.bare[number]).mean() > 0.999
        np.testing.assert_allclose(
            skins.albedo[number], basis.encode(painter.vertex_albedo(recipe)), atol=1e-4
        )
        np.testing.assert_allclose(skins.hair[number], recipe.hair_colour, atol=1e-6)
        assert skins.styles[number, 1] == np.float32(style.hairline)
    np.testing.assert_allclose(skins.albedo_modes, basis.modes, atol=1e-3)
    assert torch.isfinite(linear).all() and float(linear.max()) <= 1


@pytest.mark.parametrize("name", PARTS)
@pytest.mark.parametrize("damage", ["missing", "short", "other"])
def test_a_part_that_cannot_be_read_is_named(
    bank_folder: Path, tmp_path: Path, name: str, damage: str
) -> None:
    folder = Path(shutil.copytree(bank_folder, tmp_path / "bank"))
    file = folder / name
    if damage == "missing":
        file.unlink()
    elif damage == "short":
        file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    elif name == "bank.json":
        file.write_text(json.dumps(json.loads(file.read_text()) | {"format": 99}))
    else:
        np.savez(file, something=np.zeros(3))
    with pytest.raises(DataUnreadable, match=name.replace(".", r"\.")) as told:
        read_bank(folder)
    assert "semblance data bank" in told.value.hint


def test_a_damaged_picture_is_said(bank_folder: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(bank_folder, tmp_path / "bank"))
    with np.load(folder / "anny-skins.npz") as stored:
        arrays = {name: stored[name] for name in stored}
    arrays["texture_bytes"][:200] = 0
    np.savez(folder / "anny-skins.npz", **arrays)
    with pytest.raises(DataUnreadable, match=r"anny-skins.npz.*a picture in it is damaged"):
        read_bank(folder)


def test_jobs_that_make_no_bank_are_said_before_anything_is_painted(
    bank_folder: Path, tmp_path: Path
) -> None:
    job = BankJob(tmp_path / "new", ("anny",), 1, 1, 10)
    for wrong, told in (
        (replace(job, models=("ict",)), "code of anny"),
        (replace(job, models=("anny", "nobody")), "anny and ict"),
        (replace(job, models=("anny", "anny")), "each once"),
        (replace(job, skins=0), "one skin"),
        (replace(job, out=bank_folder), "holds a bank already"),
    ):
        with pytest.raises(BadInput, match=told):
            _make(wrong)
    with pytest.raises(UnreadableMedia):
        _make(replace(job, take=tmp_path / "absent.csv"))
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputFailed):
        _make(replace(job, out=tmp_path / "file" / "bank"))
    assert not job.out.exists()


def test_a_stopped_job_leaves_no_bank_and_can_be_run_again(bank: Bank, tmp_path: Path) -> None:
    out = tmp_path / "bank"
    asked = iter(range(100))
    with pytest.raises(Cancelled):
        _make(BankJob(out, ("anny",), SKINS, BACKGROUNDS, EXPRESSIONS, seed=5), lambda: next(asked) >= 2)
    with pytest.raises(DataUnreadable, match=r"bank\.json"):
        read_bank(out)
    again = read_bank(paint(out, "anny"))  # the same seed, the same bank
    for name, array in vars(bank.models["anny"].skins).items():
        np.testing.assert_array_equal(getattr(again.models["anny"].skins, name), array)
    np.testing.assert_array_equal(again.expressions, bank.expressions)


def test_half_the_expressions_are_those_of_a_take(tmp_path: Path) -> None:
    take = tmp_path / "take.csv"
    rows = ["Timecode,BlendShapeCount,JawOpen,TongueOut"]
    rows += [f"{k},61,0.{5 if k < 20 else 0},0.{0 if k < 20 else 9}" for k in range(40)]
    take.write_text("\n".join(rows))
    job = BankJob(tmp_path / "bank", ("anny",), 1, 1, 400, take=take)
    _make(job)
    made = read_bank(job.out)
    assert made.facts["sources"]["half of the expressions"].endswith("take.csv")
    gaze = [ARKIT_INDEX[name] for name in ARKIT_INDEX if name.startswith("eyeLook")]
    rest = np.delete(made.expressions, gaze, axis=1).sum(axis=1)

    def alone(name: str) -> float:
        """Share of the frames that show this unit as the take has it, and only it."""
        values = made.expressions[:, ARKIT_INDEX[name]]
        return float(((values > 0.35) & (rest == values)).mean())

    assert alone("jawOpen") > 0.2 and alone("tongueOut") < 0.02  # the second half is for tests
