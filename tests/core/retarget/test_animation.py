"""From tracks to a character's curves."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from core.arkit import ARKIT_NAMES, mirrored_name
from core.errors import BadInput, OutputFailed
from core.retarget.animation import Animation, retarget, save_animation
from core.retarget.recognise import recognise, recognise_meshes
from core.retarget.table import Table
from core.retarget.wrinkles import WRINKLES, wrinkle_table
from core.track import Shot
from tests.tracks import make_track, turned

MESHES = {"head": ["Basis", "jawOpen", "mouthSmile_L", "blush"], "teeth": ["jawOpen"]}
TABLES = {mesh: found.table for mesh, found in recognise_meshes(MESHES).items()}


def plain(**options: object) -> Animation:
    return retarget(make_track(), MESHES, TABLES, **{"strength": 0.0, "error": 0.0, **options})  # type: ignore[arg-type]


def test_each_mesh_gets_the_curves_of_its_keys() -> None:
    animation = plain()
    assert [(curve.mesh, curve.key) for curve in animation.curves] == [
        ("head", "jawOpen"), ("head", "mouthSmile_L"), ("teeth", "jawOpen"),
    ]  # fmt: skip
    track = make_track()
    for curve, unit in zip(animation.curves, ("jawOpen", "mouthSmileLeft", "jawOpen"), strict=True):
        redrawn = np.interp(track.times, curve.times, curve.values)
        np.testing.assert_allclose(redrawn, track.curve(unit), atol=1e-6)


def test_reduced_curves_stay_within_the_bound() -> None:
    animation, track = plain(error=0.02), make_track()
    assert animation.error == 0.02
    for curve in animation.curves:
        assert len(curve.times) < len(track.times)
    redrawn = np.interp(track.times, animation.curves[0].times, animation.curves[0].values)
    assert np.abs(redrawn - track.curve("jawOpen")).max() <= 0.02 + 1e-6


def test_a_head_that_looks_into_the_camera_is_at_rest() -> None:
    track = make_track(head_rotation=turned(np.zeros(40), np.zeros(40)))
    animation = retarget(track, {}, {})
    np.testing.assert_allclose(animation.head_rotation, np.broadcast_to(np.eye(3), (40, 3, 3)), atol=1e-6)


def test_places_count_from_the_first_frame_that_saw_the_face() -> None:
    """Right in the picture is the person's left; down in the picture is down."""
    places = np.zeros((40, 3), np.float32)
    places[:, 2] = 0.6
    places[5, :] = (0.1, 0.2, 0.5)
    confidence = np.ones(40, np.float32)
    confidence[:3] = 0
    places[:3] = 7.0
    moved = plain_of(head_translation=places, confidence=confidence).head_translation
    np.testing.assert_allclose(moved[3], 0, atol=1e-6)
    np.testing.assert_allclose(moved[5], (0.1, -0.2, 0.1), atol=1e-6)


def plain_of(**changes: object) -> Animation:
    return retarget(make_track(**changes), MESHES, TABLES, strength=0.0, error=0.0)  # type: ignore[arg-type]


def test_any_frame_can_be_the_rest_whatever_the_camera() -> None:
    """Seen by a camera from the side, the same performance is the same once a frame counts as rest."""
    track = make_track()
    side = turned(np.array([0.8]), np.array([-0.3]))[0] @ np.diag([1.0, -1.0, -1.0]).astype(np.float32)
    aside = make_track(
        head_rotation=side @ track.head_rotation,
        head_translation=track.head_translation @ side.T + np.array([0.1, 0, 2], np.float32),
    )
    first, second = (retarget(one, {}, {}, strength=0.0, rest=7) for one in (track, aside))
    np.testing.assert_allclose(first.head_rotation[7], np.eye(3), atol=1e-6)
    np.testing.assert_allclose(first.head_translation[7], 0, atol=1e-6)
    np.testing.assert_allclose(second.head_rotation, first.head_rotation, atol=1e-5)
    np.testing.assert_allclose(second.head_translation, first.head_translation, atol=1e-5)


