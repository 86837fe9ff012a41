"""``python -m server`` is ``semblance``."""

from server.cli.app import main

main()
