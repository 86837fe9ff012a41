# SPDX-License-Identifier: GPL-3.0-or-later
"""The built head: its relief, its photos and its files. The sliders are in :mod:`.expression_panels`."""

import bpy

from .. import texts
from ..build.displacement import strength_of
from ..build.head import MODEL_PROPERTY
from ..heads import SHOWN_PROPERTY, find_head, fit_camera, head_of, photos_of
from ..people import active_person, head_in
from ..rig_photos import PhotoFit
from ..texts import t
from .parts import SidebarPanel, sentence


class SEMBLANCE_PT_head(SidebarPanel, bpy.types.Panel):
    """The head of the active object, or of the chosen person."""

    bl_idname = "SEMBLANCE_PT_head"
    bl_label = texts.HEAD

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return head_in(context) is not None

    def draw(self, context: bpy.types.Context) -> None:
        layout, head = self.layout, head_in(context)
        row = layout.row(align=True)
        row.label(text=head.mesh.name, icon="MESH_MONKEY", translate=False)
        person = active_person(context.scene)
        if head_of(context.object) is None and person and find_head(person.rig, context.scene):
            row.operator("semblance.head_select", icon="RESTRICT_SELECT_OFF")
        else:
            side = row.row()
            side.alignment = "RIGHT"
            side.active = False
            side.label(text=str(head.mesh.get(MODEL_PROPERTY, "")), translate=False)
        strength = strength_of(head.mesh.data)
        if strength is not None:
            layout.prop(strength, "default_value", text=texts.RELIEF, slider=True)
        row = layout.row(align=True).split(factor=0.38, align=True)
        row.label(text=texts.EXPORT, icon="EXPORT")
        row = row.row(align=True)
        row.operator("semblance.export", text=texts.EXPORT_GLB).ending = ".glb"
        row.operator("semblance.export", text=texts.EXPORT_OBJ).ending = ".obj"


class SEMBLANCE_PT_fitted_photos(SidebarPanel, bpy.types.Panel):
    """How well the head fits its photos, and their expressions."""

    bl_idname = "SEMBLANCE_PT_fitted_photos"
    bl_parent_id = "SEMBLANCE_PT_head"
    bl_label = texts.PHOTO_FIT

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return head_in(context) is not None

    def draw(self, context: bpy.types.Context) -> None:
        layout, head = self.layout, head_in(context)
        camera = fit_camera(head)
        if camera is not None:
            for background in camera.data.background_images:
                layout.prop(background, "alpha", text=texts.OPACITY, slider=True)
            layout.operator("semblance.photo_fit_end", icon="LOOP_BACK")
        photos = photos_of(head)
        if not photos:
            sentence(layout, context, t(texts.NO_FITTED_PHOTOS), "INFO")
        column = layout.column(align=True)
        for index, photo in enumerate(photos):
            shown = camera is not None and camera.get(SHOWN_PROPERTY) == index
            column.label(text=photo.file, icon="HIDE_OFF" if shown else "IMAGE_DATA", translate=False)
            _draw_lens(column, context, photo)
            row = column.row(align=True)
            row.operator("semblance.photo_fit", depress=shown).photo = index
            row.operator("semblance.photo_pose", text=texts.EXPRESSION).photo = index


def _draw_lens(layout: bpy.types.UILayout, context: bpy.types.Context, photo: PhotoFit) -> None:
    """What lens the photo was taken with, and who says so."""
    lenses = {**texts.LENSES, **texts.SHARED_LENSES} if photo.lens_of else texts.LENSES
    if photo.lens in lenses:
        sentence(layout, context, t(lenses[photo.lens], mm=round(photo.equivalent), file=photo.lens_of))


CLASSES = (SEMBLANCE_PT_head, SEMBLANCE_PT_fitted_photos)
