"""Threads of our own, and none of the libraries'.

The jobs solve many small problems. BLAS, OpenMP, torch and OpenCV would split each of them over all cores,
and wait longer than they work; whole photos and batches of frames are worth a thread.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from typing import Any, Final, TypeVar

import cv2
import torch
from threadpoolctl import threadpool_limits

_MOST: Final = 8  # threads; there are few photos, and batches are memory-bound

T = TypeVar("T")
R = TypeVar("R")

_lock = threading.Lock()
_holders = 0
_held: tuple[Any, int, int] | None = None  # the libraries' former limits, torch's and OpenCV's


@contextmanager
def one_library_thread() -> Iterator[None]:
    """Hold the libraries' thread pools at one thread each; afterwards they are as they were.

    It holds for the whole process. Where several hold it, the last one to leave lets go.
    """
    global _holders, _held
    with _lock:
        _holders += 1
        if _held is None:
            _held = threadpool_limits(limits=1), torch.get_num_threads(), cv2.getNumThreads()
            torch.set_num_threads(1)
            cv2.setNumThreads(1)
    try:
        yield
    finally:
        with _lock:
            _holders -= 1
            if not _holders:
                assert _held is not None
                cv2.setNumThreads(_held[2])
                torch.set_num_threads(_held[1])
                _held[0].restore_original_limits()
                _held = None


def map_threads(function: Callable[[T], R], items: Iterable[T]) -> list[R]:
    """``function`` of each item, in order, by as many threads as there are cores, at most eight.

    It helps where the time goes into code that lets go of Python's lock. The function must neither call this
    one nor depend on the order of its calls; then the result does not depend on the number of threads.

    Raises:
        Exception: what the function raised for the first of the items for which it did.
    """
    work = list(items)
    if len(work) < 2 or _count() < 2:
        return [function(item) for item in work]
    return list(_pool().map(function, work))


def _count() -> int:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(cores, _MOST)


@cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(_count(), "worker")


if hasattr(os, "register_at_fork"):  # a child has none of its parent's threads
    os.register_at_fork(after_in_child=_pool.cache_clear)
