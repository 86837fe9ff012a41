from __future__ import annotations

import threading

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


def test_libraries_are_held_at_one_thread_until_the_last_holder_leaves() -> None:
    torch_before, blas_before = torch.get_num_threads(), blas_threads()
    torch.set_num_threads(2)
    try:
        inside, leave = threading.Event(), threading.Event()

        def hold() -> None:
            with one_library_thread():
                inside.set()
                leave.wait(10)

        other = threading.Thread(target=hold)
        with one_library_thread():
            other.start()
            inside.wait(10)
        assert torch.get_num_threads() == 1 and set(blas_threads()) == {1}
        leave.set()
        other.join()
        with pytest.raises(ValueError, match="work"), one_library_thread():
            raise ValueError("work")
        assert blas_threads() == blas_before
    finally:
        torch.set_num_threads(torch_before)


def test_torch_is_let_go_again() -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        with one_library_thread():
            assert torch.get_num_threads() == 1
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
