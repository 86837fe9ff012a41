"""The track document and its file."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.arkit import ARKIT_NAMES
from core.errors import OutputFailed, TrackUnreadable
from core.track import Shot, Track, load_track, read_json, save_track, write_json
from tests.tracks import make_track


def assert_same(track: Track, other: Track, atol: float = 0.0) -> None:
    for entry in fields(Track):
        value, same = getattr(track, entry.name), getattr(other, entry.name)
        if isinstance(value, np.ndarray):
            assert value.dtype == same.dtype
            np.testing.assert_allclose(value, same, rtol=0, atol=atol)
        else:
            assert value == same, entry.name


def changed(path: Path, member: str, change: Callable[[bytes], bytes] | None) -> Path:
    """A copy of a track's file with one member changed, or left out."""
    result = path.with_name("changed.semtrack")
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(result, "w") as target:
        for name in source.namelist():
            if name != member:
                target.writestr(name, source.read(name))
            elif change is not None:
                target.writestr(name, change(source.read(name)))
    return result


def with_field(name: str, value: Any) -> Callable[[bytes], bytes]:
    return lambda content: json.dumps({**json.loads(content), name: value}).encode()


def with_array(name: str, value: np.ndarray) -> Callable[[bytes], bytes]:
    def change(content: bytes) -> bytes:
        arrays = dict(np.load(io.BytesIO(content))) | {name: value}
        buffer = io.BytesIO()
        np.savez(buffer, **arrays)
        return buffer.getvalue()

    return change


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    save_track(make_track(), tmp_path / "take.semtrack")
    return tmp_path / "take.semtrack"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25, deadline=None)
