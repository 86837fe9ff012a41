"""``python -m server.cli`` is ``semblance``."""

from server.cli.app import main

main()
