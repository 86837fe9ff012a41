"""Arrays of one shape on disk, one after another: an hour of video must not fill the memory."""

from __future__ import annotations

import tempfile

import numpy as np
from numpy import ndarray
from numpy.typing import DTypeLike

from core.errors import OutputFailed


class ArrayFile:
    """A temporary file that arrays are added to; gone when it is closed.

    Args:
        what: its contents, as a message about a full disk calls them.
        shape, dtype: of each array.
    """

    def __init__(self, what: str, shape: tuple[int, ...], dtype: DTypeLike) -> None:
        self._file = tempfile.TemporaryFile(prefix="semblance-")  # noqa: SIM115 - see close
        self._what, self._shape, self._dtype = what, shape, np.dtype(dtype)
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def add(self, values: ndarray) -> None:
        """Append an array.

        Raises:
            OutputFailed: the temporary folder is full.
        """
        try:
            self._file.write(values.astype(self._dtype, copy=False).tobytes())
        except OSError as error:
            raise OutputFailed(
                f"{self._what} cannot be kept in {tempfile.gettempdir()} ({error.strerror}).",
                "Free some space there, or set TMPDIR to a folder with more.",
            ) from error
        self._count += 1

    def all(self) -> ndarray:
        """The arrays, stacked; read from disk as they are used."""
        if not self._count:
            return np.zeros((0, *self._shape), self._dtype)
        self._file.flush()
        return np.memmap(self._file, self._dtype, "r", shape=(self._count, *self._shape))

    def close(self) -> None:
        """Delete the file."""
        self._file.close()
