# SPDX-License-Identifier: GPL-3.0-or-later
"""Sends what a job needs, and starts it."""

from __future__ import annotations

from collections.abc import Generator, Hashable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from . import messages as say
from .backoff import Backoff
from .errors import Fault, Unreachable
from .health import address_of
from .http import call, upload

if TYPE_CHECKING:
    from .flows import Desk, Flow, Wait


def start_job(
    desk: Desk,
    person: str,
    kind: str,
    files: Sequence[Path],
    options: dict[str, object],
    key: str,
    rig: str = "",
    reuse: bool = False,
) -> Generator[Wait, None, str | None]:
    """Send what the server lacks and start a job; its id, or None after an error that was reported.

    A cut line costs only the file that was being sent. ``key``: the same never starts a second job.
    ``reuse``: a file that was sent for another job, and has not changed, is not sent again.
    """
    backoff = Backoff()
    sent: dict[Path, str] = {}
    old: list[Hashable] = []  # marks of what was sent for another job
    while True:
        try:
            for file in files:
                mark = _mark(desk, file) if reuse else None
                if file not in sent and mark in desk.sent:
                    sent[file] = desk.sent[mark]
                    old.append(mark)
                if file not in sent:
                    sent[file] = yield from _send(desk, person, file, len(sent), len(files))
                    if mark is not None:
                        desk.sent[mark] = sent[file]
            if rig:
                yield from _offer_rig(desk, rig)
            body: dict[str, object] = {"kind": kind, "options": options}
            body.update({"files": [sent[file] for file in files]} if files else {})
            body.update({"rig": rig} if rig else {})
            job = call(address_of(desk.target), "POST", "/v1/jobs", body, {"Idempotency-Key": key})
            return str(job["id"])
        except Unreachable as error:
            done = len(sent) / max(1, len(files))
            desk.progress(say.Progress(person, "send", done, note=error.message))
            yield backoff.pause()
        except Fault as error:
            if error.code == "not_found" and old:  # the server has removed it meanwhile
                for mark in old:
                    desk.sent.pop(mark, None)
                old.clear()
                sent.clear()
                continue
            desk.report(say.JobEnded(person, error.code, error.message, error.hint), None)
            return None


def _mark(desk: Desk, file: Path) -> Hashable:
    """What tells whether a file is still the one that a server was sent."""
    try:
        state = file.stat()
    except OSError:
        return None
    return desk.target, file, state.st_size, state.st_mtime_ns


def _send(desk: Desk, person: str, file: Path, before: int, count: int) -> Generator[Wait, None, str]:
    """Upload one of several files; its id."""
    try:
        size = max(1, file.stat().st_size)
    except OSError:
        size = 1  # opening it says what is wrong
    sending = upload(address_of(desk.target), file)
    while True:
        try:
            part = next(sending) / size
        except StopIteration as end:
            return str(end.value["id"])
        desk.progress(say.Progress(person, "send", (before + part) / count))
        yield 0.0


def _offer_rig(desk: Desk, rig: str) -> Flow:
    """Send a rig that the server does not know, if it lies here."""
    try:
        call(address_of(desk.target), "GET", f"/v1/rigs/{rig}")
    except Fault as error:
        path = desk.rigs / f"{safe_name(rig)}.semrig"
        if error.code != "not_found" or not path.is_file():
            raise
        sending = upload(address_of(desk.target), path)
        while True:
            try:
                next(sending)
            except StopIteration as end:
                call(address_of(desk.target), "POST", "/v1/rigs", {"file": end.value["id"]})
                return
            yield 0.0


def safe_name(name: str) -> str:
    """An id as a file's name."""
    return "".join(letter for letter in name if letter.isalnum() or letter in "-_") or "rig"
