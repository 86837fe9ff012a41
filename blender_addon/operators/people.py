# SPDX-License-Identifier: GPL-3.0-or-later
"""The list of people."""

import bpy

from .. import texts
from ..client import messages as say
from ..heads import find_head
from ..people import active_person, add_person
from ..runtime import jobs, session
from ..runtime.state import state
from .base import NeedsPerson


class SEMBLANCE_OT_person_add(bpy.types.Operator):
    bl_idname = "semblance.person_add"
    bl_label = texts.ADD_PERSON
    bl_description = texts.ADD_PERSON_TIP
    bl_options = {"REGISTER", "UNDO", "INTERNAL"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        add_person(context.scene)
        return {"FINISHED"}


class SEMBLANCE_OT_person_remove(NeedsPerson, bpy.types.Operator):
    bl_idname = "semblance.person_remove"
    bl_label = texts.REMOVE_PERSON
    bl_description = texts.REMOVE_PERSON_TIP
    bl_options = {"REGISTER", "UNDO", "INTERNAL"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        person = active_person(context.scene)
        if person.uid in state.jobs:
            session.post(say.CancelJob(person.uid, person.job))
            jobs.abandon(person.uid)
        listed = context.scene.semblance
        listed.people.remove(listed.active)
        listed.active = max(0, min(listed.active, len(listed.people) - 1))
        return {"FINISHED"}


class SEMBLANCE_OT_head_select(NeedsPerson, bpy.types.Operator):
    bl_idname = "semblance.head_select"
    bl_label = texts.SELECT_HEAD
    bl_description = texts.SELECT_HEAD_TIP
    bl_options = {"REGISTER", "UNDO", "INTERNAL"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        head = find_head(active_person(context.scene).rig, context.scene)
        if head is None:
            return {"CANCELLED"}
        for item in context.view_layer.objects:
            item.select_set(item == head.mesh)
        context.view_layer.objects.active = head.mesh
        return {"FINISHED"}


CLASSES = (SEMBLANCE_OT_person_add, SEMBLANCE_OT_person_remove, SEMBLANCE_OT_head_select)
