# SPDX-License-Identifier: GPL-3.0-or-later
"""What the worker's flows share.

A flow is a generator that hands back what it waits for: seconds, or a :class:`Readable`. It never waits by
itself for longer than one call's time-out.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Generator, Hashable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from . import messages as say
from .local.process import ServerProcess

# Stage → where it begins in the whole, and its share; what the server does takes the rest.
_SHARES = {"send": (0.0, 0.05), "fetch": (0.95, 0.05)}


@dataclass(frozen=True)
class Readable:
    """Wait until a socket has bytes, or so many seconds have passed."""

    sock: socket.socket
    seconds: float


Wait = float | Readable
Flow = Generator[Wait, None, None]


@dataclass
class Desk:
    """Where flows call, where rigs, tracks, curves and pictures go, and how they report."""

    rigs: Path
    takes: Path
    pictures: Path
    report: Callable[[Any, Hashable], None]
    sent: dict[Hashable, str] = field(default_factory=dict)  # clips that the server has; see sending.py
    target: say.Target = None
    process: ServerProcess | None = None  # started from here

    def progress(self, progress: say.Progress) -> None:
        """Report progress; ``fraction`` is that of sending, of the job or of fetching, as the stage says."""
        begin, share = _SHARES.get(progress.stage, (0.05, 0.9))
        whole = replace(progress, fraction=begin + share * progress.fraction)
        self.report(whole, ("progress", progress.owner))
