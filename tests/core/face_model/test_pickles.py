from __future__ import annotations

import os
import pickle
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.errors import ModelMissing, ModelUnreadable
from core.face_model.pickles import read_number_pickle
from tests.core.face_model.small_heads import flame_arrays, write_flame_pickle


@pytest.mark.parametrize("protocol", [0, 1, 2, 3, 4])
@pytest.mark.parametrize("chumpy", [False, True])
def test_arrays_come_through(tmp_path: Path, protocol: int, chumpy: bool) -> None:
    arrays = flame_arrays()
    arrays["column_major"] = np.asfortranarray(np.arange(6.0).reshape(2, 3))
    arrays["big_endian"] = np.arange(4, dtype=">i4")
    file = tmp_path / "flame.pkl"
    write_flame_pickle(file, arrays, protocol, chumpy)
    read = read_number_pickle(file)
    assert "bs_type" not in read
    for key, value in arrays.items():
        if key != "bs_type":
            np.testing.assert_array_equal(read[key], value.toarray() if key == "J_regressor" else value)


class _Calls:
    """Pickles to a call of a function, as malicious files do."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self.call = function, arguments

    def __reduce__(self) -> Any:
        return self.call


@pytest.mark.parametrize("protocol", [0, 2, 4, 5])
@pytest.mark.parametrize("where", ["value", "array", "key"])
def test_code_is_refused_and_not_run(tmp_path: Path, protocol: int, where: str) -> None:
    proof = tmp_path / "was_run"
    evil = _Calls(os.mkdir, str(proof))
    content: Any = {"value": {"v_template": evil}, "array": [evil], "key": {1: (evil, evil)}}[where]
    file = tmp_path / "evil.pkl"
    file.write_bytes(pickle.dumps(content, protocol=protocol))
    with pytest.raises(ModelUnreadable, match=r"evil\.pkl"):
        read_number_pickle(file)
    assert not proof.exists()


@pytest.mark.parametrize(
    "content",
    [
        b"cbuiltins\neval\n(S'1'\ntR.",
        b"cnumpy\nload\n(S'x'\ntR.",
        b"cnumpy.core.multiarray\nfromfile\n(S'/etc/passwd'\ntR.",
        b"cnumpy\ndtype\n(S'O8'\ntR.",
        b"cnumpy\ndtype\n(S'V8'\ntR.",
        # state for the stand-in class itself, to change what it does
        b"cnumpy\ndtype\n}S'__init__'\nN sb.",
        b"cnumpy.core.multiarray\n_reconstruct\n}S'value'\nI1\nsb.",
        b"ccopy_reg\n_reconstructor\n(cnumpy\ndtype\nNNtR.",
        b"c_codecs\nencode\n(S'x'\nS'rot13'\ntR.",
        b"\x80\x02\x82\x01.",  # extension registry
        b"Ppersistent\n.",
        b"]q\x00h\x00a.",  # a list that holds itself
        b"N.",
        b"",
        b"v 0 0 0\n",
    ],
)
def test_strange_pickles_are_refused(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "strange.pkl"
    file.write_bytes(content)
    with pytest.raises(ModelUnreadable):
        read_number_pickle(file)


def test_array_of_objects_and_wrong_sizes_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "objects.pkl"
    file.write_bytes(pickle.dumps({"f": np.array([1, None], dtype=object)}))
    with pytest.raises(ModelUnreadable):
        read_number_pickle(file)
    honest = pickle.dumps({"f": np.arange(3, dtype=np.int64)}, protocol=2)
    file.write_bytes(honest.replace(b"K\x03\x85", b"K\x7f\x85"))  # says 127 numbers, holds 3
    assert file.read_bytes() != honest
    with pytest.raises(ModelUnreadable):
        read_number_pickle(file)


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelMissing, match="nowhere"):
        read_number_pickle(tmp_path / "nowhere.pkl")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=200)
@given(st.data())
def test_damaged_files_give_arrays_or_a_typed_error(tmp_path: Path, data: st.DataObject) -> None:
    content = bytearray(pickle.dumps({"f": np.arange(6), "x": _small_sparse()}, protocol=2))
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    file = tmp_path / "damaged.pkl"
    file.write_bytes(bytes(content[: data.draw(st.integers(1, len(content)))]))
    modules = set(sys.modules)
    try:
        read = read_number_pickle(file)
    except ModelUnreadable:
        pass
    else:
        assert all(isinstance(value, np.ndarray) and value.dtype.kind in "fiub" for value in read.values())
    assert not [name for name in set(sys.modules) - modules if not name.startswith(("numpy", "scipy"))]


def _small_sparse() -> Any:
    from scipy.sparse import csc_matrix

    return csc_matrix(np.eye(3))
