"""``semblance transfer``: shape keys for a head that has none."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated

import typer

from core.errors import BadInput
from server.cli.files import check_output
from server.cli.options import Debug, Force, Json, Server, Token
from server.cli.reporting import Reporter
from server.cli.workplaces import workplace

_MESH_ENDINGS = (".blend", ".fbx", ".glb", ".gltf", ".npz", ".obj")


def transfer(
    rig: Annotated[Path, typer.Argument(metavar="RIG", help="A .semrig file, whose 52 shapes are taken.")],
    target: Annotated[
        Path, typer.Argument(metavar="TARGET", help=f"The head: {', '.join(_MESH_ENDINGS)}; +Y or +Z up.")
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            help="The .blend or .glb to write, or an .npz of the offsets.",
            show_default="the target's name, .blend",
        ),
    ] = None,
    landmarks: Annotated[
        Path | None, typer.Option(help="Landmarks placed by hand (.json); others are looked for.")
    ] = None,
    write_landmarks: Annotated[
        Path | None, typer.Option(help="Write the landmarks that were used (.json), to edit them.")
    ] = None,
    force: Force = False,
    server: Server = None,
    token: Token = None,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Give a head without shape keys the 52 of a rig."""
    written = check_output(out or target.with_suffix(".blend"), (".blend", ".glb", ".npz"), force, [target])
    if write_landmarks:
        check_output(write_landmarks, (".json",), force)
    if target.suffix.lower() not in _MESH_ENDINGS:
        raise BadInput(f"Cannot read {target}.", f"Name a file that ends in {', '.join(_MESH_ENDINGS)}.")
    if not target.is_file():
        raise BadInput(f"Cannot read {target}: there is no such file.", "Check its name.")
    if target.suffix.lower() == ".npz" and written.suffix.lower() != ".npz":
        raise BadInput("An .npz holds no objects to write.", "Give the output a name that ends in .npz.")
    reporter = Reporter(json)

    from core.retarget.keyless.landmarks import load_landmarks, points_document

    document = points_document(load_landmarks(landmarks)) if landmarks else None
    with tempfile.TemporaryDirectory(prefix="semblance-") as folder:
        mesh = _mesh_of(target, Path(folder), reporter)
        keys = written if written.suffix.lower() == ".npz" else Path(folder) / "keys.npz"
        with workplace(server, token, reporter) as place:
            files, person, also = [place.mesh(mesh)], place.rig(rig), {".json": write_landmarks}
            options = {"landmarks": document}
            made = place.job("transfer", keys, also, files=files, rig=person, options=options)
        if keys is not written:
            from server import blender_process

            with reporter.job("write", blender_process.EXPECTED_SECONDS) as progress:
                blender_process.write_character(target, keys, written, progress)
    reporter.written(made.seconds, written, write_landmarks)


def _mesh_of(target: Path, folder: Path, reporter: Reporter) -> Path:
    if target.suffix.lower() == ".npz":
        return target
    from server import blender_process

    with reporter.job("read", blender_process.EXPECTED_SECONDS) as progress:
        blender_process.read_character(target, folder / "mesh.npz", progress)
    return folder / "mesh.npz"
