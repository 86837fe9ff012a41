# SPDX-License-Identifier: GPL-3.0-or-later
"""The sidebar: server, people, photos, options, and the job in work."""

from pathlib import Path
from typing import Any

import bpy

from .. import texts, thumbnails
from ..diagnosis import fix_of
from ..owners import PERSON
from ..people import active_person, photo_warnings
from ..runtime import session
from ..runtime.state import state
from ..server_choice import is_local
from ..texts import t
from .job_parts import draw_fix, draw_job
from .parts import SidebarPanel, sentence


class SEMBLANCE_PT_main(SidebarPanel, bpy.types.Panel):
    """Server and people."""

    bl_idname = "SEMBLANCE_PT_main"
    bl_label = texts.SEMBLANCE

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout
        if session.running() is None and not bpy.app.background:
            session.worker()  # looks for the server from now on
        _draw_server(layout, context)
        listed = context.scene.semblance
        row = layout.row()
        row.template_list("SEMBLANCE_UL_people", "", listed, "people", listed, "active", rows=2, maxrows=5)
        side = row.column(align=True)
        side.operator("semblance.person_add", text="", icon="ADD")
        side.operator("semblance.person_remove", text="", icon="REMOVE")
        if active_person(context.scene) is None:
            sentence(layout, context, t(texts.NO_PERSON), "INFO")
        if state.notice:
            row = layout.box().row()
            sentence(row, context, state.notice, "INFO", margin=84)
            row.operator("semblance.dismiss", text="", icon="X", emboss=False)


SERVER_TEXTS = {
    "ready": (texts.SERVER_READY, "CHECKMARK"),
    "starting": (texts.SERVER_STARTING, "SORTTIME"),
    "stopped": (texts.SERVER_STOPPED, "UNLINKED"),
    "unreachable": (texts.SERVER_UNREACHABLE, "ERROR"),
    "wrong": (texts.SERVER_WRONG, "ERROR"),
    "offline": (texts.SERVER_OFFLINE, "ERROR"),
}


