# SPDX-License-Identifier: GPL-3.0-or-later
"""Shape keys for meshes that have none."""

import uuid

import bpy

from .. import texts
from ..client.keys_job import KeysReady
from ..keyless.geometry import write_geometry
from ..keyless.keys import KeysUnreadable, add_keys
from ..keyless.landmarks import hide_landmarks, keep_landmarks, landmarks_of, show_landmarks
from ..owners import TRANSFER, clear_result, set_error, set_warnings
from ..properties import SemblanceTransfer
from ..runtime import jobs, session
from ..runtime.state import state
from ..texts import t
from ..transfers import chosen_meshes, keys_request, meshes_of, source_rig, with_transfer_id
from .base import AppliesResult


class SEMBLANCE_OT_keys_make(bpy.types.Operator):
    bl_idname = "semblance.keys_make"
    bl_label = texts.MAKE_KEYS
    bl_description = texts.MAKE_KEYS_TIP
    bl_options = {"UNDO", "INTERNAL"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        transfer = with_transfer_id(context.scene.semblance.transfer)
        if transfer.uid in state.jobs:
            return {"CANCELLED"}
        clear_result(transfer)
        meshes, rig = chosen_meshes(context), source_rig(context.scene)
        lacks = texts.NO_MESH_SELECTED if not meshes else texts.NO_SOURCE_HEAD if not rig else ""
        if lacks:
            set_error(transfer, "incomplete", t(lacks))
            return {"CANCELLED"}
        path = session.data_folder("takes") / f"{uuid.uuid4().hex}-mesh.npz"
        try:
            write_geometry(meshes, path)
        except OSError as error:
            set_error(transfer, "not_sent", str(error))
            return {"CANCELLED"}
        transfer.meshes.clear()
        for mesh in meshes:
            row = transfer.meshes.add()
            row.name, row.item = mesh.name, mesh
        transfer.job, transfer.job_key = "", uuid.uuid4().hex
        jobs.begin(transfer, keys_request(transfer, path, rig))
        return {"FINISHED"}


class SEMBLANCE_OT_keys_apply(AppliesResult, bpy.types.Operator):
    bl_idname = "semblance.keys_apply"
    bl_label = texts.APPLY_KEYS
    bl_description = texts.APPLY_KEYS_TIP
    kind = TRANSFER

    def apply(self, result: KeysReady, _scene: bpy.types.Scene, owner: SemblanceTransfer) -> None:
        set_warnings(owner, [("", message) for message in result.warnings])
        meshes = meshes_of(owner)
        try:
            if len(meshes) != len(owner.meshes):
                raise KeysUnreadable
            count = add_keys(meshes, result.path)
            keep_landmarks(meshes[0], result.landmarks)
        except (KeysUnreadable, ValueError):
            set_error(owner, "not_applied", t(texts.MESHES_CHANGED))
            return
        finally:
            result.path.unlink(missing_ok=True)
        state.notice = t(texts.KEYS_READY, name=meshes[0].name, count=count)


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
        jobs.cancel(context.scene.semblance.transfer)
        return {"FINISHED"}


CLASSES = (
    SEMBLANCE_OT_keys_make,
    SEMBLANCE_OT_keys_apply,
    SEMBLANCE_OT_keys_landmarks,
    SEMBLANCE_OT_keys_hide_landmarks,
    SEMBLANCE_OT_keys_cancel,
)
