# SPDX-License-Identifier: GPL-3.0-or-later
"""Files dropped on a 3D view, in Blenders that let add-ons take them (4.1 on)."""

import bpy

from .. import texts
from ..people import PHOTO_ENDINGS
from .parts import CATEGORY

CLASSES: tuple[type, ...] = ()

if hasattr(bpy.types, "FileHandler"):

    class SEMBLANCE_FH_rig(bpy.types.FileHandler):
        """A rig dropped on a 3D view or on the outliner is built."""

        bl_idname = "SEMBLANCE_FH_rig"
        bl_label = texts.IMPORT
        bl_import_operator = "semblance.import_rig"
        bl_file_extensions = ".semrig"

        @classmethod
        def poll_drop(cls, context: bpy.types.Context) -> bool:
            """Where a rig may be dropped."""
            return context.area is not None and context.area.type in ("VIEW_3D", "OUTLINER")

    class SEMBLANCE_FH_photos(bpy.types.FileHandler):
        """Photos dropped on a 3D view whose sidebar shows Semblance go into the list."""

        bl_idname = "SEMBLANCE_FH_photos"
        bl_label = texts.ADD_PHOTOS
        bl_import_operator = "semblance.photos_add"
        bl_file_extensions = ";".join(PHOTO_ENDINGS)

        @classmethod
        def poll_drop(cls, context: bpy.types.Context) -> bool:
            """Only where the user sees the list; elsewhere Blender's own handling stays."""
            area = context.area
            if area is None or area.type != "VIEW_3D" or not area.spaces.active.show_region_ui:
                return False
            sidebar = next(region for region in area.regions if region.type == "UI")
            return getattr(sidebar, "active_panel_category", CATEGORY) == CATEGORY

    CLASSES = (SEMBLANCE_FH_rig, SEMBLANCE_FH_photos)
