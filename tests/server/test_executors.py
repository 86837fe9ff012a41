"""What every executor does, on this machine and on a Ray cluster."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from core.errors import Cancelled, NoFaceFound, SemblanceError
from core.progress import FrameReport, ProgressReport
from server.jobs.executor import Executor, WorkerLost
from server.jobs.executors import make_executor
from server.jobs.task import Input, Outcome, Task
from server.settings import Settings
from tests.server.conftest import Start

KINDS = ("tests.server.kinds",)


@pytest.fixture(scope="module", params=["local", "ray"])
def executor(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Executor]:
    if request.param == "ray":
        pytest.importorskip("ray", reason="Ray is not installed: pip install '.[cluster]'")
    folder = tmp_path_factory.mktemp("executor")
    made = make_executor(Settings(folder, executor=request.param, kinds=KINDS, cancel_seconds=1.0))
    made.start()
    yield made
    made.close()
    assert made.state == "stopped"
    with pytest.raises(WorkerLost):
        made.run(Task("late", "play", (), None, {}, folder), lambda report: None, lambda: False)


Play = Callable[..., Outcome]


@pytest.fixture
def play(executor: Executor, tmp_path: Path) -> Play:
    """Run one job of the kind for tests."""

    def run(
        *,
        files: tuple[Input, ...] = (),
        listener: Callable[[ProgressReport], None] = lambda report: None,
        cancelled: Callable[[], bool] = lambda: False,
        finishing: Callable[[], bool] = lambda: False,
        **options: Any,
    ) -> Outcome:
        folder = tmp_path / "made"
        folder.mkdir(exist_ok=True)
        task = Task(os.urandom(4).hex(), "play", files, None, options, folder)
        return executor.run(task, listener, cancelled, finishing)

    return run


def test_a_job_leaves_its_result_in_its_folder(play: Play, executor: Executor, tmp_path: Path) -> None:
    reports: list[ProgressReport] = []
    outcome = play(size=100_000, seconds=0.3, listener=reports.append)
    (output,) = outcome.outputs
    assert output.path.parent == tmp_path / "made" and output.path.stat().st_size == 100_000
    assert (output.name, output.kind, output.media_type) == ("Made it.bin", "other", "application/x-play")
    assert outcome.warnings == ((None, "It was only a play."),)
    assert set(outcome.seconds or {}) == {"first", "second"} == {report.stage for report in reports}
    fractions = [report.fraction for report in reports]
    assert fractions == sorted(fractions) and len(fractions) > 2
    assert executor.state == "idle"


def test_a_failure_keeps_its_code_and_the_files_own_name(play: Play, tmp_path: Path) -> None:
    (tmp_path / "0123abcd").write_bytes(b"a photo")
    with pytest.raises(NoFaceFound, match=r"no face in Anna\.jpg"):
        play(act="fail", files=(Input(tmp_path / "0123abcd", "Anna.jpg"),))
    with pytest.raises(SemblanceError, match="ZeroDivisionError"):
        play(act="break")
    assert play().outputs


@pytest.mark.parametrize("act", ["work", "stubborn"])
def test_a_job_is_cancelled_whether_it_listens_or_not(play: Play, act: str) -> None:
    asked = threading.Event()
    with pytest.raises(Cancelled):
        play(act=act, seconds=60, listener=lambda report: asked.set(), cancelled=asked.is_set)
    assert play().outputs


def test_a_worker_that_cannot_answer_for_a_while_loses_nothing(play: Play) -> None:
    reports: list[ProgressReport] = []
    assert play(act="hold", listener=reports.append).outputs
    assert {report.stage for report in reports} == {"first", "second"}


def test_a_job_ends_early_with_what_it_has(play: Play) -> None:
    asked = threading.Event()
    outcome = play(seconds=60, listener=lambda report: asked.set(), finishing=asked.is_set)
    assert outcome.outputs[0].path.name == "part"
    assert play().outputs[0].path.name == "made"


def test_frames_and_their_pictures_travel(play: Play) -> None:
    reports: list[ProgressReport] = []
    play(seconds=0.3, frames=True, listener=reports.append)
    assert FrameReport(7, 9, 0.28, b"a picture") in {report.frame for report in reports}


def test_a_job_cancelled_from_the_start_does_not_run(play: Play) -> None:
    with pytest.raises(Cancelled):
        play(seconds=60, cancelled=lambda: True)


@pytest.mark.skipif(os.name != "posix", reason="processes are killed differently on Windows")
def test_a_lost_worker_is_told_and_replaced(play: Play) -> None:
    with pytest.raises(WorkerLost):
        play(act="die")
    assert play().outputs


def test_the_server_runs_jobs_on_ray(start: Start) -> None:
    pytest.importorskip("ray", reason="Ray is not installed: pip install '.[cluster]'")
    server = start(executor="ray")
    assert server.client.health().executor == "ray"
    jobs = [server.play(size=1000), server.play(act="die"), server.play(size=2000)]
    ended = [server.until(job, lambda job: job.is_final, seconds=60) for job in jobs]
    assert [job.state for job in ended] == ["done", "failed", "done"]
    assert ended[1].error and ended[1].error.code == "worker_died" and ended[1].attempt == 2
    assert [result.size for result in ended[2].results] == [2000]


def test_closing_ends_what_runs(tmp_path: Path) -> None:
    executor = make_executor(Settings(tmp_path, kinds=KINDS))
    executor.start()
    began = threading.Event()
    ends: list[BaseException] = []

    def run() -> None:
        task = Task("1", "play", (), None, {"seconds": 60}, tmp_path)
        try:
            executor.run(task, lambda report: began.set(), lambda: False)
        except WorkerLost as error:
            ends.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    assert began.wait(20)
    executor.close()
    thread.join(10)
    assert len(ends) == 1
