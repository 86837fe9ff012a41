"""Options that several commands have."""

from __future__ import annotations

from typing import Annotated

import typer

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object a line.")]
Debug = Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")]
Force = Annotated[bool, typer.Option("--force", "-f", help="Replace the output if it exists.")]
Server = Annotated[
    str | None, typer.Option("--server", metavar="URL", help="Have the work done by a Semblance server.")
]
Token = Annotated[
    str | None,
    typer.Option(
        "--token", envvar="SEMBLANCE_TOKEN", help="The server's; that of a server of yours is found."
    ),
]
