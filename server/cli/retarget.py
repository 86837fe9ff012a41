"""``semblance retarget`` and ``semblance mapping``: a track onto a character."""

from __future__ import annotations

import json as json_module
from pathlib import Path
from typing import Annotated, Any

import typer

from core.errors import BadInput
from server.cli.files import check_output
from server.cli.options import Debug, Force, Json, Server, Token
from server.cli.reporting import Reporter
from server.cli.workplaces import workplace

_KEYS_HELP = 'JSON of the character\'s shape keys: {"mesh": ["jawOpen", ...], ...}.'


def retarget(
    track: Annotated[Path, typer.Argument(help="A .semtrack, a Live Link Face .csv or a .json track.")],
    keys: Annotated[Path, typer.Option(help=_KEYS_HELP)],
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="The .npz to write.", show_default="the track's name"),
    ] = None,
    preset: Annotated[
        Path | None, typer.Option(help="Mapping, as `semblance mapping` writes it; else recognised.")
    ] = None,
    smoothing: Annotated[float, typer.Option(min=0.0, max=5.0, help="0 leaves the jitter in.")] = 1.0,
    error: Annotated[
        float,
        typer.Option(
            min=0.0,
            max=1.0,
            help="Bound of the key reduction: of shape keys, radians of head and eyes, and five times the"
            " metres that a head moves; 0 keeps every key.",
        ),
    ] = 0.005,
    rest: Annotated[int | None, typer.Option(min=0, help="Frame whose head pose is rest.")] = None,
    neutral: Annotated[int | None, typer.Option(min=0, help="Frame whose expression is rest.")] = None,
    gain: Annotated[float, typer.Option(min=0.0, max=10.0, help="Of all channels.")] = 1.0,
    swap: Annotated[bool, typer.Option("--swap", help="Swap left and right.")] = False,
    wrinkles: Annotated[
        bool, typer.Option("--wrinkles", help="Also custom properties that drive wrinkle maps.")
    ] = False,
    name: Annotated[str, typer.Option(help="The take's name.", show_default="the track's name")] = "",
    force: Force = False,
    server: Server = None,
    token: Token = None,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Make the curves of a character's shape keys, head and eyes from a track, for Blender."""
    target = check_output(out or track.with_suffix(".npz"), (".npz",), force)
    meshes = _read_keys(keys)
    reporter = Reporter(json)
    chosen: dict[str, Any] = dict(
        smoothing=smoothing, error=error, rest=rest, neutral=neutral, gain=gain, swap=swap, name=name,
        wrinkles=wrinkles,
    )  # fmt: skip

    from core.retarget.preset import load_preset, to_preset

    chosen |= {"meshes": meshes, "preset": to_preset(load_preset(preset)) if preset else None}
    with workplace(server, token, reporter) as place:
        made = place.job("retarget", target, {".json": None}, files=[place.track(track)], options=chosen)
    reporter.written(made.seconds, target)


def mapping(
    keys: Annotated[Path, typer.Argument(help=_KEYS_HELP)],
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="The .json to write.", show_default="print it")
    ] = None,
    force: Force = False,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Recognise a character's shape keys, as a preset to edit."""
    if out:
        check_output(out, (".json",), force, [keys])
    meshes = _read_keys(keys)
    reporter = Reporter(json)

    from core.retarget.character import map_character
    from core.retarget.preset import save_preset, to_preset

    mapped = map_character(meshes)
    for warning in mapped.warnings:
        reporter.warning(warning)
    preset = to_preset(mapped.table)
    if out:
        save_preset(mapped.table, out)
        reporter.result(f"{out} ({mapped.table.name or 'nothing recognised'})", written=[str(out)])
    else:
        reporter.result(json_module.dumps(preset, indent=1, ensure_ascii=False), preset=preset)


def _read_keys(path: Path) -> dict[str, list[str]]:
    """
    Raises:
        BadInput: the file does not say which mesh has which keys.
    """
    hint = 'It must read like {"Head": ["jawOpen", "mouthClose"], "Teeth": ["jawOpen"]}.'
    try:
        found = json_module.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise BadInput(f"Cannot read the keys {path}: {reason}.", hint) from error
    fits = isinstance(found, dict) and all(
        isinstance(names, list) and all(isinstance(name, str) for name in names) for names in found.values()
    )
    if not found or not fits:
        raise BadInput(f"{path} does not say which mesh has which shape keys.", hint)
    return dict(found)
