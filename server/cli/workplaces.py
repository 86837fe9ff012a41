"""Where a command has its jobs done: in this process, or on a server."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from server.cli.reporting import Reporter
from server.cli.work import Workplace


@contextmanager
def workplace(server: str | None, token: str | None, reporter: Reporter) -> Iterator[Workplace]:
    """This process, or the server of that address."""
    if server:
        from server.cli.remote import working

        with working(server, token, reporter) as there:
            yield there
    else:
        from server.cli.here import working_here

        with working_here(reporter) as here:
            yield here
