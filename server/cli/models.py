"""``semblance models``: face models, and the networks that read and compare faces."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from server.cli.exits import reported
from server.cli.options import Debug, Json
from server.cli.reporting import Reporter

models = typer.Typer(no_args_is_help=True, help="List, add and describe models.")
Name = Annotated[
    str,
    typer.Argument(
        help="anny, ict, gnm, flame or bfm; rec_net and et_net read faces in pictures, landmark_prior reads "
        "landmarks; sface compares faces."
    ),
]


@models.command("list")
@reported
def list_(json: Json = False, debug: Debug = False) -> None:
    """The face models, the default first, and the networks that read and compare faces."""
    from models.registries import FACE_MODELS, NETWORKS

    found = [FACE_MODELS.info(name) for name in FACE_MODELS.names]
    networks = [registry.info(name) for registry in NETWORKS for name in registry.names]
    if json:
        Reporter(json).result(
            "", models=[vars(info) for info in found], networks=[vars(info) for info in networks]
        )
        return
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for heading in ("model", "state", "licence"):
        table.add_column(heading, overflow="fold")
    for one in (*found, *networks):
        table.add_row(one.name, one.state, one.licence)
    Console(highlight=False).print(table)


@models.command()
@reported
def add(
    name: Name,
    path: Annotated[Path, typer.Argument(help="The folder, archive or file that you fetched.")],
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Convert a face model's files, or check a network's, once and keep the result in the cache."""
    from models.registries import registry_of

    reporter, registry = Reporter(json), registry_of(name)
    with reporter.job("models add", registry.stages(name)) as progress:
        info = registry.add(name, path, progress)
    if info.warning:
        reporter.warning(info.warning)
    reporter.result(f"{name} is ready: {info.cache_file}", model=vars(info))


@models.command()
@reported
def info(name: Name, json: Json = False, debug: Debug = False) -> None:
    """What is known about one of them."""
    from models.registries import registry_of

    found = registry_of(name).info(name)
    text = "\n".join(f"{label + ':':<16}{value}" for label, value in found.facts().items() if value)
    if found.text:
        text += f"\n\n{found.text.rstrip()}"
    Reporter(json).result(text, model=vars(found))