def test_swapping_sides_mirrors_head_and_eyes() -> None:
    tables = {mesh: Table(table.channels, mirrored=True) for mesh, table in TABLES.items()}
    plainly, mirrored = plain(), retarget(make_track(), MESHES, tables, strength=0.0, error=0.0)
    forward, other = plainly.head_rotation[:, :, 2], mirrored.head_rotation[:, :, 2]
    np.testing.assert_allclose(other, forward * [-1, 1, 1], atol=1e-6)
    assert np.linalg.det(mirrored.head_rotation) == pytest.approx(np.ones(40), abs=1e-5)
    np.testing.assert_allclose(mirrored.head_translation, plainly.head_translation * [-1, 1, 1], atol=1e-6)
    np.testing.assert_allclose(mirrored.gaze[:, 0], plainly.gaze[:, 1] * [-1, 1], atol=1e-6)
    smile = next(curve for curve in mirrored.curves if curve.key == "mouthSmile_L")
    redrawn = np.interp(make_track().times, smile.times, smile.values)
    np.testing.assert_allclose(redrawn, make_track().curve("mouthSmileRight"), atol=1e-6)


def test_smoothing_calms_everything_and_respects_cuts() -> None:
    random = np.random.default_rng(0)
    jitter = random.normal(0, 0.01, (40, 52)).astype(np.float32)
    track = make_track(coefficients=0.5 + jitter, shots=(Shot(0), Shot(20)))
    calm = retarget(track, {"head": ["jawOpen"]}, {"head": recognise(["jawOpen"]).table}, error=0.0)
    rough = track.curve("jawOpen")
    smoothed = np.interp(track.times, calm.curves[0].times, calm.curves[0].values)
    assert np.std(np.diff(smoothed)) < 0.5 * np.std(np.diff(rough))


def test_options_that_make_no_sense() -> None:
    with pytest.raises(BadInput, match="no frame 40"):
        plain(rest=40)
    with pytest.raises(BadInput, match="negative"):
        plain(error=-0.1)


def test_the_file_holds_the_animation(tmp_path: Path) -> None:
    animation = plain(error=0.01)
    save_animation(animation, tmp_path / "take.npz")
    with np.load(tmp_path / "take.npz", allow_pickle=False) as arrays:
        document = json.loads(str(arrays["document"]))
        assert document["name"] == "Test take" and document["error"] == 0.01 and document["fps"] == 25
        starts = arrays["starts"]
        for index, curve in enumerate(animation.curves):
            part = slice(starts[index], starts[index + 1])
            assert (arrays["mesh"][index], arrays["key"][index]) == (curve.mesh, curve.key)
            np.testing.assert_array_equal(arrays["key_times"][part], curve.times)
            np.testing.assert_array_equal(arrays["key_values"][part], curve.values)
        np.testing.assert_array_equal(arrays["gaze"], animation.gaze)
    with pytest.raises(OutputFailed):
        save_animation(animation, tmp_path / "nowhere" / "take.npz")


def test_wrinkles_follow_what_folds_the_skin() -> None:
    track = make_track()
    made = plain(wrinkles=wrinkle_table(gain=0.5))
    assert [curve.name for curve in made.properties] == list(WRINKLES)
    by_name = {curve.name: curve for curve in made.properties}
    for side in ("Left", "Right"):
        drawn = by_name[f"wrinkle_smile_{side.lower()}"]
        expected = 0.9 * track.curve(f"mouthSmile{side}") + 0.4 * track.curve(f"mouthUpperUp{side}")
        at = np.searchsorted(track.times, drawn.times)
        np.testing.assert_allclose(drawn.values, np.clip(0.5 * expected, 0, 1)[at], atol=1e-6)
        assert side.lower() in drawn.text
    full = plain(wrinkles=wrinkle_table(gain=3.0))
    assert all(curve.values.min() >= 0 and curve.values.max() <= 1 for curve in full.properties)
    swapped = {curve.name: curve for curve in plain(wrinkles=wrinkle_table(swap=True)).properties}
    whole = {curve.name: curve for curve in plain(wrinkles=wrinkle_table()).properties}
    np.testing.assert_allclose(
        swapped["wrinkle_squint_left"].values, whole["wrinkle_squint_right"].values, atol=1e-6
    )
    assert plain().properties == ()


def test_every_region_can_be_folded_fully() -> None:
    for name, wrinkle in WRINKLES.items():
        assert set(wrinkle.weights) <= set(ARKIT_NAMES) and name.startswith("wrinkle_")
        assert sum(wrinkle.weights.values()) >= 1
        other = {mirrored_name(unit): weight for unit, weight in wrinkle.weights.items()}
        twin = name.replace("_left", "_?").replace("_right", "_left").replace("_?", "_right")
        assert WRINKLES[twin].weights == other


def test_a_take_without_any_curve_can_be_saved(tmp_path: Path) -> None:
    save_animation(retarget(make_track(), {}, {}), tmp_path / "take.npz")
    with np.load(tmp_path / "take.npz", allow_pickle=False) as arrays:
        assert len(arrays["mesh"]) == 0 and arrays["starts"].tolist() == [0]
