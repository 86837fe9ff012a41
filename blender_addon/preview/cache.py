# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures by the state that they show, so that an edit needs nobody to tell which of them are stale."""

from __future__ import annotations

from collections import OrderedDict

import numpy as np

MOST_BYTES = 256 << 20


class PictureCache:
    """Keeps the pictures that were used last, within so many bytes."""

    def __init__(self, most: int = MOST_BYTES) -> None:
        self._most = most
        self._bytes = 0
        self._pictures: OrderedDict[bytes, np.ndarray] = OrderedDict()

    def __len__(self) -> int:
        return len(self._pictures)

    def get(self, key: bytes) -> np.ndarray | None:
        """The picture of a state, if there is one."""
        if key not in self._pictures:
            return None
        self._pictures.move_to_end(key)
        return self._pictures[key]

    def put(self, key: bytes, pixels: np.ndarray) -> None:
        """Keep a picture; those that were not used for longest make room."""
        old = self._pictures.pop(key, None)
        self._bytes += pixels.nbytes - (old.nbytes if old is not None else 0)
        self._pictures[key] = pixels
        while self._bytes > self._most:
            _, gone = self._pictures.popitem(last=False)
            self._bytes -= gone.nbytes
