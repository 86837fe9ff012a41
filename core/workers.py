"""Threads of our own, and none of the libraries'.

The jobs solve many small problems. BLAS, OpenMP, torch and OpenCV would split each of them over all cores,
and wait longer than they work; whole photos and batches of frames are worth a thread.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from typing import Final, TypeVar

import cv2
import torch
from threadpoolctl import threadpool_limits

_MOST: Final = 8  # threads; there are few photos, and batches are memory-bound

T = TypeVar("T")
R = TypeVar("R")


@contextmanager
def one_library_thread() -> Iterator[None]:
    """Hold the libraries' thread pools at one thread each; afterwards they are as they were.

    It holds for the whole process, and one thread of it may hold at a time; within each other is fine.
    """
    before = torch.get_num_threads(), cv2.getNumThreads()
    with threadpool_limits(limits=1):
        torch.set_num_threads(1)
        cv2.setNumThreads(1)
        try:
            yield
        finally:
            torch.set_num_threads(before[0])
            cv2.setNumThreads(before[1])


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
    # torch, and with it MKL and its OpenMP, counts threads for each of ours, and starts with all cores. It is
    # the one library that computes with OpenMP here; Numba and BLAS count for the whole process.
    return ThreadPoolExecutor(_count(), "worker", _one_torch_thread)


def _one_torch_thread() -> None:
    torch.get_num_threads()  # at the first question a thread takes the process's count, whatever it had set
    torch.set_num_threads(1)


if hasattr(os, "register_at_fork"):  # a child has none of its parent's threads
    os.register_at_fork(after_in_child=_pool.cache_clear)
