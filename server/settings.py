"""What a server is started with."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

MEBIBYTE: Final = 1 << 20
KINDS: Final = (
    "server.jobs.kinds.rig",
    "server.jobs.kinds.blend",
    "server.jobs.kinds.export",
    "server.jobs.kinds.sheet",
    "server.jobs.kinds.track",
    "server.jobs.kinds.people",
    "server.jobs.kinds.mapping",
    "server.jobs.kinds.retarget",
    "server.jobs.kinds.transfer",
    "server.jobs.kinds.reenact",
)
"""Modules with a ``KIND`` each: what jobs this server can do."""


@dataclass(frozen=True)
class Settings:
    """Limits and choices of one server.

    Attributes:
        folder: where everything lies that the server keeps.
        executor: where jobs run: a process of this machine, or a Ray cluster.
        address: of the Ray cluster; empty for one on this machine.
        kinds: modules of the job kinds.
        allowed_hosts: names under which the server may be called, besides loopback ones.
        remote: whether other machines may call it, by any of its IP addresses.
        quota: bytes of all files together.
        most_image_bytes, most_rig_bytes, most_video_bytes: of one upload.
        most_files: files kept at a time.
        most_queued: jobs that may wait.
        most_streams: event streams open at a time.
        keep_uploads_days: after so long, an upload that no rig and no unfinished job needs is removed.
        cancel_seconds: how long a worker may take to stop before it is ended.
        header_seconds: how long a connection may take to bring a request's head.
        heartbeat_seconds: of silence, before an event stream says that it is still there.
    """

    folder: Path
    executor: Literal["local", "ray"] = "local"
    address: str = ""
    kinds: tuple[str, ...] = KINDS
    allowed_hosts: tuple[str, ...] = ()
    remote: bool = False
    quota: int = 20 << 30
    most_image_bytes: int = 128 * MEBIBYTE
    most_rig_bytes: int = 1024 * MEBIBYTE
    most_video_bytes: int = 4096 * MEBIBYTE
    most_files: int = 10_000
    most_queued: int = 1_000
    most_streams: int = 256
    keep_uploads_days: float = 7.0
    cancel_seconds: float = 5.0
    heartbeat_seconds: float = 10.0
    header_seconds: float = 10.0
