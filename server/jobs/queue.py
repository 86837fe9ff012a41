"""Hands jobs to the executor, one thread a slot, and notes what comes of them."""

from __future__ import annotations

import logging
import shutil
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from core.errors import Cancelled, OutputFailed, SemblanceError
from core.progress import ProgressReport
from server.errors import NotFound
from server.jobs.executor import Executor, WorkerLost
from server.jobs.hub import Hub
from server.jobs.task import Input, Outcome, Task
from server.metrics import Metrics
from server.rig_summary import read_summary
from server.store import FileRecord, JobRecord, Store
from server.store.jobs import INTERRUPTED, MOST_ATTEMPTS, JobEnd
from server.store.records import JobFailure, JobFrame, JobState, JobWarning, next_version

_log = logging.getLogger(__name__)
_CLEAN_UP_SECONDS: Final = 3600.0
_RETRY_SECONDS: Final = 1.0  # between attempts to note an end on a full disk


@dataclass
class _Live:
    """A running job's progress, which only the memory holds."""

    report: ProgressReport
    version: int
    cancelled: bool = False
    finishing: bool = False  # it stops early, and keeps what it has
    frame: JobFrame | None = None
    picture: bytes = b""

    def take(self, report: ProgressReport) -> None:
        self.report, self.version = report, next_version(self.version)
        if report.frame is None:
            return
        if report.frame.picture:
            self.picture = report.frame.picture
        pictures = (self.frame.picture if self.frame else 0) + bool(report.frame.picture)
        self.frame = JobFrame(report.frame.number, report.frame.count, report.frame.time, pictures)


