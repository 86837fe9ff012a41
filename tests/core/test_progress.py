"""Work that cannot tell how far it is still reports, fails and ends as other work does."""

from __future__ import annotations

import threading
import time

import pytest

from core.errors import Cancelled
from core.progress import Progress, ProgressReport, while_working


def test_the_result_comes_back_and_the_fraction_only_grows() -> None:
    told: list[float] = []

    def work() -> str:
        time.sleep(1.3)
        return "done"

    assert while_working(work, told.append, 0.5) == "done"
    assert len(told) >= 3 and told == sorted(told)
    assert 0 < told[0] < told[-1] < 1  # beyond the expected time too


def test_an_error_of_the_work_is_raised_where_it_is_waited_for() -> None:
    def fail() -> None:
        raise ValueError("no such thing")

    with pytest.raises(ValueError, match="no such thing"):
        while_working(fail, lambda fraction: None, 1.0)


def test_a_cancelled_job_does_not_wait_for_the_work() -> None:
    go_on = threading.Event()
    reports: list[ProgressReport] = []
    progress = Progress({"bake": 10.0}, reports.append, cancelled=lambda: len(reports) > 1)
    started = time.perf_counter()
    with pytest.raises(Cancelled), progress.stage("bake"):
        while_working(lambda: go_on.wait(60), progress.update, 10.0)
    assert time.perf_counter() - started < 30
    go_on.set()
