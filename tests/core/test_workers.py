from __future__ import annotations

import subprocess
import sys

import cv2
import pytest
import torch
from threadpoolctl import threadpool_info

from core.workers import map_threads, one_library_thread


def test_results_come_in_order_and_the_first_error_is_raised() -> None:
    assert map_threads(lambda item: item * item, range(20)) == [item * item for item in range(20)]
    assert map_threads(str, []) == []

    def fail(item: int) -> int:
        if item in (3, 7):
            raise ValueError(f"item {item}")
        return item

    with pytest.raises(ValueError, match="item 3"):
        map_threads(fail, range(10))


def blas_threads() -> list[int]:
    return [library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"]


def test_libraries_are_held_at_one_thread_and_let_go_again() -> None:
    before, blas_before = (torch.get_num_threads(), cv2.getNumThreads()), blas_threads()
    torch.set_num_threads(2)
    cv2.setNumThreads(2)
    try:
        with one_library_thread():
            with pytest.raises(ValueError, match="work"), one_library_thread():
                raise ValueError("work")
            assert (torch.get_num_threads(), cv2.getNumThreads()) == (1, 1) and set(blas_threads()) == {1}
        assert (torch.get_num_threads(), cv2.getNumThreads()) == (2, 2) and blas_threads() == blas_before
    finally:
        torch.set_num_threads(before[0])
        cv2.setNumThreads(before[1])


def test_torch_splits_no_work_in_threads_of_ours() -> None:
    """Else sums, and with them results, would depend on the number of cores.

    Torch is what computes with OpenMP in them. Other runtimes that dependencies bring (MediaPipe's
    sentencepiece, for one) begin with all cores in each new thread, and nobody has them work there.
    """
    code = (
        "import torch; from core.workers import map_threads, one_library_thread\n"
        "torch.set_num_threads(3); print(torch.get_num_threads())\n"  # as on a machine of three cores
        "with one_library_thread(): print(*map_threads(lambda _: torch.get_num_threads(), range(8)))\n"
        "print(*map_threads(lambda _: torch.get_num_threads(), range(8)), torch.get_num_threads())"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert ended.stdout.split("\n")[:3] == ["3", " ".join("1" * 8), " ".join("1" * 8) + " 3"], ended.stderr