class JobQueue:
    """The queue and those jobs that run."""

    def __init__(self, store: Store, executor: Executor, metrics: Metrics) -> None:
        self._store = store
        self._executor = executor
        self._metrics = metrics
        self.hub = Hub()
        self._live: dict[str, _Live] = {}
        self._work = threading.Condition()
        self._stopping = False
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        for slot in range(self._executor.slots):
            thread = threading.Thread(target=self._serve, name=f"slot-{slot}", daemon=True)
            thread.start()
            self._threads.append(thread)

    def stop(self) -> None:
        """Stop at once: running jobs wait again, for the next start."""
        self._stopping = True
        self.hub.close()
        self._executor.close()
        with self._work:
            self._work.notify_all()
        for thread in self._threads:
            thread.join(10.0)

    def submit(
        self, kind: str, files: Sequence[str], rig: str | None, options: Mapping[str, Any], key: str | None
    ) -> tuple[JobRecord, bool]:
        """As ``JobStore.submit``."""
        job, is_new = self._store.jobs.submit(kind, files, rig, options, key)
        with self._work:
            self._work.notify()
        return job if is_new else self._current(job), is_new

    def get(self, job_id: str) -> JobRecord:
        """As ``JobStore.get``, with the progress of this moment."""
        return self._current(self._store.jobs.get(job_id))

    def list(self, state: JobState | None, limit: int, after: str | None) -> list[JobRecord]:
        return [self._current(job) for job in self._store.jobs.list(state, limit, after)]

    def _current(self, job: JobRecord) -> JobRecord:
        live = self._live.get(job.id)
        if live is None or job.state != "running":
            return job
        report = live.report
        return replace(
            job,
            stage=report.stage,
            fraction=report.fraction,
            seconds_left=report.seconds_left if report.stage else None,  # it has not said yet
            stopping=live.finishing,
            frame=live.frame,
            version=max(job.version, live.version),
        )

    def picture(self, job_id: str) -> bytes:
        """A small JPEG of the frame that a running job works on.

        Raises:
            NotFound: there is none.
        """
        self._store.jobs.get(job_id)
        live = self._live.get(job_id)
        if live is None or not live.picture:
            raise NotFound("The job shows no frame.", "Only running jobs with a video do.")
        return live.picture

    def cancel(self, job_id: str, keep: bool = False) -> JobRecord:
        """As ``JobStore.request_cancel``; a running job ends soon after.

        With ``keep`` a running job ends as done, with what it has so far. Nothing on the disk remembers that:
        where the server dies meanwhile, the job is done again in full.
        """
        live = self._live.get(job_id)
        if keep and live and not live.cancelled:
            if not live.finishing:
                live.finishing, live.version = True, next_version(live.version)
                self.hub.changed(job_id)
            return self.get(job_id)
        job, is_news = self._store.jobs.request_cancel(job_id)
        if live := self._live.get(job_id):
            live.cancelled = True
        elif is_news and job.state == "cancelled":
            self._metrics.ended(job)
            self.hub.all_changed()
        return self._current(job)

    def _serve(self) -> None:
        cleaned = time.monotonic()
        while not self._stopping:
            try:
                job = self._store.jobs.claim()
                if job:
                    self._run(job)
                    continue
                if time.monotonic() - cleaned > _CLEAN_UP_SECONDS:
                    cleaned = time.monotonic()
                    self._store.clean_up()
            except Exception:  # a full disk, above all; the queue goes on when there is room
                _log.exception("the queue cannot go on")
                time.sleep(_RETRY_SECONDS)
            with self._work:
                self._work.wait(1.0)

    def _run(self, job: JobRecord) -> None:
        live = self._live[job.id] = _Live(ProgressReport("", 0.0, 0.0), job.version)
        # Who cancels writes first and looks for the live job then; so it is put here first, and read then.
        live.cancelled = self._store.jobs.get(job.id).cancel_requested
        _log.info("job started", extra={"job": job.id, "kind": job.kind, "attempt": job.attempt})
        self.hub.all_changed()
        folder = self._store.work / job.id
        try:
            shutil.rmtree(folder, ignore_errors=True)
            end = self._attempt(job, live)
            shutil.rmtree(folder, ignore_errors=True)  # it may be what filled the disk
            self._note(job, live, end)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            del self._live[job.id]
            self.hub.all_changed()

    def _attempt(self, job: JobRecord, live: _Live) -> JobEnd | int:
        """How the job ended; or, where it shall wait again, the number of its next attempt."""

        def listen(report: ProgressReport) -> None:
            live.take(report)
            self.hub.changed(job.id)

        try:
            outcome = self._executor.run(
                self._task(job), listen, lambda: live.cancelled, lambda: live.finishing
            )
            return self._adopt(live, outcome)
        except Cancelled:
            return _ended("cancelled", live)
        except WorkerLost:
            if self._stopping:
                return job.attempt
            self._metrics.workers_lost.inc()
            _log.warning("the worker died", extra={"job": job.id, "attempt": job.attempt})
            if live.cancelled:
                return _ended("cancelled", live)
            return job.attempt + 1 if job.attempt < MOST_ATTEMPTS else _ended("failed", live, INTERRUPTED)
        except SemblanceError as error:
            if self._stopping:  # its processes are being ended: what it says means little
                return job.attempt
            return _ended("failed", live, JobFailure(error.code, error.message, error.hint))
        except Exception as error:
            _log.exception("a job failed", extra={"job": job.id})
            message = f"Something went wrong inside Semblance ({type(error).__name__}: {error})."
            return _ended("failed", live, JobFailure("error", message, "Report it with server.log."))

    def _task(self, job: JobRecord) -> Task:
        folder = self._store.work / job.id
        try:
            folder.mkdir(mode=0o700)
        except OSError as error:
            raise OutputFailed(
                f"The server cannot write ({error.strerror}).", "Free some space on its disk."
            ) from error
        files = [self._store.files.get(file) for file in job.files]
        rig = self._store.rigs.get(job.rig) if job.rig else None
        return Task(
            id=job.id,
            kind=job.kind,
            files=tuple(Input(self._store.files.path(file.id), file.name) for file in files),
            rig=Input(self._store.files.path(rig.file.id), f"{rig.name}.semrig") if rig else None,
            options=job.options,
            folder=folder,
        )

    def _adopt(self, live: _Live, outcome: Outcome) -> JobEnd:
        """Take the outputs in. They count once :meth:`_finish` has written their rows."""
        if live.cancelled:
            raise Cancelled()
        taken: list[FileRecord] = []
        rig, rig_file = None, ""
        try:
            for output in outcome.outputs:
                if output.kind == "rig":
                    rig = read_summary(output.path)
                taken.append(
                    self._store.files.adopt(output.path, output.name, output.kind, output.media_type)
                )
                rig_file = taken[-1].id if output.kind == "rig" else rig_file
        except SemblanceError:
            self._store.files.discard(taken)
            raise
        return JobEnd(
            state="done",
            stage=live.report.stage,
            fraction=1.0,
            seconds=outcome.seconds or {},
            warnings=[JobWarning(file, message) for file, message in outcome.warnings],
            results=taken,
            rig=rig,
            rig_file=rig_file,
        )

    def _note(self, job: JobRecord, live: _Live, end: JobEnd | int) -> None:
        """Write down how the job ended. On a disk that is too full for it, results are given up for room."""
        while True:
            try:
                if isinstance(end, int):
                    self._store.jobs.requeue(job, end)
                    return
                self._store.jobs.finish(job.id, end, next_version(live.version))
                break
            except Exception as error:
                _log.exception("a job's end cannot be noted", extra={"job": job.id})
                if isinstance(end, JobEnd):
                    self._store.files.discard(list(end.results))
                    end = _ended("failed", live, _not_noted(error))
                if self._stopping:
                    return  # the next start finds the job interrupted
                time.sleep(_RETRY_SECONDS)
        ended = self._store.jobs.get(job.id)
        self._metrics.ended(ended)
        code = ended.error.code if ended.error else None
        _log.info("job ended", extra={"job": job.id, "state": ended.state, "code": code})


def _not_noted(error: Exception) -> JobFailure:
    if isinstance(error, SemblanceError):
        return JobFailure(OutputFailed.code, error.message, error.hint)
    return JobFailure("error", f"The results cannot be kept ({error}).", "Report it with server.log.")


def _ended(state: JobState, live: _Live, error: JobFailure | None = None) -> JobEnd:
    return JobEnd(state, live.report.stage, live.report.fraction, error=error)
