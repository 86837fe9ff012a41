"""A track onto a whole character."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from core.errors import BadInput
from core.retarget.character import RetargetOptions, animate_character, map_character
from core.retarget.table import Channel, Table
from tests.tracks import make_track

MESHES = {
    "head": ["Basis", "jawOpen", "mouthSmile_L", "blush"],
    "teeth": ["jawOpen"],
    "horns": ["grow", "glow"],
}
RAW = {"smoothing": 0.0, "error": 0.0}


def values(mesh: str, key: str, **options: object) -> np.ndarray:
    track = make_track()
    animation, _ = animate_character(track, MESHES, RetargetOptions(**{**RAW, **options}))  # type: ignore[arg-type]
    (curve,) = [one for one in animation.curves if (one.mesh, one.key) == (mesh, key)]
    redrawn: np.ndarray = np.interp(track.times, curve.times, curve.values)
    return redrawn


def test_all_meshes_share_one_mapping_and_say_what_it_leaves_out() -> None:
    mapped = map_character(MESHES)
    assert set(mapped.table.channels) == {"jawOpen", "mouthSmile_L"}
    assert mapped.warnings[0] == "head: nothing drives blush."
    assert mapped.warnings[1].startswith("horns: no shape key is driven.") and len(mapped.warnings) == 2


def test_gain_is_on_top_of_the_channels_own() -> None:
    smile = make_track().curve("mouthSmileLeft")
    np.testing.assert_allclose(values("head", "mouthSmile_L", gain=0.5), 0.5 * smile, atol=1e-6)
    table = Table({"mouthSmile_L": Channel({"mouthSmileLeft": 1.0}, gain=0.5)})
    np.testing.assert_allclose(values("head", "mouthSmile_L", gain=0.5, table=table), 0.25 * smile, atol=1e-6)


def test_left_and_right_are_swapped_and_a_frame_is_made_neutral() -> None:
    track = make_track()
    swapped = values("head", "mouthSmile_L", swap=True)
    np.testing.assert_allclose(swapped, track.curve("mouthSmileRight"), atol=1e-6)
    jaw = track.curve("jawOpen")
    frame = int(np.argmin(np.abs(jaw - 0.4)))
    calmed = values("teeth", "jawOpen", neutral=frame)
    np.testing.assert_allclose(calmed, np.maximum(jaw - jaw[frame], 0) / (1 - jaw[frame]), atol=1e-5)


def test_the_take_can_be_renamed_and_frames_must_exist() -> None:
    named, _ = animate_character(make_track(), MESHES, RetargetOptions(name="Take 7"))
    assert named.name == "Take 7"
    for frame in (40, -1):
        with pytest.raises(BadInput, match="no frame"):
            animate_character(make_track(), MESHES, RetargetOptions(neutral=frame))


def test_it_loads_no_networks() -> None:
    code = (
        "import sys, core.retarget.character, server.jobs.kinds.retarget as kind; kind.KIND.warm_up();"
        "print([name for name in ('torch', 'mediapipe', 'cv2') if name in sys.modules])"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert ended.stdout.strip() == "[]", ended.stderr
