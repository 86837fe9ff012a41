# SPDX-License-Identifier: GPL-3.0-or-later
"""Does Blender's work without a window: ``python -m blender_addon.headless build in.semrig out.blend``.

Prints a line ``stage: NAME`` as each stage begins. Ends with 0, with 2 when the rig or the character cannot
be read (the last line says why), or with 3 when bpy cannot be imported.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

EXIT_RIG_UNREADABLE = 2
EXIT_NO_BPY = 3


def main(arguments: list[str] | None = None) -> int:
    """Run one command; see the module's text for what it prints and returns."""
    parser = argparse.ArgumentParser(prog="blender_addon.headless")
    commands = parser.add_subparsers(dest="command", required=True)
    for command, inputs, endings in (
        ("build", ("rig",), ".blend"),
        ("export", ("rig",), ".glb or .obj"),
        ("mesh", ("character",), ".npz"),
        ("keys", ("character", "keys"), ".blend or .glb"),
    ):
        subparser = commands.add_parser(command)
        for name in inputs:
            subparser.add_argument(name, type=Path)
        subparser.add_argument("output", type=Path, help=f"file to write, ending in {endings}")
    options = parser.parse_args(arguments)
    _begin("start Blender")
    try:
        import bpy  # noqa: F401
    except ImportError as error:
        print(f"bpy cannot be imported: {error}", flush=True)
        return EXIT_NO_BPY
    return _character(options) if "character" in options else _head(options)


def _head(options: argparse.Namespace) -> int:
    import bpy

    from .rig_file import RigUnreadable, read_rig

    _begin("build the head")
    try:
        rig = read_rig(options.rig)
    except RigUnreadable as error:
        print(error, flush=True)
        return EXIT_RIG_UNREADABLE
    from . import export
    from .build import build_head, set_up_scene

    bpy.ops.wm.read_factory_settings(use_empty=True)
    head = build_head(rig, bpy.context.scene.collection)
    if options.command == "build":
        set_up_scene(head, bpy.context.scene)
    _begin("write the file")
    writer = {".blend": export.write_blend, ".glb": export.write_glb, ".obj": export.write_obj}
    writer[options.output.suffix.lower()](head, options.output)
    return 0


def _character(options: argparse.Namespace) -> int:
    from .export import write_character
    from .keyless.geometry import write_geometry
    from .keyless.keys import KeysUnreadable, add_keys
    from .keyless.read_file import CharacterUnreadable, open_character

    _begin("build the head")
    try:
        meshes = open_character(options.character)
        if options.command == "keys":
            add_keys(meshes, options.keys)
    except (CharacterUnreadable, KeysUnreadable) as error:
        print(error, flush=True)
        return EXIT_RIG_UNREADABLE
    _begin("write the file")
    if options.command == "mesh":
        write_geometry(meshes, options.output)
    else:
        write_character(options.output)
    return 0


def _begin(stage: str) -> None:
    print(f"stage: {stage}", flush=True)


if __name__ == "__main__":
    status = main()
    sys.stdout.flush()
    os._exit(status)  # the result is on disk; unloading bpy crashes after some exports (seen in 4.2)
