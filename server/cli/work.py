"""What a command asks of the place that does its jobs, be it this process or a server.

Commands say once what they want of a :class:`Workplace`; the job's recipe is the kind's own in both places.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

Given = Any
"""A file or rig as the workplace that took it knows it."""


@dataclass(frozen=True)
class Done:
    """A job that was done.

    Attributes:
        seconds: measured, by stage.
        rig: that it made, if it made one.
    """

    seconds: Mapping[str, float]
    rig: Given = None


class Workplace(Protocol):
    """Takes files, and does jobs on them. What it needed besides is gone when it is left."""

    def photos(self, paths: Sequence[Path], strict: bool) -> list[Given]:
        """Photos of one person; whether one that cannot be used is an error."""

    def video(self, path: Path) -> Given: ...

    def rig(self, path: Path) -> Given: ...

    def track(self, path: Path) -> Given:
        """A track in any format that is known."""

    def mesh(self, path: Path) -> Given: ...

    def job(
        self,
        kind: str,
        target: Path,
        also: Mapping[str, Path | None] | None = None,
        *,
        files: Sequence[Given] = (),
        rig: Given = None,
        options: Mapping[str, Any] | None = None,
    ) -> Done:
        """Have a job done, shown as it goes on; what it made is put in place, and its warnings are told.

        Where the kind keeps what it has, the first Ctrl-C ends the job with that.

        Args:
            kind: its name.
            target: takes the first result; others go beside it under their own names.
            also: paths for results of these names or endings instead; none for those that nobody wants.

        Raises:
            SemblanceError: it failed.
            Cancelled, KeyboardInterrupt: it was stopped; nothing was written.
        """


def place_of_result(name: str, target: Path, also: Mapping[str, Path | None] | None) -> Path | None:
    """Where a result goes that is not the first; none where nobody wants it."""
    named = also or {}
    for key in (name, Path(name).suffix):
        if key in named:
            return named[key]
    return target.parent / name
