"""Make the files that come with Semblance of networks that ``semblance train`` made.

    python -m models.training.ship RUN [--out models/weights] [--licence Apache-2.0]

Exported networks are compared with the trained ones on crops of the public-domain portrait.
"""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Annotated, Final

import numpy as np
import typer
from jaxtyping import UInt8
from numpy import ndarray

from core.capture.faces import FaceFinder
from core.face_model.registry import load_model
from models.crops import MARGIN
from models.data.albedo import load_albedo
from models.data.scene import jittered
from models.data.skins import public_portrait
from models.export import Exported, export_network
from models.layout import Layout
from models.mirror import Mirror, learn_mirror
from models.network_card import NetworkCard
from models.network_kinds import NETWORK_KINDS
from models.training.weights import load_network

_CROPS: Final = 8
_WEIGHTS: Final = Path(__file__).parents[1] / "weights"


def ship(weights: Path, out: Path, licence: str) -> Exported:
    """Export one network of a run, with the card that lies beside it.

    Raises:
        ModelMissing, ModelUnreadable: the weights cannot be read.
        BadInput: the exported file does not say what the network says.
        OutputFailed: the files cannot be written.
    """
    layout, net = load_network(weights)
    text = weights.with_suffix(".card.md").read_text(encoding="utf-8")
    card = NetworkCard(
        name=weights.stem, kind=NETWORK_KINDS[layout.kind].outputs, backbone=layout.backbone,
        side=layout.side, face_model=layout.model, mirror=_mirror(layout), licence=licence,
        network=layout.kind, parts=layout.parts,
        trained=datetime.date.fromtimestamp(weights.stat().st_mtime).isoformat(), text=text,
    )  # fmt: skip
    return export_network(net, card, out, _crops(layout.side))


def _mirror(layout: Layout) -> Mirror | None:
    if not layout.model:
        return None
    model = load_model(layout.model)
    whole = learn_mirror(model, load_albedo(model).mirrored)
    modes = layout.identity
    return Mirror(whole.identity[:modes, :modes], whole.residual, whole.albedo[: layout.albedo])


def _crops(side: int) -> UInt8[ndarray, "crops side side 3"]:
    photo, rng = public_portrait(), np.random.default_rng(0)
    with FaceFinder() as finder:
        crop = finder.main_face(photo).crop(MARGIN)
    return np.stack([jittered(crop, rng, 1.5).cut(photo.pixels, side) for _ in range(_CROPS)])


def main(
    run: Annotated[Path, typer.Argument(help="Folder of a run.")],
    out: Annotated[Path, typer.Option(help="Where the files go.")] = _WEIGHTS,
    licence: Annotated[str, typer.Option(help="Of the weights, as an SPDX name.")] = "Apache-2.0",
) -> None:
    """Export all networks of a run."""
    out.mkdir(parents=True, exist_ok=True)
    for weights in sorted(run.glob("*.safetensors")):
        made = ship(weights, out, licence)
        size = made.onnx.stat().st_size / 2**20
        worst = max(made.deviation.values())
        typer.echo(f"{made.onnx.name}: {size:.1f} MiB, at most {worst:.2g} from the trained network")


if __name__ == "__main__":
    typer.run(main)
