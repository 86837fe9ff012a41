"""What a command says while it works: a bar on a terminal, lines elsewhere, JSON for machines.

Progress and warnings go to standard error, results to standard output; with JSON everything goes to standard
output, one object a line, each with an ``event``: ``progress``, ``figures``, ``warning``, ``result`` or
``error``.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from pathlib import Path

from core.progress import Progress, ProgressReport
from server.cli.interruption import asked_to_stop

STOPPING = "Stopping; what is done so far is kept, if there is anything. Press Ctrl-C again to give it up."


class Reporter:
    """Tells the user, or a program, about jobs."""

    def __init__(self, as_json: bool) -> None:
        self.as_json = as_json
        self._out = sys.stdout

    @contextmanager
    def job(self, name: str, expected_seconds: Mapping[str, float]) -> Iterator[Progress]:
        """A job's progress, shown until the block ends.

        What libraries print meanwhile goes to standard error, where it cannot spoil the output.
        """
        with redirect_stdout(sys.stderr), self.listener(name) as listener:
            yield Progress(expected_seconds, listener, asked_to_stop)

    @contextmanager
    def listener(self, name: str) -> Iterator[Callable[[ProgressReport], None]]:
        """What shows a job's reports, wherever they come from, until the block ends."""
        if self.as_json:
            yield lambda report: self._emit_progress(name, report)
        elif sys.stderr.isatty():
            with _bar(name) as show:
                yield show
        else:
            yield _Lines(name)

    def warning(self, message: str) -> None:
        if self.as_json:
            self._emit("warning", message=message)
        else:
            print(f"warning: {message}", file=sys.stderr)

    def note(self, message: str) -> None:
        """What is worth a line for people; machines find it among the facts of the result."""
        if not self.as_json:
            print(message, file=sys.stderr, flush=True)

    def figures(self, name: str, step: int, figures: Mapping[str, float]) -> None:
        """Losses and scores of a network in training, step by step."""
        if self.as_json:
            self._emit("figures", name=name, step=step, **figures)
        else:
            parts = ", ".join(f"{key} {value:.4g}" for key, value in figures.items())
            print(f"step {step}, {name}: {parts}", file=sys.stderr, flush=True)

    def written(self, seconds: Mapping[str, float], *paths: Path | None, **facts: object) -> None:
        """Which files a job wrote, and how long it took."""
        files = [str(path) for path in paths if path]
        self.result(
            f"{', '.join(files)} ({in_words(seconds)})", written=files, seconds=dict(seconds), **facts
        )

    def result(self, text: str, **facts: object) -> None:
        """What came out: ``text`` for people, ``facts`` for machines."""
        if self.as_json:
            self._emit("result", **facts)
        else:
            print(text)

    def _emit_progress(self, job: str, report: ProgressReport) -> None:
        frame = report.frame
        at = {"frame": frame.number, "frames": frame.count, "time": round(frame.time, 3)} if frame else {}
        self._emit(
            "progress",
            job=job,
            stage=report.stage,
            fraction=round(report.fraction, 4),
            seconds_left=round(report.seconds_left, 1),
            **at,
        )

    def _emit(self, event: str, **facts: object) -> None:
        print(json.dumps({"event": event, **facts}), file=self._out, flush=True)


class _Lines:
    """A line as each stage begins."""

    def __init__(self, job: str) -> None:
        self._job, self._stage = job, ""

    def __call__(self, report: ProgressReport) -> None:
        if report.stage != self._stage:
            self._stage = report.stage
            left = f"about {max(1, round(report.seconds_left))} s left"
            print(f"{self._job}: {report.stage} ({report.fraction:.0%}, {left})", file=sys.stderr, flush=True)


@contextmanager
def _bar(name: str) -> Iterator[Callable[[ProgressReport], None]]:
    from rich.console import Console
    from rich.progress import BarColumn, SpinnerColumn, TaskProgressColumn, TextColumn
    from rich.progress import Progress as Bars

    columns = (
        SpinnerColumn(),
        TextColumn("{task.fields[job]}"),
        BarColumn(bar_width=32),
        TaskProgressColumn(),
        TextColumn("{task.fields[stage]}", style="cyan"),
        TextColumn("{task.fields[left]}", style="dim"),
    )
    with Bars(*columns, console=Console(stderr=True), transient=True) as bars:
        task = bars.add_task("", total=1.0, job=name, stage="", left="")

        def show(report: ProgressReport) -> None:
            left = f"{max(1, round(report.seconds_left))} s left" if report.fraction < 1 else ""
            at = f", frame {report.frame.number} of {report.frame.count}" if report.frame else ""
            bars.update(task, completed=report.fraction, stage=report.stage + at, left=left)

        yield show


def in_words(seconds: Mapping[str, float]) -> str:
    """Times of stages on one line, the total last."""
    parts = [f"{stage} {value:.1f} s" for stage, value in seconds.items()]
    return ", ".join([*parts, f"in all {sum(seconds.values()):.1f} s"])
