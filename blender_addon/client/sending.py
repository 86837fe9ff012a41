# SPDX-License-Identifier: GPL-3.0-or-later
"""Sends what a job needs, and starts it."""

from __future__ import annotations

from collections.abc import Generator, Hashable
from dataclasses import dataclass
from pathlib import Path

from . import messages as say
from .backoff import Backoff
from .desk import Desk, Flow, Wait
from .errors import Fault, Unreachable
from .health import address_of
from .http import Address, call, upload


@dataclass(frozen=True)
class JobOrder:
    """What a server is asked to do.

    Attributes:
        kind: the server's name for such jobs.
        key: the same never starts a second job.
        files: what it works on; each is sent unless the server has it.
        rig: the id of a rig that it needs; empty for none.
        reuse: a file that was sent for another job, and has not changed, is not sent again.
        remember: Blender keeps the job in the file, to follow it after the next start.
        remove: the files were written for this job alone, and go once they are sent or refused.
    """

    kind: str
    options: dict[str, object]
    key: str
    files: tuple[Path, ...] = ()
    rig: str = ""
    reuse: bool = False
    remember: bool = False
    remove: bool = False


def start_job(desk: Desk, owner: str, order: JobOrder) -> Generator[Wait, None, str]:
    """Send what the server lacks and start a job; its id, or nothing after an error that was reported.

    A cut line costs only the file that was being sent.
    """
    desk.progress(say.Progress(owner, "send", 0.0))
    backoff = Backoff()
    sent: dict[Path, str] = {}
    old: list[Hashable] = []  # marks of what was sent for another job
    while True:
        try:
            for file in order.files:
                mark = _mark(desk, file) if order.reuse else None
                if file not in sent and mark in desk.sent:
                    sent[file] = desk.sent[mark]
                    old.append(mark)
                if file not in sent:
                    sent[file] = yield from _send(desk, owner, file, len(sent), len(order.files))
                    if mark is not None:
                        desk.sent[mark] = sent[file]
            if order.rig:
                yield from offer_rig(address_of(desk.target), desk.rigs, order.rig)
            job = _start(desk, order, sent)
            if order.remember:
                desk.report(say.JobAccepted(owner, job), None)
            return job
        except Unreachable as error:
            done = len(sent) / max(1, len(order.files))
            desk.progress(say.Progress(owner, "send", done, note=error.message))
            yield backoff.pause()
        except Fault as error:
            if error.code == "not_found" and old:  # the server has removed it meanwhile
                for mark in old:
                    desk.sent.pop(mark, None)
                old.clear()
                sent.clear()
                continue
            desk.report(say.JobEnded(owner, error.code, error.message, error.hint), None)
            return ""


def _start(desk: Desk, order: JobOrder, sent: dict[Path, str]) -> str:
    """Start the job with files that the server has, each as the id under which it has it; the job's id."""
    body: dict[str, object] = {"kind": order.kind, "options": order.options}
    if order.files:
        body["files"] = [sent[file] for file in order.files]
    if order.rig:
        body["rig"] = order.rig
    job = call(address_of(desk.target), "POST", "/v1/jobs", body, {"Idempotency-Key": order.key})
    return str(job["id"])


def _mark(desk: Desk, file: Path) -> Hashable:
    """What tells whether a file is still the one that a server was sent."""
    try:
        state = file.stat()
    except OSError:
        return None
    return desk.target, file, state.st_size, state.st_mtime_ns


def _send(desk: Desk, owner: str, file: Path, before: int, count: int) -> Generator[Wait, None, str]:
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
        desk.progress(say.Progress(owner, "send", (before + part) / count))
        yield 0.0


def offer_rig(address: Address, rigs: Path, rig: str) -> Flow:
    """Send a rig that the server does not know, if it lies in the folder of rigs.

    Raises:
        Unreachable: no answer.
        Fault: the rig lies nowhere, or the server refuses it.
    """
    try:
        call(address, "GET", f"/v1/rigs/{rig}")
    except Fault as error:
        path = rigs / f"{safe_name(rig)}.semrig"
        if error.code != "not_found" or not path.is_file():
            raise
        sending = upload(address, path)
        while True:
            try:
                next(sending)
            except StopIteration as end:
                call(address, "POST", "/v1/rigs", {"file": end.value["id"]})
                return
            yield 0.0


def safe_name(name: str) -> str:
    """An id as a file's name."""
    return "".join(letter for letter in name if letter.isalnum() or letter in "-_") or "rig"
