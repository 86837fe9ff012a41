"""``semblance retarget`` and ``semblance mapping``, here and on a server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from core.track import load_track, save_track
from tests.server.cli.conftest import Run, events
from tests.server.conftest import Server, start_server
from tests.tracks import make_track

MESHES = {"Head": ["Basis", "Jaw_Open", "blush"]}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("light") / "server"
    server = start_server(folder, kinds=("server.jobs.kinds.retarget",))
    yield server
    server.stop()


@pytest.fixture(autouse=True)
def files(run: Run, tmp_path: Path) -> None:
    save_track(make_track(), tmp_path / "take.semtrack")
    (tmp_path / "keys.json").write_text(json.dumps(MESHES))


def test_the_same_curves_here_and_there(run: Run, server: Server, tmp_path: Path) -> None:
    done = run("retarget", "take.semtrack", "--keys", "keys.json", "--wrinkles")
    assert done.exit_code == 0, done.output
    assert "warning: Head: nothing drives blush." in done.stderr
    there = ("--server", server.url, "--token", server.token)
    far = run("retarget", "take.semtrack", "--keys", "keys.json", "--wrinkles", "-o", "far.npz", *there)
    assert far.exit_code == 0, far.output
    with np.load(tmp_path / "take.npz") as near, np.load(tmp_path / "far.npz") as other:
        assert near["key"].tolist() == ["Jaw_Open"]
        for name in near.files:
            np.testing.assert_array_equal(near[name], other[name])
    assert server.client.jobs() == [] and not (tmp_path / "mapping.json").exists()


def test_a_live_link_csv_is_a_track_too(run: Run, server: Server, tmp_path: Path) -> None:
    assert run("convert", "take.semtrack", "take.csv").exit_code == 0
    there = ("--server", server.url, "--token", server.token)
    for name, more in (("near", ()), ("far", there)):
        done = run("retarget", "take.csv", "--keys", "keys.json", "-o", f"{name}.npz", *more)
        assert done.exit_code == 0, done.output
    with np.load(tmp_path / "near.npz") as near, np.load(tmp_path / "far.npz") as far:
        assert len(near["key_values"])
        np.testing.assert_allclose(near["key_values"], far["key_values"], atol=1e-5)


@pytest.mark.parametrize("ending", ["csv", "json"])
def test_tracks_go_to_other_programs_and_back(ending: str, run: Run, tmp_path: Path) -> None:
    there = run("convert", "take.semtrack", f"out.{ending}", "--json")
    assert there.exit_code == 0 and events(there)[-1]["frames"] == len(make_track().times)
    assert run("convert", f"out.{ending}", "back.semtrack").exit_code == 0
    back = load_track(tmp_path / "back.semtrack")
    np.testing.assert_allclose(back.coefficients, make_track().coefficients, atol=1e-5)


def test_a_track_is_not_converted_onto_itself_or_to_nothing_known(run: Run, tmp_path: Path) -> None:
    before = (tmp_path / "take.semtrack").read_bytes()
    for out in ("take.semtrack", "take.xml"):
        assert run("convert", "take.semtrack", out, "--force").exit_code == 2
    assert (tmp_path / "take.semtrack").read_bytes() == before
    assert run("mapping", "keys.json", "-o", "keys.json", "--force").exit_code == 2
    assert json.loads((tmp_path / "keys.json").read_text()) == MESHES


def test_an_edited_mapping_is_used(run: Run, server: Server, tmp_path: Path) -> None:
    assert run("mapping", "keys.json", "-o", "map.json").exit_code == 0
    preset = json.loads((tmp_path / "map.json").read_text())
    assert json.loads(run("mapping", "keys.json").stdout) == preset
    preset["channels"]["Jaw_Open"]["high"] = 0.25
    (tmp_path / "map.json").write_text(json.dumps(preset))
    there = ("--server", server.url, "--token", server.token)
    for name, more in (("near", ()), ("far", there)):
        asked = ("--keys", "keys.json", "--preset", "map.json", "-o", f"{name}.npz", *more)
        assert run("retarget", "take.semtrack", *asked).exit_code == 0
        with np.load(tmp_path / f"{name}.npz") as arrays:
            assert arrays["key_values"].max() == pytest.approx(0.25)


@pytest.mark.parametrize(
    ("arguments", "exit_code", "code"),
    [
        (("take.semtrack", "--keys", "absent.json"), 2, "bad_input"),
        (("take.semtrack", "--keys", "take.semtrack"), 2, "bad_input"),
        (("keys.json", "--keys", "keys.json"), 16, "track_unreadable"),
        (("take.semtrack", "--keys", "keys.json", "--preset", "keys.json"), 17, "preset_unreadable"),
        (("take.semtrack", "--keys", "keys.json", "--rest", "99"), 2, "bad_input"),
        (("take.semtrack", "--keys", "keys.json", "-o", "x.csv"), 2, "bad_input"),
    ],
)
def test_what_cannot_be_done_is_said(
    run: Run, server: Server, arguments: tuple[str, ...], exit_code: int, code: str
) -> None:
    for there in ((), ("--server", server.url, "--token", server.token)):
        done = run("retarget", *arguments, "--json", *there)
        assert done.exit_code == exit_code, done.output
        assert events(done)[-1]["code"] == code
