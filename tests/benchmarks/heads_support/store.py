"""Results that are kept between runs: files in the cache folder, named by what they were made from."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable
from dataclasses import fields
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from core.cache import cache_folder, write_atomically

T = TypeVar("T")

_ROOT = Path(__file__).parents[3]
_SOURCES = (".py", ".npz", ".json", ".sha256", ".toml")


def folder(kind: str) -> Path:
    """Where things of a kind are kept; made if it is not there."""
    path = cache_folder() / "benchmarks" / "heads" / kind
    path.mkdir(parents=True, exist_ok=True)
    return path


@lru_cache
def code_key(*places: str) -> str:
    """Hash of the sources as they lie in the working tree.

    Args:
        places: files and folders, from the root of the repository; weights count by their checksums.
    """
    digest = hashlib.sha256()
    for place in places:
        found = _ROOT / place
        files = [found] if found.is_file() else sorted(f for f in found.rglob("*") if f.suffix in _SOURCES)
        if not files:
            raise FileNotFoundError(f"{found} holds no sources to make a key of.")
        for file in files:
            digest.update(str(file.relative_to(_ROOT)).encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()[:20]


def key_of(*parts: Any) -> str:
    """Hash of anything JSON can hold."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:24]


def file_hash(path: Path) -> str:
    """Hash of a file's bytes."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def kept_arrays(
    kind: str, key: str, make: Callable[[], dict[str, Any]], fresh: bool = False
) -> dict[str, Any]:
    """Named arrays of a key, made if they are not there.

    Args:
        fresh: make them anew.
    """
    file = folder(kind) / f"{key}.npz"
    if fresh or not file.is_file():
        arrays = make()
        write_atomically(file, lambda stream: np.savez_compressed(stream, **arrays))
        return arrays
    with np.load(file, allow_pickle=False) as stored:
        return {name: stored[name] for name in stored.files}


def kept_figures(kind: str, key: str, make: Callable[[], Any], fresh: bool = False) -> Any:
    """Numbers of a key as JSON holds them, made if they are not there."""
    file = folder(kind) / f"{key}.json"
    if fresh or not file.is_file():
        figures = make()
        write_atomically(file, lambda stream: stream.write(json.dumps(figures).encode()))
        return figures
    return json.loads(file.read_text())


def to_arrays(value: Any, prefix: str) -> dict[str, Any]:
    """The fields of a dataclass of arrays and numbers, without those that are None."""
    named = ((field.name, getattr(value, field.name)) for field in fields(value))
    return {f"{prefix}.{name}": np.asarray(held) for name, held in named if held is not None}


def from_arrays(kind: type[T], arrays: dict[str, Any], prefix: str) -> T | None:
    """The dataclass of :func:`to_arrays`; none where there is nothing of it."""
    given = {}
    for field in fields(kind):  # type: ignore[arg-type]
        held = arrays.get(f"{prefix}.{field.name}")
        given[field.name] = held.item() if held is not None and np.ndim(held) == 0 else held
    return None if all(held is None for held in given.values()) else kind(**given)


def joined(parts: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """All in one."""
    return {name: value for part in parts for name, value in part.items()}
