"""Reads the numbers out of a pickle without running anything in it.

FLAME's files are pickles, and a pickle may name any function and have it called. Here every name resolves
to a stand-in of this module or is refused: not even NumPy's own unpickling code sees the file's data.
"""

from __future__ import annotations

import io
import pickle
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy import ndarray
from scipy.sparse import csc_array

from core.errors import ModelMissing, ModelUnreadable

FILE_LIMIT: Final = 1 << 30  # bytes; FLAME's files have about 50 MB


class _StandIn:
    """Base of all stand-ins. Each is a class whose instances alone take state, so that a pickle's BUILD
    cannot change the classes themselves."""

    def __setstate__(self, state: object) -> None:
        raise pickle.UnpicklingError("state for an object that takes none")


class _DType(_StandIn):
    """``numpy.dtype``: plain numbers only."""

    def __init__(self, code: object, *_: object) -> None:
        text = code.decode("ascii") if isinstance(code, bytes) else code
        if not isinstance(text, str) or text.lstrip("<>|=") not in (
            "f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "b1",
        ):  # fmt: skip
            raise pickle.UnpicklingError(f"arrays of {code!r}")
        self.dtype = np.dtype(text)

    def __setstate__(self, state: object) -> None:
        if not isinstance(state, tuple) or len(state) < 2 or state[1] not in ("<", ">", "|", "=", b"<", b">"):
            raise pickle.UnpicklingError("a strange number type")
        order = state[1].decode() if isinstance(state[1], bytes) else state[1]
        self.dtype = np.dtype(order + self.dtype.str[1:])


class _NdArray(_StandIn):
    """``numpy.ndarray``: named as the type that ``_reconstruct`` makes, never made itself."""


class _Array(_StandIn):
    """``numpy.core.multiarray._reconstruct``: an array whose contents follow as state."""

    def __init__(self, *_: object) -> None:
        self.value: ndarray | None = None

    def __setstate__(self, state: object) -> None:
        if not isinstance(state, tuple) or len(state) != 5:
            raise pickle.UnpicklingError("a strange array")
        _, shape, dtype, column_major, data = state
        raw = data.encode("latin1") if isinstance(data, str) else data
        if not (isinstance(dtype, _DType) and isinstance(raw, bytes) and isinstance(shape, tuple)):
            raise pickle.UnpicklingError("an array of other things than numbers")
        flat = np.frombuffer(raw, dtype.dtype)
        self.value = flat.reshape(shape, order="F" if column_major else "C")


class _Scalar(_StandIn):
    """``numpy.core.multiarray.scalar``."""

    def __init__(self, dtype: object, data: object) -> None:
        raw = data.encode("latin1") if isinstance(data, str) else data
        if not (isinstance(dtype, _DType) and isinstance(raw, bytes)):
            raise pickle.UnpicklingError("a strange number")
        self.value = np.frombuffer(raw, dtype.dtype).reshape(())


class _Sparse(_StandIn):
    """``scipy.sparse.csc_matrix``."""

    def __init__(self, *_: object) -> None:
        self.value: csc_array | None = None

    def __setstate__(self, state: object) -> None:
        if not isinstance(state, dict):
            raise pickle.UnpicklingError("a strange sparse matrix")
        data, indices, indptr = (_number_array(state.get(key)) for key in ("data", "indices", "indptr"))
        rows, columns = state["_shape"]
        matrix = csc_array((data, indices, indptr), shape=(int(rows), int(columns)))
        matrix.check_format(full_check=True)
        self.value = matrix


class _Chumpy(_StandIn):
    """``chumpy.Ch``, the array type of the first FLAME releases: only the numbers it holds."""

    def __init__(self, *_: object) -> None:
        self.value: ndarray | None = None

    def __setstate__(self, state: object) -> None:
        fields = state[0] if isinstance(state, tuple) and state and state[0] else state
        if not isinstance(fields, dict) or "x" not in fields:
            raise pickle.UnpicklingError("a chumpy expression")
        self.value = _number_array(fields["x"])


class _Object(_StandIn):
    """Python 2's ``object``, named as a base class."""


class _Reconstructor(_StandIn):
    """``copy_reg._reconstructor``: an instance of one of the stand-ins."""

    def __new__(cls, kind: object, *_: object) -> Any:
        if kind not in (_Sparse, _Chumpy):
            raise pickle.UnpicklingError("an object of an unknown kind")
        return kind()


class _Encode(_StandIn):
    """``_codecs.encode``: how Python 2 protocols carry bytes."""

    def __new__(cls, text: object, encoding: object = "latin1") -> Any:
        if not isinstance(text, str) or encoding != "latin1":
            raise pickle.UnpicklingError("a strange text")
        return text.encode("latin1")


def _number_array(value: object) -> ndarray:
    if isinstance(value, (_Array, _Chumpy)) and value.value is not None:
        return value.value
    raise pickle.UnpicklingError("something else where an array should be")


_NUMPY = ("numpy.core.multiarray", "numpy._core.multiarray")
_STAND_INS: Final[dict[tuple[str, str], type[_StandIn]]] = {
    ("numpy", "dtype"): _DType,
    ("numpy", "ndarray"): _NdArray,
    **{(module, "_reconstruct"): _Array for module in _NUMPY},
    **{(module, "scalar"): _Scalar for module in _NUMPY},
    **{(f"scipy.sparse.{module}", "csc_matrix"): _Sparse for module in ("csc", "_csc")},
    ("chumpy.ch", "Ch"): _Chumpy,
    ("copy_reg", "_reconstructor"): _Reconstructor,
    ("copyreg", "_reconstructor"): _Reconstructor,
    ("__builtin__", "object"): _Object,
    ("builtins", "object"): _Object,
    ("_codecs", "encode"): _Encode,
}


class _Reader(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _STAND_INS:
            raise pickle.UnpicklingError(f"the name {module}.{name}")
        return _STAND_INS[module, name]


def read_number_pickle(file: Path) -> dict[str, ndarray]:
    """The arrays of a pickled dictionary by name, sparse ones as dense; texts and other values are left out.

    Raises:
        ModelMissing: there is no such file.
        ModelUnreadable: it is no pickle of a dictionary, is damaged, or names anything but arrays.
    """
    try:
        if file.stat().st_size > FILE_LIMIT:
            raise ModelUnreadable(f"{file} is far larger than a face model.")
        content = file.read_bytes()
    except OSError as error:
        raise ModelMissing(f"{file} cannot be read ({error.strerror}).", "Check the path.") from error
    try:
        # Names are shipped by Python 2, whose texts are bytes: latin1 keeps them as they are.
        loaded = _Reader(io.BytesIO(content), fix_imports=False, encoding="latin1").load()
        if not isinstance(loaded, dict):
            raise pickle.UnpicklingError("no dictionary")
        return {str(name): _dense(value) for name, value in loaded.items() if _holds_numbers(value)}
    except ModelUnreadable:
        raise
    except Exception as error:  # damaged pickles fail in every way there is
        raise ModelUnreadable(
            f"{file} is damaged or is not a FLAME model: it holds {error}. Nothing in it was run.",
            "Download the file again from its official site.",
        ) from error


def _holds_numbers(value: object) -> bool:
    return isinstance(value, (_Array, _Chumpy, _Sparse)) and value.value is not None


def _dense(value: Any) -> ndarray:
    return value.value.toarray() if isinstance(value.value, csc_array) else np.array(value.value)
