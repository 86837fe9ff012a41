"""``python -m tests.server.launch '{"folder": ..., ...}'``: a server with settings that only tests want."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from server.folder import ServerNote
from server.serving import serve
from server.settings import KINDS, Settings


def main() -> None:
    asked = json.loads(sys.argv[1])
    kinds = ("tests.server.kinds", *(KINDS if asked.pop("real", False) else ()))
    port = asked.pop("port", 0)
    settings = Settings(**{"kinds": kinds, "cancel_seconds": 1.0, **asked, "folder": Path(asked["folder"])})

    def ready(note: ServerNote) -> None:
        print(json.dumps(vars(note)), flush=True)

    serve(settings, "127.0.0.1", port, ready)


if __name__ == "__main__":
    main()
