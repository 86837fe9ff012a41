# SPDX-License-Identifier: GPL-3.0-or-later
"""What can go wrong on the way to a server and back, each with a code that the window matches on."""

from __future__ import annotations


class Fault(Exception):
    """Something a user should read: a code, a sentence, and what to do next.

    The codes are the server's own and those of the classes below.
    """

    code = "error"

    def __init__(self, message: str, hint: str = "", code: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.code = code or self.code


class Unreachable(Fault):
    """No answer: not started, wrong address, or the line was cut. Worth trying again."""

    code = "unreachable"


class NotRunning(Unreachable):
    """The local server has not been started, or has ended."""

    code = "not_running"


class WrongVersion(Fault):
    """The server speaks another version of the interface."""

    code = "wrong_version"


class StartFailed(Fault):
    """The local server did not start."""

    code = "start_failed"


class Damaged(Fault):
    """What arrived is not what was sent. Worth trying again."""

    code = "damaged"
