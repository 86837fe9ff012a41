"""Picture sheets: what they show, and of which rigs they can be drawn."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.arkit import ARKIT_NAMES
from core.errors import Cancelled, OutputFailed
from core.progress import Progress
from core.rig import Rig, load_rig
from core.sheet import EXPECTED_SECONDS, make_sheet, save_sheet
from core.sheet.sheet import EXPRESSIONS
from core.sheet.views import Framing, Views
from tests.rigs import make_rig

FRONT = Framing((0.0, -0.04, 0.0), 0.3)
SIZE = (160, 160)


def test_a_sheet_shows_eight_expressions_of_known_names() -> None:
    assert len(EXPRESSIONS) == 8
    assert all(set(expression) <= set(ARKIT_NAMES) for _, expression in EXPRESSIONS)


def test_the_sheet_of_a_file_is_the_sheet_of_the_rig(portrait_rig: Rig, portrait_rig_file: Path) -> None:
    sheet = make_sheet(portrait_rig)
    assert sheet.shape[1] == 1680 and sheet.std() > 30
    np.testing.assert_array_equal(sheet, make_sheet(load_rig(portrait_rig_file)))


def test_many_photos_share_a_row(portrait_rig: Rig) -> None:
    many = replace(
        portrait_rig,
        photos=portrait_rig.photos * 12,
        provenance={**portrait_rig.provenance, "photos": portrait_rig.provenance["photos"] * 12},
    )
    assert make_sheet(many).shape[1] == 1680


def test_a_rig_that_remembers_no_photo_has_a_sheet_all_the_same() -> None:
    assert make_sheet(make_rig()).shape[1] == 1680
    assert make_sheet(make_rig(photos=(), previews={})).shape[1] == 1680


@pytest.mark.parametrize(
    "change",
    [
        {"preview": "absent.png"},
        {"left": "far"},
        {"scale": 0},
        {"landmarks": [[1, 2]]},
        {"landmarks": [[1], 2]},
    ],
)
def test_a_photo_whose_place_is_damaged_is_left_out(portrait_rig: Rig, change: dict[str, object]) -> None:
    origin = {**portrait_rig.provenance["photos"][0], **change}
    assert Views(replace(portrait_rig, provenance={"photos": [origin]})).photos == []
    assert Views(replace(portrait_rig, provenance={"photos": "many"})).photos == []


def test_the_head_painted_over_the_photo_looks_like_the_photo(portrait_rig: Rig) -> None:
    views = Views(portrait_rig)
    photo, painted = (draw(0, SIZE).astype(float) for draw in (views.photo, views.head_over_photo))
    face = np.s_[70:110, 60:100]  # nose and cheeks
    difference = np.abs(photo[face].mean((0, 1)) - painted[face].mean((0, 1)))
    assert difference.max() < 25
    assert np.abs(photo[:6] - painted[:6]).max() == 0  # above the head, here hair alone, nothing is touched


def test_expressions_move_the_face_and_turns_the_head(portrait_rig: Rig) -> None:
    views = Views(portrait_rig)
    still = views.textured(FRONT, SIZE).astype(float)
    opened = views.textured(FRONT, SIZE, {"jawOpen": 1.0}).astype(float)
    changed = np.abs(still - opened).sum(-1) > 30
    rows = np.flatnonzero(changed.any(axis=1))
    assert changed.sum() > 100 and rows.min() > 50
    turned = views.clay(replace(FRONT, yaw=0.9), SIZE).astype(float)
    assert np.abs(turned - views.clay(FRONT, SIZE)).mean() > 5


def test_lashes_are_seen_through() -> None:
    """The lash material of this rig covers its patch by 70 %: what lies behind shines through."""
    rig = make_rig()
    plain = replace(rig, materials=tuple(replace(material, alpha=1.0) for material in rig.materials))
    near = Framing((0.032, 0.008, 0.012), 0.03)
    assert np.abs(Views(rig).textured(near, SIZE).astype(int) - Views(plain).textured(near, SIZE)).max() > 10


def test_sheets_stop_when_asked_and_appear_whole(portrait_rig: Rig, tmp_path: Path) -> None:
    progress = Progress(EXPECTED_SECONDS, cancelled=lambda: True)
    with pytest.raises(Cancelled):
        save_sheet(portrait_rig, tmp_path / "sheet.png", progress)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(OutputFailed, match="absent"):
        save_sheet(make_rig(photos=()), tmp_path / "absent" / "sheet.png")
    save_sheet(make_rig(photos=()), tmp_path / "sheet.png")
    with Image.open(tmp_path / "sheet.png") as image:
        assert image.format == "PNG"
