# SPDX-License-Identifier: GPL-3.0-or-later
"""File > Import > Semblance Rig, and rigs that are dropped on a view."""

import contextlib
import shutil
from pathlib import Path

import bpy
from bpy.props import StringProperty

from .. import texts
from ..build import build_head
from ..client.sending import safe_name
from ..owners import set_warnings
from ..people import add_person
from ..rig_file import RigFile, RigUnreadable, read_rig
from ..runtime import session
from ..texts import t
from .files import FilesGiven


class SEMBLANCE_OT_import_rig(bpy.types.Operator, FilesGiven):
    bl_idname = "semblance.import_rig"
    bl_label = texts.IMPORT
    bl_description = texts.IMPORT_TIP
    bl_options = {"REGISTER", "UNDO"}

    filename_ext = ".semrig"
    filter_glob: StringProperty(default="*.semrig", options={"HIDDEN"})

    def execute(self, context: bpy.types.Context) -> set[str]:
        paths = self.paths()
        try:
            rigs = [read_rig(path) for path in paths]
        except RigUnreadable as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        for rig, path in zip(rigs, paths):  # noqa: B905 (as many)
            _import(context, rig)
            _keep(rig, path)
        self.report({"INFO"}, t(texts.IMPORTED, name=", ".join(rig.name for rig in rigs)))
        return {"FINISHED"}


def _import(context: bpy.types.Context, rig: RigFile) -> None:
    head = build_head(rig, context.collection if context.collection else context.scene.collection)
    person = add_person(context.scene, rig.name)
    person.rig, person.model = rig.rig_id, rig.model
    set_warnings(person, [(photo.file, line) for photo in rig.photos for line in photo.warnings])
    if context.mode == "OBJECT":
        context.view_layer.update()
        for item in context.view_layer.objects:
            item.select_set(item == head.mesh)
        context.view_layer.objects.active = head.mesh


def _keep(rig: RigFile, path: Path) -> None:
    """Keep a copy where rigs of the server are kept: jobs offer it to a server that does not know it."""
    kept = session.data_folder("rigs") / f"{safe_name(rig.rig_id)}.semrig"
    with contextlib.suppress(OSError):  # the disk is full: such jobs will say that the rig is not known
        if not kept.exists() and path.is_file():
            shutil.copyfile(path, kept)


CLASSES = (SEMBLANCE_OT_import_rig,)
