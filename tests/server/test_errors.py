"""Every error has its codes, and the page of errors is what the code says."""

from __future__ import annotations

from server.cli.exits import EXIT_CODES
from server.error_table import FILE, document, error_classes
from server.errors import HTTP_STATUS


def test_the_page_is_made_from_the_classes() -> None:
    assert FILE.read_text(encoding="utf-8") == document(), "run: python -m server.error_table"


def test_every_code_is_an_errors_and_every_error_says_what_it_means() -> None:
    classes = {error.code: error for error in error_classes()}
    assert classes.keys() == EXIT_CODES.keys() and HTTP_STATUS.keys() <= classes.keys()
    assert all(error.__doc__ for error in classes.values())
    rows = document().splitlines()
    for code in ("preset_unreadable", "landmarks_unreadable"):
        assert any(f"| `{code}` | 422 |" in row for row in rows)
