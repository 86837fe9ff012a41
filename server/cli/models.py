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
        help="anny, ict, gnm, flame or bfm; rec_net and et_net read faces in pictures; sface compares faces."
    ),
]


@models.command("list")
@reported
def list_(json: Json = False, debug: Debug = False) -> None:
    """The face models, the default first, and the networks that read and compare faces."""
    from core.face_model.registry import list_models
    from models.recognition import RecogniserInfo, recogniser_info
    from models.registry import NetworkInfo, list_networks

    found = list_models()
    networks: list[NetworkInfo | RecogniserInfo] = [*list_networks(), recogniser_info()]
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
    for model in found:
        table.add_row(model.name, model.state, model.licence)
    for network in networks:
        table.add_row(network.name, network.state, network.licence)
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
    from core.face_model.providers import PROVIDERS
    from core.face_model.registry import ModelInfo, add_model
    from models.recognition import NAME, RecogniserInfo, add_recogniser
    from models.registry import NETWORKS, NetworkInfo, add_network

    reporter = Reporter(json)
    stages = PROVIDERS[name].stages if name in PROVIDERS else {}
    info: ModelInfo | NetworkInfo | RecogniserInfo
    with reporter.job("models add", stages) as progress:
        if name in NETWORKS:
            info = add_network(name, path)
        else:
            info = add_recogniser(path) if name == NAME else add_model(name, path, progress)
    if info.known_release is False and name not in NETWORKS:
        reporter.warning("These files are of a release that Semblance was not tested on.")
    reporter.result(f"{name} is ready: {info.cache_file}", model=vars(info))


@models.command()
@reported
def info(name: Name, json: Json = False, debug: Debug = False) -> None:
    """What is known about one of them."""
    from core.face_model.registry import ModelInfo, model_info
    from models.recognition import NAME, RecogniserInfo, recogniser_info
    from models.registry import NETWORKS, NetworkInfo, network_info

    found: ModelInfo | NetworkInfo | RecogniserInfo
    if name in NETWORKS:
        found = network_info(name)
    else:
        found = recogniser_info() if name == NAME else model_info(name)
    known = {True: "yes", False: "no", None: "not known"}[found.known_release]
    lines = {
        "model": found.name,
        "state": found.state,
        "licence": found.licence,
        "source": found.source or "nothing to fetch",
        "file" if name in NETWORKS else "cache": found.cache_file,
        "added from": getattr(found, "added_from", ""),
        "added at": getattr(found, "added_at", ""),
        "sha256": found.sha256,
        "tested release": known if found.sha256 else "",
        "backbone": getattr(found, "backbone", ""),
        "trained": getattr(found, "trained", ""),
        "for heads of": getattr(found, "face_model", ""),
        "problem": getattr(found, "problem", ""),
    }
    text = "\n".join(f"{label + ':':<16}{value}" for label, value in lines.items() if value)
    if card := getattr(found, "card", ""):
        text += f"\n\n{card.rstrip()}"
    Reporter(json).result(text, model=vars(found))
