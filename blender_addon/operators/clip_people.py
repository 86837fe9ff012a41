# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is in the clip: looked for by the server, chosen by a button below each face."""

import bpy
from bpy.props import IntProperty

from .. import texts
from ..owners import clear_result, set_error
from ..runtime import jobs
from ..runtime.state import state
from ..takes import people_request, with_id, wrong_span
from ..texts import t


class SEMBLANCE_OT_take_people(bpy.types.Operator):
    bl_idname = "semblance.take_people"
    bl_label = texts.FIND_PEOPLE
    bl_description = texts.FIND_PEOPLE_TIP
    bl_options = {"UNDO", "INTERNAL"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        take = with_id(context.scene.semblance.take)
        if take.uid in state.jobs:
            return {"CANCELLED"}
        clear_result(take)
        if lacks := wrong_span(take) if take.clip else t(texts.NO_CLIP):
            set_error(take, "incomplete", lacks)
            return {"CANCELLED"}
        state.people.pop(take.uid, None)
        jobs.begin(take, people_request(take))
        return {"FINISHED"}


class SEMBLANCE_OT_take_person(bpy.types.Operator):
    bl_idname = "semblance.take_person"
    bl_label = texts.CHOOSE_PERSON
    bl_description = texts.CHOOSE_PERSON_TIP
    bl_options = {"REGISTER", "UNDO"}

    number: IntProperty(options={"HIDDEN"})

    def execute(self, context: bpy.types.Context) -> set[str]:
        take = context.scene.semblance.take
        found = state.people.get(take.uid)
        person = next((one for one in found.people if one.number == self.number), None) if found else None
        if found is None or person is None:
            return {"CANCELLED"}
        take.follow, take.point, take.point_time = "POINT", person.point, found.time
        return {"FINISHED"}


CLASSES = (SEMBLANCE_OT_take_people, SEMBLANCE_OT_take_person)