@given(
    frames=st.integers(1, 12),
    name=st.text(max_size=20).filter(lambda text: text.isprintable()),
    landmarks=st.booleans(),
    cut=st.booleans(),
    source=st.booleans(),
    seed=st.integers(0, 2**31),
)
def test_what_is_saved_is_loaded(
    tmp_path: Path, frames: int, name: str, landmarks: bool, cut: bool, source: bool, seed: int
) -> None:
    random = np.random.default_rng(seed)
    track = make_track(
        frames,
        name=name,
        times=np.cumsum(random.uniform(1e-3, 0.2, frames)),
        coefficients=random.random((frames, 52), np.float32),
        landmarks=random.random((frames, 478, 2), np.float32) if landmarks else None,
        shots=(Shot(0, 700.0), Shot(frames // 2)) if cut and frames > 1 else (Shot(0),),
        source=make_track().source if source else None,
        timecode=3600.5 if source else None,
        rig_id="rig" if source else None,
        partial=cut,
    )
    save_track(track, tmp_path / "take.semtrack")
    assert_same(load_track(tmp_path / "take.semtrack"), track)


def test_the_same_track_gives_the_same_bytes(saved: Path, tmp_path: Path) -> None:
    save_track(load_track(saved), tmp_path / "again.semtrack")
    assert (tmp_path / "again.semtrack").read_bytes() == saved.read_bytes()


def test_numpy_alone_reads_the_arrays(saved: Path) -> None:
    with zipfile.ZipFile(saved) as archive:
        arrays = np.load(io.BytesIO(archive.read("track.npz")), allow_pickle=False)
        assert json.loads(archive.read("track.json"))["fps"] == 25.0
    index = arrays["coefficient_names"].tolist().index("jawOpen")
    np.testing.assert_array_equal(arrays["coefficients"][:, index], make_track().curve("jawOpen"))


def test_coefficients_are_found_by_name(saved: Path) -> None:
    order = np.random.default_rng(0).permutation(52)
    path = changed(saved, "track.npz", with_array("coefficient_names", np.array(ARKIT_NAMES)[order]))
    path = changed(
        path.rename(path.with_name("a.semtrack")),
        "track.npz",
        with_array("coefficients", make_track().coefficients[:, order]),
    )
    np.testing.assert_array_equal(load_track(path).coefficients, make_track().coefficients)


def test_members_of_later_releases_are_ignored(saved: Path) -> None:
    with zipfile.ZipFile(saved, "a") as archive:
        archive.writestr("extra.txt", "later")
    assert_same(load_track(saved), make_track())


FRAMES = 40
DAMAGE: dict[str, tuple[str, Callable[[bytes], bytes] | None, str]] = {
    "no document": ("track.json", None, "track.json is missing"),
    "no arrays": ("track.npz", None, "track.npz is missing"),
    "not JSON": ("track.json", lambda _: b"{", "line 1"),
    "another document": ("track.json", with_field("format", "semblance-rig"), "not a Semblance track"),
    "schema of nothing": ("track.json", with_field("schema", 0), "schema is 0"),
    "no rate": ("track.json", with_field("fps", None), "fps is None"),
    "rate of zero": ("track.json", with_field("fps", 0), "fps is not positive"),
    "no shots": ("track.json", with_field("shots", []), "shots"),
    "shot after the end": ("track.json", with_field("shots", [{"first": 0}, {"first": FRAMES}]), "shots"),
    "focal below zero": ("track.json", with_field("shots", [{"first": 0, "focal": -1.0}]), "focal"),
    "span after the end": ("track.json", with_field("lost", [[0, FRAMES + 1]]), "lost"),
    "span of one number": ("track.json", with_field("lost", [[0]]), "lost"),
    "spans that overlap": ("track.json", with_field("lost", [[0, 5], [4, 6]]), "lost"),
    "times that return": ("track.npz", with_array("times", np.zeros(FRAMES)), "times do not increase"),
    "too few times": ("track.npz", with_array("times", np.arange(3.0)), "coefficients has the shape"),
    "not a number": ("track.npz", with_array("gaze", np.full((FRAMES, 2, 2), np.nan)), "finite"),
    "no rotations": ("track.npz", with_array("head_rotation", np.ones((FRAMES, 3, 3))), "no rotations"),
    "doubt": ("track.npz", with_array("confidence", np.full(FRAMES, 2.0)), "confidence"),
    "other names": ("track.npz", with_array("coefficient_names", np.arange(52).astype(str)), "ARKit names"),
    "objects": ("track.npz", with_array("times", np.array([{}], object)), "times"),
    "noise": ("track.npz", lambda _: bytes(100), "zip"),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_track_is_refused(saved: Path, damage: str) -> None:
    member, change, says = DAMAGE[damage]
    path = changed(saved, member, change)
    with pytest.raises(TrackUnreadable, match=says) as caught:
        load_track(path)
    assert str(path) in caught.value.message and caught.value.hint


def test_a_track_of_a_newer_release_is_refused(saved: Path) -> None:
    with pytest.raises(TrackUnreadable, match="newer Semblance") as caught:
        load_track(changed(saved, "track.json", with_field("schema", 2)))
    assert "Update" in caught.value.hint


@pytest.mark.parametrize("content", [b"", b"PK", b"a video, perhaps" * 100])
def test_files_that_are_no_track(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "take.semtrack").write_bytes(content)
    for path in (tmp_path / "take.semtrack", tmp_path / "missing.semtrack", tmp_path):
        with pytest.raises(TrackUnreadable):
            load_track(path)


def test_a_track_that_makes_no_sense_is_not_saved(tmp_path: Path) -> None:
    path = tmp_path / "take.semtrack"
    with pytest.raises(ValueError, match="times do not increase"):
        save_track(make_track(times=np.zeros(FRAMES)), path)
    with pytest.raises(OutputFailed):
        save_track(make_track(), tmp_path / "nowhere" / "take.semtrack")
    assert not path.exists()


def test_json_holds_the_same_track(tmp_path: Path) -> None:
    track = make_track(source=None)
    write_json(track, tmp_path / "take.json")
    assert_same(read_json(tmp_path / "take.json"), track, atol=1e-7)
    document = json.loads((tmp_path / "take.json").read_text(encoding="utf-8"))
    assert document["coefficients"]["jawOpen"][3] == pytest.approx(track.curve("jawOpen")[3], abs=1e-7)


def test_json_may_leave_coefficients_out(tmp_path: Path) -> None:
    path = tmp_path / "take.json"
    write_json(make_track(), path)
    document = json.loads(path.read_text(encoding="utf-8"))
    document["coefficients"] = {"jawOpen": [0.5] * FRAMES}
    path.write_text(json.dumps(document), encoding="utf-8")
    track = read_json(path)
    assert track.curve("jawOpen").tolist() == [0.5] * FRAMES and track.curve("mouthClose").max() == 0
    for coefficients, says in (
        ({"smile": [0.5] * FRAMES}, "smile"),
        ({"jawOpen": [0.5]}, "jawOpen has the shape"),
        ({"jawOpen": ["wide"] * FRAMES}, "not an array of numbers"),
    ):
        path.write_text(json.dumps({**document, "coefficients": coefficients}), encoding="utf-8")
        with pytest.raises(TrackUnreadable, match=says):
            read_json(path)
