"""Arrays on disk come back as they were, and a full disk is told."""

from __future__ import annotations

import resource
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from core.capture.array_file import ArrayFile
from core.errors import OutputFailed


@pytest.fixture
def spool() -> Iterator[ArrayFile]:
    kept = ArrayFile("Pictures", (3, 2), np.float32)
    yield kept
    kept.close()


def test_arrays_come_back_in_order(spool: ArrayFile) -> None:
    assert spool.all().shape == (0, 3, 2)
    rows = np.random.default_rng(0).random((5, 3, 2), np.float32)
    for row in rows:
        spool.add(row)
    np.testing.assert_array_equal(spool.all(), rows)
    spool.add(rows[0])  # those read before stay readable
    assert len(spool) == 6
    np.testing.assert_array_equal(spool.all()[5], rows[0])


def test_a_full_disk_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    kept = ArrayFile("Pictures", (1 << 16,), np.uint8)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 17, before[1]))
    try:
        with pytest.raises(OutputFailed, match="Pictures cannot be kept"):
            for _ in range(8):
                kept.add(np.zeros(1 << 16, np.uint8))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        kept.close()
    assert not list(tmp_path.iterdir())