def _draw_server(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    server = state.server
    text, icon = SERVER_TEXTS.get(server.state if server else "", (texts.SERVER_UNKNOWN, "SORTTIME"))
    box = layout if server is None or server.state in ("ready", "starting") else layout.box()
    row = box.row(align=True)
    words = [t(text)]
    if server is not None and server.state == "ready":
        words = [t(texts.SERVER_BUSY if server.worker == "busy" else text), server.device.upper()]
        words += [t(texts.QUEUED, count=server.queued)] if server.queued else []
    row.label(text=" · ".join(filter(None, words)), icon=icon, translate=False)
    row.operator("semblance.preferences", text="", icon="PREFERENCES", emboss=False)
    if server is None or server.state in ("ready", "starting"):
        return
    if server.state != "stopped" or server.code not in ("not_running", "unreachable"):
        sentence(box, context, f"{server.message} {server.hint}".strip())
    if server.state == "stopped" and is_local():
        row = box.row()
        row.scale_y = 1.3
        row.operator("semblance.server_start", icon="PLAY")
    else:
        draw_fix(box, server.code)


class _PersonPanel(SidebarPanel):
    bl_parent_id = "SEMBLANCE_PT_main"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return active_person(context.scene) is not None


class SEMBLANCE_PT_photos(_PersonPanel, bpy.types.Panel):
    """The chosen person's photos."""

    bl_idname = "SEMBLANCE_PT_photos"
    bl_label = texts.PHOTOS

    def draw(self, context: bpy.types.Context) -> None:
        layout, person = self.layout, active_person(context.scene)
        row = layout.row()
        rows = max(2, min(5, len(person.photos)))
        row.template_list(
            "SEMBLANCE_UL_photos", "", person, "photos", person, "active_photo", rows=rows, maxrows=6
        )
        side = row.column(align=True)
        side.operator("semblance.photos_add", text="", icon="ADD")
        side.operator("semblance.photo_remove", text="", icon="REMOVE").name = ""
        side.menu("SEMBLANCE_MT_photos", text="", icon="DOWNARROW_HLT")
        if len(person.photos) > 1:
            side.separator()
            side.operator("semblance.photo_move", text="", icon="TRIA_UP").by = -1
            side.operator("semblance.photo_move", text="", icon="TRIA_DOWN").by = 1
        if not person.photos:
            sentence(layout, context, t(texts.NO_PHOTOS), "INFO")
            layout.operator("semblance.photos_add", icon="FILE_IMAGE")
        elif 0 <= person.active_photo < len(person.photos):
            _draw_photo(layout, context, person, person.photos[person.active_photo])


def _draw_photo(layout: bpy.types.UILayout, context: bpy.types.Context, person: Any, photo: Any) -> None:
    """The chosen photo, large enough to be recognised, and what the result says about it."""
    path = bpy.path.abspath(photo.path)
    name = Path(path).name
    icon = thumbnails.icon(path)
    missing = not icon and not Path(path).is_file()
    if not (icon or missing or photo_warnings(person, photo)):
        return
    box = layout.box()
    if icon:
        box.template_icon(icon_value=icon, scale=5.0)
    if missing:
        sentence(box, context, t(texts.PHOTO_MISSING), "ERROR")
    for warning in photo_warnings(person, photo):
        text = warning.removeprefix(f"{name}: ")  # the name stands above
        sentence(box, context, text[:1].upper() + text[1:], "ERROR")


class SEMBLANCE_PT_options(_PersonPanel, bpy.types.Panel):
    """How the head is made."""

    bl_idname = "SEMBLANCE_PT_options"
    bl_label = texts.OPTIONS
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        layout, person = self.layout, active_person(context.scene)
        layout.use_property_split = True
        layout.use_property_decorate = False
        layout.prop(person, "name", translate=False)
        row = layout.row().split(factor=0.4)
        label = row.row()
        label.alignment = "RIGHT"
        label.label(text=texts.MODEL)
        row.menu("SEMBLANCE_MT_models", text=person.model, translate=False)
        layout.prop(person, "quality")
        layout.prop(person, "texture_size")
        layout.prop(person, "focal")
        row = layout.row()
        row.enabled = person.focal > 0
        row.prop(person, "sensor")


class SEMBLANCE_PT_build(_PersonPanel, bpy.types.Panel):
    """The button, or the job's progress; then what came of it."""

    bl_idname = "SEMBLANCE_PT_build"
    bl_label = texts.BUILD
    bl_options = {"HIDE_HEADER"}

    def draw(self, context: bpy.types.Context) -> None:
        layout, person = self.layout, active_person(context.scene)
        if not draw_job(layout, context, PERSON, person):
            row = layout.row()
            row.scale_y = 1.6
            row.enabled = bool(person.photos)
            text = texts.REBUILD if person.rig else texts.BUILD
            row.operator("semblance.build", text=text, icon="USER")
        if person.error_message:
            _draw_error(layout, context, person)
        _draw_warnings(layout, context, person)


_OF_ONE_PHOTO = ("no_face_found", "unreadable_media", "unsupported_media", "too_large")


def _draw_error(layout: bpy.types.UILayout, context: bpy.types.Context, person: Any) -> None:
    box = layout.box()
    row = box.row(align=True)
    row.alert = True
    row.label(text=texts.FAILED, icon="ERROR")
    row.operator("semblance.dismiss", text="", icon="X", emboss=False)
    sentence(box, context, person.error_message)
    if person.error_hint:
        sentence(box, context, person.error_hint)
    named = [Path(photo.path).name for photo in person.photos]
    guilty = [name for name in named if name in person.error_message]
    if guilty and person.error_code in _OF_ONE_PHOTO:
        text = t(texts.REMOVE_NAMED_PHOTO, name=guilty[0])
        box.operator("semblance.photo_remove", text=text, icon="REMOVE", translate=False).name = guilty[0]
    elif person.error_code.startswith("model_") and person.model != "anny":
        box.operator("semblance.model_set", text=texts.USE_DEFAULT_MODEL).model = "anny"
    elif fix_of(person.error_code):
        draw_fix(box, person.error_code)
    elif person.photos:
        box.operator("semblance.build", text=texts.TRY_AGAIN, icon="FILE_REFRESH")


def _draw_warnings(layout: bpy.types.UILayout, context: bpy.types.Context, person: Any) -> None:
    """Every warning that is not shown with the chosen photo."""
    chosen = person.photos[person.active_photo] if 0 <= person.active_photo < len(person.photos) else None
    shown = photo_warnings(person, chosen) if chosen else []
    rest = [row.message for row in person.warnings if row.message not in shown]
    if rest:
        box = layout.box()
        box.label(text=texts.WARNINGS, icon="INFO")
        for message in rest:
            sentence(box, context, message, "DOT")


CLASSES = (SEMBLANCE_PT_main, SEMBLANCE_PT_photos, SEMBLANCE_PT_options, SEMBLANCE_PT_build)
