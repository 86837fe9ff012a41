"""Jobs in the command's own process: the recipes that a server's worker runs."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from core.atomic import staged_output
from core.errors import OutputFailed, SemblanceError
from server.cli.interruption import asked_to_stop, ending_gently
from server.cli.reporting import STOPPING, Reporter
from server.cli.work import Done, place_of_result
from server.jobs.registry import load_kind
from server.jobs.task import Input, Outcome, Reports, Task


class WorkHere:
    """A ``Workplace``: this process. Files stay where they are.

    Args:
        folder: for what has to be converted first.
    """

    def __init__(self, reporter: Reporter, folder: Path) -> None:
        self._reporter = reporter
        self._folder = folder

    def photos(self, paths: Sequence[Path], strict: bool) -> list[Input]:
        return [_own(path) for path in paths]

    def video(self, path: Path) -> Input:
        return _own(path)

    def rig(self, path: Path) -> Input:
        return _own(path)

    def track(self, path: Path) -> Input:
        from core.track import read_track, save_track

        if path.suffix.lower() == ".semtrack":
            return _own(path)
        brought = self._folder / f"{path.stem}.semtrack"
        save_track(read_track(path), brought)
        return _own(brought)

    def mesh(self, path: Path) -> Input:
        return _own(path)

    def job(
        self,
        kind: str,
        target: Path,
        also: Mapping[str, Path | None] | None = None,
        *,
        files: Sequence[Input] = (),
        rig: Input | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> Done:
        recipe = load_kind(kind)
        with _folder_beside(target) as folder:
            task = Task(kind, kind, tuple(files), rig, recipe.own_options(options or {}), folder)
            with redirect_stdout(sys.stderr), self._reporter.listener(kind) as listener:
                outcome = recipe.run(task, Reports(listener, asked_to_stop, self._gently))
            made = _put_in_place(outcome, target, also)
        for _, message in outcome.warnings:
            self._reporter.warning(message)
        return Done(outcome.seconds or {}, made)

    @contextmanager
    def _gently(self) -> Iterator[Callable[[], bool]]:
        with ending_gently() as asked:
            yield lambda: self._told(asked)

    def _told(self, asked: Callable[[], bool]) -> bool:
        """Whether to end early; it is said when it is seen, since a signal may come amid other output."""
        if asked():
            self._reporter.warning(STOPPING)
            return True
        return False


def _own(path: Path) -> Input:
    return Input(path, path.name)


@contextmanager
def working_here(reporter: Reporter) -> Iterator[WorkHere]:
    """Work in this process."""
    with TemporaryDirectory(prefix="semblance-") as folder:
        yield WorkHere(reporter, Path(folder))


@contextmanager
def _folder_beside(target: Path) -> Iterator[Path]:
    """An empty folder on ``target``'s file system, which is gone afterwards.

    Raises:
        OutputFailed: the file system refused, there or in the block; errors name ``target``, and not the
            folder.
    """
    beside = target.absolute().parent
    try:
        with TemporaryDirectory(prefix=f".{target.name}.", suffix=".tmp", dir=beside) as name:
            inside = re.compile(re.escape(str(Path(name))) + r"[/\\][^\s:]*")
            try:
                yield Path(name)
            except SemblanceError as error:
                error.message = inside.sub(lambda found: str(target), error.message)
                raise
    except OSError as error:
        raise OutputFailed(
            f"Cannot write {target}: {error.strerror or error}.",
            "Check that the folder exists, that you may write there and that the disk has room.",
        ) from error


def _put_in_place(outcome: Outcome, target: Path, also: Mapping[str, Path | None] | None) -> Input | None:
    """Move results to their places, the first one last; the rig among them."""
    first, *others = outcome.outputs
    for output in others:
        path = place_of_result(output.name, target, also)
        if path is not None:
            _move(output.path, path)
    _move(first.path, target)
    return _own(target) if first.kind == "rig" else None


def _move(made: Path, path: Path) -> None:
    with staged_output(path) as temporary:
        shutil.move(made, temporary)
