"""``semblance addon``: the Blender add-on as one zip."""

from __future__ import annotations

import importlib.util
import zipfile
from pathlib import Path
from typing import Annotated

import typer

from server.cli.files import check_output
from server.cli.options import Debug, Force, Json
from server.cli.reporting import Reporter

FOLDER = "semblance"  # in the zip; classic add-ons are named after it


def addon(
    out: Annotated[Path, typer.Option("--out", "-o", help="The .zip to write.")] = Path("semblance.zip"),
    force: Force = False,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Write the Blender add-on: an extension for Blender 4.2 on, a classic add-on before."""
    check_output(out, (".zip",), force)

    from core.atomic import staged_output

    with staged_output(out) as temporary, zipfile.ZipFile(temporary, "w") as archive:
        for file in _files():
            # The date of all zips that do not care, so that the same add-on gives the same bytes.
            member = zipfile.ZipInfo(f"{FOLDER}/{file.relative_to(_source()).as_posix()}")
            member.external_attr = 0o644 << 16
            member.create_system = 3
            archive.writestr(member, file.read_bytes(), zipfile.ZIP_DEFLATED)
    Reporter(json).result(f"{out}\nDrag it into Blender's window.", written=[str(out)])


def _source() -> Path:
    found = importlib.util.find_spec("blender_addon")
    assert found is not None and found.origin is not None
    return Path(found.origin).parent


def _files() -> list[Path]:
    return sorted(
        file
        for file in _source().rglob("*")
        if file.suffix in (".py", ".toml") and "__pycache__" not in file.parts
    )
