# SPDX-License-Identifier: GPL-3.0-or-later
"""Building a head: the job is handed over, and its result taken in."""

import uuid

import bpy
from bpy.props import StringProperty

from .. import texts
from ..build import build_head, rebuild_head
from ..client import messages as say
from ..heads import find_head
from ..people import active_person, clear_result, find_person, photo_paths, set_warnings
from ..properties import SemblancePerson
from ..rig_file import RigUnreadable, read_rig
from ..runtime import session, timer
from ..runtime.state import state
from ..texts import t
from .base import NeedsPerson, cancel_job


class SEMBLANCE_OT_build(NeedsPerson, bpy.types.Operator):
    bl_idname = "semblance.build"
    bl_label = texts.BUILD
    bl_description = texts.BUILD_TIP
    bl_options = {"INTERNAL"}

    @classmethod
    def description(cls, context: bpy.types.Context, _properties: object) -> str:
        person = active_person(context.scene)
        return t(texts.REBUILD_TIP if person and person.rig else texts.BUILD_TIP)

    def execute(self, context: bpy.types.Context) -> set[str]:
        person = active_person(context.scene)
        if person.uid in state.progress:
            return {"CANCELLED"}
        clear_result(person)
        paths = photo_paths(person)
        missing = [path for path in paths if not path.is_file()]
        if not paths or missing:
            person.error_code = "unreadable_media"
            person.error_message = f"{missing[0].name}: {t(texts.PHOTO_MISSING)}" if missing else ""
            person.error_message = person.error_message or t(texts.NO_PHOTOS_ERROR)
            return {"CANCELLED"}
        person.job_key = uuid.uuid4().hex
        state.progress[person.uid] = say.Progress(person.uid, "send", 0.0)
        state.notice = ""
        session.post(say.BuildRig(person.uid, paths, _options(person), person.job_key))
        return {"FINISHED"}


def _options(person: SemblancePerson) -> dict[str, object]:
    options: dict[str, object] = {"name": person.name, "model": person.model, "quality": person.quality}
    if person.texture_size != "auto":
        options["texture_size"] = int(person.texture_size)
    return options


class SEMBLANCE_OT_cancel(NeedsPerson, bpy.types.Operator):
    bl_idname = "semblance.cancel"
    bl_label = texts.CANCEL
    bl_description = texts.CANCEL_TIP
    bl_options = {"INTERNAL"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        cancel_job(active_person(context.scene))
        return {"FINISHED"}


class SEMBLANCE_OT_dismiss(bpy.types.Operator):
    bl_idname = "semblance.dismiss"
    bl_label = texts.DISMISS
    bl_description = texts.DISMISS_TIP
    bl_options = {"INTERNAL"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        state.notice = ""
        if person := active_person(context.scene):
            clear_result(person)
        return {"FINISHED"}


class SEMBLANCE_OT_apply_rig(bpy.types.Operator):
    bl_idname = "semblance.apply_rig"
    bl_label = texts.BUILD
    bl_description = texts.APPLY_TIP
    bl_options = {"UNDO", "INTERNAL"}

    person: StringProperty(options={"HIDDEN"})

    def execute(self, context: bpy.types.Context) -> set[str]:
        ready, found = state.finished.get(self.person), find_person(self.person)
        timer.forget_job(self.person)
        if ready is None or found is None:
            return {"CANCELLED"}
        scene, person = found
        set_warnings(person, ready.warnings)
        try:
            rig = read_rig(ready.path)
            head = find_head(person.rig, scene) or find_head(person.rig)
            if head and head.mesh.library is None and head.mesh.data.library is None:
                rebuild_head(rig, head)
            else:
                build_head(rig, scene.collection)
        except RigUnreadable as error:
            person.error_code, person.error_message = "rig_unreadable", str(error)
            return {"FINISHED"}
        person.rig = rig.rig_id
        state.notice = t(texts.HEAD_READY, name=person.name)
        return {"FINISHED"}


CLASSES = (SEMBLANCE_OT_build, SEMBLANCE_OT_cancel, SEMBLANCE_OT_dismiss, SEMBLANCE_OT_apply_rig)
