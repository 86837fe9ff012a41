# SPDX-License-Identifier: GPL-3.0-or-later
"""Shape keys for meshes that have none."""

import uuid

import bpy
from bpy.props import StringProperty

from .. import texts
from ..client import messages as say
from ..keyless.geometry import write_geometry
from ..keyless.keys import KeysUnreadable, add_keys
from ..keyless.landmarks import hide_landmarks, keep_landmarks, landmarks_of, show_landmarks
from ..people import clear_result, set_warnings
from ..runtime import session, timer
from ..runtime.state import state
from ..texts import t
from ..transfers import (
    chosen_meshes,
    find_transfer,
    meshes_of,
    source_rig,
    transfer_request,
    with_transfer_id,
)


class SEMBLANCE_OT_keys_make(bpy.types.Operator):
    bl_idname = "semblance.keys_make"
    bl_label = texts.MAKE_KEYS
    bl_description = texts.MAKE_KEYS_TIP
    bl_options = {"UNDO", "INTERNAL"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        transfer = with_transfer_id(context.scene.semblance.transfer)
        if transfer.uid in state.progress:
            return {"CANCELLED"}
        clear_result(transfer)
        meshes, rig = chosen_meshes(context), source_rig(context.scene)
        lacks = texts.NO_MESH_SELECTED if not meshes else texts.NO_SOURCE_HEAD if not rig else ""
        if lacks:
            transfer.error_code, transfer.error_message = "incomplete", t(lacks)
            return {"CANCELLED"}
        path = session.data_folder("takes") / f"{uuid.uuid4().hex}-mesh.npz"
        try:
            write_geometry(meshes, path)
        except OSError as error:
            transfer.error_code, transfer.error_message = "not_sent", str(error)
            return {"CANCELLED"}
        transfer.meshes.clear()
        for mesh in meshes:
            row = transfer.meshes.add()
            row.name, row.item = mesh.name, mesh
        transfer.job, transfer.job_key = "", uuid.uuid4().hex
        state.progress[transfer.uid] = say.Progress(transfer.uid, "send", 0.0)
        state.notice = ""
        session.post(transfer_request(transfer, path, rig))
        return {"FINISHED"}


class SEMBLANCE_OT_keys_apply(bpy.types.Operator):
    bl_idname = "semblance.keys_apply"
    bl_label = texts.APPLY_KEYS
    bl_description = texts.APPLY_KEYS_TIP
    bl_options = {"UNDO", "INTERNAL"}

    transfer: StringProperty(options={"HIDDEN"})

    def execute(self, context: bpy.types.Context) -> set[str]:
        ready, found = state.keys.get(self.transfer), find_transfer(self.transfer)
        timer.forget_job(self.transfer)
        if ready is None or found is None:
            return {"CANCELLED"}
        transfer = found[1]
        set_warnings(transfer, [("", message) for message in ready.warnings])
        meshes = meshes_of(transfer)
        try:
            if len(meshes) != len(transfer.meshes):
                raise KeysUnreadable
            count = add_keys(meshes, ready.path)
            keep_landmarks(meshes[0], ready.landmarks)
        except (KeysUnreadable, ValueError):
            transfer.error_code, transfer.error_message = "not_applied", t(texts.MESHES_CHANGED)
            return {"FINISHED"}
        finally:
            ready.path.unlink(missing_ok=True)
        state.notice = t(texts.KEYS_READY, name=meshes[0].name, count=count)
        return {"FINISHED"}


class SEMBLANCE_OT_keys_landmarks(bpy.types.Operator):
    bl_idname = "semblance.keys_landmarks"
    bl_label = texts.SHOW_LANDMARKS
    bl_description = texts.SHOW_LANDMARKS_TIP
    bl_options = {"REGISTER", "UNDO"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        meshes = chosen_meshes(context)
        if not meshes:
            self.report({"WARNING"}, t(texts.NO_MESH_SELECTED))
            return {"CANCELLED"}
        show_landmarks(meshes[0])
        return {"FINISHED"}


class SEMBLANCE_OT_keys_hide_landmarks(bpy.types.Operator):
    bl_idname = "semblance.keys_hide_landmarks"
    bl_label = texts.HIDE_LANDMARKS
    bl_description = texts.HIDE_LANDMARKS_TIP
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return bool(landmarks_of(chosen_meshes(context)))

    def execute(self, context: bpy.types.Context) -> set[str]:
        for mesh in chosen_meshes(context):
            if landmarks_of([mesh]):
                hide_landmarks(mesh)
        return {"FINISHED"}


class SEMBLANCE_OT_keys_cancel(bpy.types.Operator):
    bl_idname = "semblance.keys_cancel"
    bl_label = texts.CANCEL
    bl_description = texts.CANCEL_TRACK_TIP
    bl_options = {"INTERNAL"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        transfer = context.scene.semblance.transfer
        session.post(say.CancelJob(transfer.uid, transfer.job or state.jobs.get(transfer.uid, "")))
        now = state.progress.get(transfer.uid)
        if now is not None and now.note:  # the server does not answer: do not wait for it
            session.post(say.Forget(transfer.uid))
            timer.forget_job(transfer.uid)
        return {"FINISHED"}


CLASSES = (
    SEMBLANCE_OT_keys_make,
    SEMBLANCE_OT_keys_apply,
    SEMBLANCE_OT_keys_landmarks,
    SEMBLANCE_OT_keys_hide_landmarks,
    SEMBLANCE_OT_keys_cancel,
)
