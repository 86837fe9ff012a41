"""The process that makes pictures: ``python -m server.preview.process``.

It reads a JSON object a line from standard input and answers each with a JSON object on a line, which says
how many ``bytes`` follow it. When its input ends, the server is gone or has no more to ask, and it ends.

It stands apart so that a picture in the making, which holds Python's lock, never holds up the API.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from collections import OrderedDict
from pathlib import Path
from typing import Any, Final

from core.errors import SemblanceError
from server.preview.messages import read_state
from server.preview.portrait import MovingPortrait, open_portrait, pack

_KEPT: Final = 4  # prepared photos; each holds some 60 MB at 512


class _Desk:
    """Prepared photos, the most recently used last."""

    def __init__(self) -> None:
        self._portraits: OrderedDict[str, MovingPortrait] = OrderedDict()

    def _portrait(self, wanted: dict[str, Any]) -> MovingPortrait:
        key = json.dumps([wanted["sha256"], wanted["photo"], wanted["size"]])
        portrait = self._portraits.pop(key, None) or open_portrait(
            Path(wanted["path"]), wanted["photo"], wanted["size"]
        )
        self._portraits[key] = portrait
        while len(self._portraits) > _KEPT:
            self._portraits.popitem(last=False)
        return portrait

    def answer(self, order: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
        """The layout of a photo and its picture 0; or, with a ``state``, the picture of that."""
        wanted, form, quality = order["wanted"], order["format"], order["quality"]
        portrait = self._portrait(wanted)
        if "state" not in order:
            return portrait.layout(), pack(0, portrait.base, None, form, quality)
        state = read_state(order["state"])
        return {}, pack(state.number, portrait.picture(state), portrait.base, form, quality)


def main() -> None:
    """Answer until the input ends; then end at once."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what libraries print goes to the log
    desk = _Desk()
    for line in sys.stdin:
        content = b""
        try:
            told, content = desk.answer(json.loads(line))
        except SemblanceError as error:
            told = {"error": {"code": error.code, "message": error.message, "hint": error.hint}}
        except Exception as error:  # one state must not end all lines
            traceback.print_exc()
            message = f"Something went wrong inside Semblance ({type(error).__name__})."
            told = {"error": {"code": "error", "message": message, "hint": "Report it with server.log."}}
        answers.write(json.dumps({**told, "bytes": len(content)}).encode() + b"\n" + content)
        answers.flush()
    os._exit(0)  # libraries may wait for threads of their own


if __name__ == "__main__":
    main()
