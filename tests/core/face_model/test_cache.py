from __future__ import annotations

import struct
import zipfile
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.cache import cache_folder
from core.errors import ModelUnreadable, OutputFailed
from core.face_model import cache
from core.face_model.cache import read_cached, write_cached
from core.face_model.checks import check_model
from core.face_model.embedding_data import absent_landmarks
from tests.core.face_model.small_heads import small_model


def test_a_model_comes_back_within_a_micrometre(tmp_path: Path) -> None:
    model = small_model()
    deltas = model.expression_deltas
    wide = replace(model, expression_deltas=0.04 / np.abs(deltas).max() * deltas)  # a jaw opens 40 mm
    file = tmp_path / "deep" / "small.npz"
    write_cached(file, wide, "key")
    read = read_cached(file, "key")
    assert read is not None
    for field in fields(wide):
        before, after = getattr(wide, field.name), getattr(read, field.name)
        if field.name in ("identity_basis", "expression_deltas"):
            np.testing.assert_allclose(after, before, rtol=0, atol=1e-6)
            assert after.dtype == np.float32
        elif field.name == "masks":
            assert before.keys() == after.keys()
            np.testing.assert_array_equal(before["face"], after["face"])
        else:
            np.testing.assert_array_equal(before, after)
    assert list(file.parent.iterdir()) == [file]


def test_other_key_format_or_nothing_is_no_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "small.npz"
    assert read_cached(file, "key") is None
    write_cached(file, small_model(), "key")
    assert read_cached(file, "other") is None
    assert read_cached(file, "key") is not None
    monkeypatch.setattr(cache, "FORMAT_VERSION", cache.FORMAT_VERSION + 1)
    assert read_cached(file, "key") is None


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=30)
@given(st.data())
def test_damage_is_never_taken_for_a_model(tmp_path: Path, data: st.DataObject) -> None:
    file = tmp_path / "small.npz"
    original = small_model()
    write_cached(file, original, "key")
    content = bytearray(file.read_bytes())
    start = data.draw(st.integers(0, len(content) - 1))
    damaged = content[:start] if data.draw(st.booleans()) else content
    for at in range(start, min(start + 16, len(damaged))):
        damaged[at] ^= 0x5A
    file.write_bytes(bytes(damaged))
    read = read_cached(file, "key")
    # Bytes that a zip reader skips may be damaged harmlessly; the numbers may not.
    assert read is None or np.array_equal(read.template, original.template)


@pytest.mark.parametrize(
    "header",
    [
        "{'descr': '<f4', 'fortran_order': False, 'shape': ((5, 3), }",  # TokenError: a bracket stays open
        "{'descr': '<f4',\n  'fortran_order': False,\n 'shape': (5, 3), }\n\t1\n  2",  # IndentationError
        "{'descr': '<f4', 'fortran_order': False, 'shape': (5 3), }",
        "{'descr': '<f4', 'fortran_order': False, b'shape': (5, 3), }",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (5000000000000, 3), }",
    ],
)
def test_a_damaged_header_of_an_array_is_damage(tmp_path: Path, header: str) -> None:
    """NumPy reads headers as Python, and says in many ways that one is none."""
    file = tmp_path / "small.npz"
    write_cached(file, small_model(), "key")
    with zipfile.ZipFile(file) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    head = header.encode().ljust(117) + b"\n"
    members["template.npy"] = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head + bytes(60)
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    assert read_cached(file, "key") is None


def test_a_file_that_asks_for_pickle_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "small.npz"
    np.savez(file, header=np.array([{"format": 1}], dtype=object))
    assert read_cached(file, "key") is None


def test_a_failed_write_leaves_the_old_file_and_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "small.npz"
    write_cached(file, small_model("old"), "key")

    def full_disk(stream: object, **arrays: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez_compressed", full_disk)
    with pytest.raises(OutputFailed, match="SEMBLANCE_CACHE"):
        write_cached(file, small_model("new"), "key")
    monkeypatch.undo()
    read = read_cached(file, "key")
    assert read is not None and read.name == "old"
    assert list(tmp_path.iterdir()) == [file]


def test_folder_follows_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEMBLANCE_CACHE", str(tmp_path))
    assert cache_folder() == tmp_path
    monkeypatch.delenv("SEMBLANCE_CACHE")
    assert cache_folder().name == "semblance"


def _broken(**changes: np.ndarray) -> object:
    return pytest.param(changes, id=next(iter(changes)))


_MODEL = small_model()


@pytest.mark.parametrize(
    "changes",
    [
        _broken(template=np.full_like(_MODEL.template, np.nan)),
        _broken(polygon_vertices=_MODEL.polygon_vertices + 1),
        _broken(polygon_starts=_MODEL.polygon_starts[1:]),
        _broken(skin_weights=_MODEL.skin_weights * 0.5),
        _broken(region=_MODEL.region + 9),
        _broken(mirror=_MODEL.mirror - 1),
        _broken(landmark_triangles=_MODEL.landmark_triangles + 100_000),
    ],
)
def test_models_that_do_not_hang_together_are_named(changes: dict[str, np.ndarray]) -> None:
    with pytest.raises(ModelUnreadable, match=r"the file: "):
        check_model(replace(_MODEL, **changes), "the file")  # type: ignore[arg-type]


def test_absent_landmarks_pass() -> None:
    triangles, barycentrics = absent_landmarks()
    check_model(replace(_MODEL, landmark_triangles=triangles, landmark_barycentrics=barycentrics), "the file")
