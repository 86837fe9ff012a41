"""``semblance serve``: the server."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from server.cli.options import Debug, Json


def serve(
    host: Annotated[str, typer.Option(help="Address to listen at.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port; 0 for one that is free.", min=0, max=65535)] = 0,
    folder: Annotated[
        Path | None,
        typer.Option(help="Where files, jobs and the token lie.", show_default="$SEMBLANCE_SERVER or yours"),
    ] = None,
    allow_remote: Annotated[
        bool, typer.Option("--allow-remote", help="Let other machines call. There is no encryption.")
    ] = False,
    allow_host: Annotated[
        list[str] | None, typer.Option(help="A host name that clients call the server by; may be repeated.")
    ] = None,
    executor: Annotated[
        Literal["local", "ray"], typer.Option(help="Where jobs run: here, or on a Ray cluster.")
    ] = "local",
    address: Annotated[
        str, typer.Option(help="Of the Ray cluster.", show_default="one on this machine")
    ] = "",
    quota: Annotated[float, typer.Option(help="Gigabytes of files that are kept.", min=0.01)] = 20.0,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Run the server that the Blender add-on, and --server, talk to."""
    import json as json_module
    import sys

    from server.folder import ServerNote, server_folder, token_file
    from server.serving import serve as run
    from server.settings import Settings

    settings = Settings(
        folder=folder or server_folder(),
        executor=executor,
        address=address,
        allowed_hosts=(*(allow_host or ()), host),
        remote=allow_remote,
        quota=int(quota * 1e9),
    )

    def ready(note: ServerNote) -> None:
        token = str(token_file(settings.folder).absolute())
        if json:
            facts = {**vars(note), "token_file": token}
            del facts["started"]
            print(json_module.dumps({"event": "ready", **facts}), flush=True)
        else:
            print(
                f"Semblance {note.version} serves at {note.url} (token: {token}). Ctrl-C ends it.", flush=True
            )

    if allow_remote:
        print(
            "warning: other machines can call this server, and tokens and photos travel unencrypted. "
            "Use it in a network that you trust, or behind a proxy with TLS.",
            file=sys.stderr,
        )
    run(settings, host, port, ready)
