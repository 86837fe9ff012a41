"""The table of errors, from their classes: ``python -m server.error_table`` writes ``docs/errors.md``."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from core import errors as core_errors
from core.errors import SemblanceError
from server import errors as server_errors
from server.cli.exits import EXIT_CODES
from server.errors import HTTP_STATUS

FILE: Final = Path(__file__).parent.parent / "docs" / "errors.md"

_HEAD: Final = """# Errors

What a user can cause has a code that stays, a sentence that says what happened, and a hint at what to do
next. They are the same everywhere. The command line prints `error [code]: sentence` and the hint to standard
error, or with `--json` `{"event": "error", "code", "message", "hint"}` to standard output, and ends with the
exit code. The server answers `{"error": {"code", "message", "hint"}}` with the HTTP status, and a job that
failed has the three as its `error`. The add-on shows sentence and hint.

A code without a status is met only on the command line or as the `error` of a job. Exit code 0 is success,
and 2 is also a misspelt command line.

This page is made from the error classes, `core/errors.py` and `server/errors.py`, by
`python -m server.error_table`; change it there.

| exit code | error code | HTTP status | meaning |
|---|---|---|---|
"""
_OURS: Final = "A fault of Semblance's own; report it."


def error_classes() -> list[type[SemblanceError]]:
    """Every error that a user may see, by exit code and name."""
    found = {
        value
        for module in (core_errors, server_errors)
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, SemblanceError)
    }
    return sorted(found, key=lambda error: (EXIT_CODES[error.code], error.code))


def document() -> str:
    """The page, as Markdown.

    Raises:
        KeyError: an error has no exit code.
    """
    return _HEAD + "".join(map(_row, error_classes()))


def _row(error: type[SemblanceError]) -> str:
    own = error is SemblanceError
    meaning = _OURS if own else (error.__doc__ or "").partition("\n\n")[0].replace("\n", " ")
    status = 500 if own else HTTP_STATUS.get(error.code, "")
    return f"| {EXIT_CODES[error.code]} | `{error.code}` | {status} | {meaning} |\n"


if __name__ == "__main__":
    FILE.write_text(document(), encoding="utf-8")
