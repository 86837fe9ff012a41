"""A worker that is listened to, and a line to a server that can be cut."""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from blender_addon.client import messages as say
from blender_addon.client.rig_job import BuildRig
from blender_addon.client.worker import Worker


@dataclass
class Client:
    """A worker and everything it has reported."""

    worker: Worker
    folder: Path
    heard: list[Any] = field(default_factory=list)

    def wait(self, condition: Callable[[Any], bool], seconds: float = 60) -> Any:
        """The first report from now on that fits."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            report = self.worker.reports.take()
            if report is None:
                time.sleep(0.01)
                continue
            self.heard.append(report)
            if condition(report):
                return report
        raise TimeoutError(f"heard only {self.heard}")

    def wait_for(self, kind: type, seconds: float = 60) -> Any:
        return self.wait(lambda report: isinstance(report, kind), seconds)

    def wait_for_state(self, state: str, seconds: float = 60) -> Any:
        return self.wait(
            lambda report: isinstance(report, say.ServerState) and report.state == state, seconds
        )

    def start_server(self) -> None:
        self.worker.post(say.StartServer(self.folder, sys.executable, 0, True))
        self.wait_for_state("ready")

    def kill_server(self) -> None:
        os.kill(json.loads((self.folder / "server.json").read_text())["pid"], signal.SIGKILL)

    def build(self, photo: Path, person: str = "anna", **options: object) -> None:
        chosen = {"name": "Anna", "model": "anny", "quality": "draft", **options}
        self.worker.post(BuildRig(person, (photo,), chosen, f"key-{time.monotonic()}"))


class Line:
    """Passes connections on to a server, and can cut them or keep the answer back.

    Attributes:
        cuts: for coming connections, once each: a word in the request's first line, and how many bytes pass
            to the server and to the client (None: all).
        silent: a word in the request's first line, such as ``/events``, whose answers are kept back.
    """

    def __init__(self, port: int) -> None:
        self.cuts: list[tuple[str, int | None, int | None]] = []
        self.silent = "\0"
        self.connections = 0
        self._port = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            try:
                far = socket.create_connection(("127.0.0.1", self._port))
            except OSError:
                near.close()
                continue
            first = near.recv(65536)
            request = first.split(b"\r\n")[0].decode()
            chosen = next((cut for cut in self.cuts if cut[0] in request), None)
            if chosen:
                self.cuts.remove(chosen)
            cut = chosen[1:] if chosen else (None, None)
            quiet = self.silent in request
            for source, target, limit, head in ((near, far, cut[0], first), (far, near, cut[1], b"")):
                keep = 0 if quiet and source is far else limit
                threading.Thread(
                    target=self._pass, args=(source, target, keep, head, quiet), daemon=True
                ).start()

    @staticmethod
    def _pass(
        source: socket.socket, target: socket.socket, limit: int | None, head: bytes, quiet: bool
    ) -> None:
        left = limit
        try:
            block = head or source.recv(65536)
            while block:
                if left is not None:
                    block, left = block[:left], left - len(block[:left])
                target.sendall(block)
                if left == 0 and not quiet:
                    break
                block = source.recv(65536)
        except OSError:
            pass
        for side in (source, target):
            try:
                side.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue

    def close(self) -> None:
        self._listener.close()
