# SPDX-License-Identifier: GPL-3.0-or-later
"""Building a head: the job is handed over, and its result taken in."""

import uuid

import bpy

from .. import texts
from ..build import build_head, rebuild_head
from ..client.rig_job import RigReady
from ..heads import find_head
from ..owners import PERSON, clear_result, set_error, set_warnings
from ..people import active_person, photo_paths, rig_request
from ..properties import SemblancePerson
from ..rig_file import RigUnreadable, read_rig
from ..runtime import jobs
from ..runtime.state import state
from ..texts import t
from .base import AppliesResult, NeedsPerson


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
        if person.uid in state.jobs:
            return {"CANCELLED"}
        clear_result(person)
        paths = photo_paths(person)
        missing = [path for path in paths if not path.is_file()]
        if not paths or missing:
            lacks = f"{missing[0].name}: {t(texts.PHOTO_MISSING)}" if missing else t(texts.NO_PHOTOS_ERROR)
            set_error(person, "unreadable_media", lacks)
            return {"CANCELLED"}
        person.job, person.job_key = "", uuid.uuid4().hex
        jobs.begin(person, rig_request(person))
        return {"FINISHED"}


class SEMBLANCE_OT_cancel(NeedsPerson, bpy.types.Operator):
    bl_idname = "semblance.cancel"
    bl_label = texts.CANCEL
    bl_description = texts.CANCEL_TIP
    bl_options = {"INTERNAL"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        jobs.cancel(active_person(context.scene))
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


class SEMBLANCE_OT_apply_rig(AppliesResult, bpy.types.Operator):
    bl_idname = "semblance.apply_rig"
    bl_label = texts.BUILD
    bl_description = texts.APPLY_TIP
    kind = PERSON

    def apply(self, result: RigReady, scene: bpy.types.Scene, owner: SemblancePerson) -> None:
        set_warnings(owner, result.warnings)
        try:
            rig = read_rig(result.path)
            head = find_head(owner.rig, scene) or find_head(owner.rig)
            if head and head.mesh.library is None and head.mesh.data.library is None:
                rebuild_head(rig, head)
            else:
                build_head(rig, scene.collection)
        except RigUnreadable as error:
            set_error(owner, "rig_unreadable", str(error))
            return
        owner.rig = rig.rig_id
        state.notice = t(texts.HEAD_READY, name=owner.name)


CLASSES = (SEMBLANCE_OT_build, SEMBLANCE_OT_cancel, SEMBLANCE_OT_dismiss, SEMBLANCE_OT_apply_rig)
