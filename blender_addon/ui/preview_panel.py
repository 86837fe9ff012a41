# SPDX-License-Identifier: GPL-3.0-or-later
"""A photo that follows its rig, in the head's panel."""

import bpy

from .. import texts
from ..heads import photos_of
from ..people import head_in
from ..runtime import preview
from ..runtime.state import state
from ..texts import t
from .parts import SidebarPanel, sentence


class SEMBLANCE_PT_preview(SidebarPanel, bpy.types.Panel):
    """The photos, how the picture is shown, and how it goes."""

    bl_idname = "SEMBLANCE_PT_preview"
    bl_parent_id = "SEMBLANCE_PT_head"
    bl_label = texts.PREVIEW
    bl_options = {"DEFAULT_CLOSED"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return head_in(context) is not None

    def draw(self, context: bpy.types.Context) -> None:
        layout, head = self.layout, head_in(context)
        settings = context.scene.semblance.preview
        photos = photos_of(head)
        if not photos:
            sentence(layout, context, t(texts.NO_FITTED_PHOTOS), "INFO")
            return
        if state.preview is None:
            sentence(layout, context, t(texts.PREVIEW_ABOUT))
        if state.preview_ended is not None:
            ended = state.preview_ended
            sentence(layout, context, f"{ended.message} {ended.hint}".strip(), "ERROR", alert=True)
        column = layout.column(align=True)
        for index, photo in enumerate(photos):
            shown = preview.shows(head, index)
            row = column.row(align=True)
            row.label(text=photo.file, icon="HIDE_OFF" if shown else "IMAGE_DATA", translate=False)
            if shown:
                row.operator("semblance.preview_stop", text="", icon="PAUSE")
                column.label(text=_words(), icon="BLANK1", translate=False)
            else:
                row.operator("semblance.preview_start", icon="PLAY").photo = index
        column = layout.column()
        column.use_property_split = True
        column.use_property_decorate = False
        row = column.row()
        row.active = state.preview is None
        row.prop(settings, "size")
        column.prop(settings, "place")
        column.prop(settings, "share")


def _words() -> str:
    stage = state.preview.stage if state.preview else ""
    if stage == "connect":
        return t(texts.PREVIEW_CONNECTING)
    if stage == "prepare":
        return t(texts.PREVIEW_PREPARING)
    now = round(preview.pictures_a_second())
    return t(texts.PREVIEW_RUNNING, fps=now) if now else t(texts.PREVIEW_UP_TO_DATE)


CLASSES = (SEMBLANCE_PT_preview,)
