"""The command ``semblance``."""

from __future__ import annotations

from typing import Annotated

import typer

from server.cli.addon import addon
from server.cli.blender import blend, export
from server.cli.convert import convert
from server.cli.data import data
from server.cli.demo import demo
from server.cli.doctor import doctor
from server.cli.evaluate import evaluate
from server.cli.exits import reported
from server.cli.interruption import handle_signals
from server.cli.live import live
from server.cli.models import models
from server.cli.reenact import reenact
from server.cli.retarget import mapping, retarget
from server.cli.rig import rig
from server.cli.serve import serve
from server.cli.sheet import sheet
from server.cli.track import track
from server.cli.train import train
from server.cli.transfer import transfer

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib import metadata

        print(f"semblance {metadata.version('semblance')}")
        raise typer.Exit()


@app.callback()
def semblance(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Photos in, a rigged head out."""


for _command in (
    rig, track, live, reenact, convert, retarget, mapping, transfer, blend, export, sheet, demo, train, serve,
    addon, doctor,
):  # fmt: skip
    app.command()(reported(_command))
app.command("eval")(reported(evaluate))
app.add_typer(models, name="models")
app.add_typer(data, name="data")


def main() -> None:
    """Run the command line; ends the process."""
    handle_signals()
    app()
