"""The worker process: ``python -m server.jobs.worker KIND_MODULE...``.

Reads a JSON object a line from standard input, ``{"run": task}``, ``{"cancel": job id}`` or ``{"finish": job
id}``, and writes one a line to standard output: ``ready``, ``progress``, ``done``, ``failed``. When its input
ends, the server is gone, and the worker ends at once, with every process that it started.
"""

from __future__ import annotations

import json
import operator
import os
import queue
import signal
import sys
import threading
from collections.abc import Mapping
from functools import partial
from typing import IO, Any

from server.jobs.registry import load_kinds
from server.jobs.running import run_task, warm_up
from server.jobs.task import Task, task_from_json


class _Orders:
    """What the server asks for, read as it comes."""

    def __init__(self) -> None:
        self.tasks: queue.Queue[Task] = queue.Queue()
        self.cancelled: set[str] = set()
        self.finishing: set[str] = set()

    def read(self, stream: IO[str]) -> None:
        try:
            for line in stream:
                order = json.loads(line)
                if "run" in order:
                    self.tasks.put(task_from_json(order["run"]))
                elif "finish" in order:
                    self.finishing.add(order["finish"])
                else:
                    self.cancelled.add(order["cancel"])
        finally:
            _end()


def _end() -> None:
    if os.name == "posix" and os.getpgrp() == os.getpid():
        os.killpg(0, signal.SIGKILL)
    os._exit(1)


def main(modules: list[str]) -> None:
    """Work until the server goes away."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what libraries print goes to the log
    lock = threading.Lock()

    def send(message: Mapping[str, Any]) -> None:
        with lock:
            print(json.dumps(message), file=answers, flush=True)

    orders = _Orders()
    threading.Thread(target=orders.read, args=(sys.stdin,), daemon=True).start()
    kinds = load_kinds(modules)
    warm_up(kinds)
    send({"event": "ready"})
    while True:
        task = orders.tasks.get()
        asked = orders.cancelled, orders.finishing
        run_task(task, kinds, send, *(partial(operator.contains, ids, task.id) for ids in asked))
        for ids in asked:
            ids.discard(task.id)


if __name__ == "__main__":
    main(sys.argv[1:])
