# SPDX-License-Identifier: GPL-3.0-or-later
"""The lists of people and of photos."""

from pathlib import Path
from typing import Any

import bpy

from .. import texts, thumbnails
from ..heads import find_head
from ..people import photo_warnings
from ..runtime.state import state
from ..texts import t


class SEMBLANCE_UL_people(bpy.types.UIList):
    """People by name, with what there is of them."""

    def draw_item(
        self,
        _context: Any,
        layout: bpy.types.UILayout,
        _data: Any,
        person: Any,
        _icon: int,
        _active_data: Any,
        _active_property: str,
    ) -> None:
        row = layout.row(align=True)
        row.prop(person, "name", text="", emboss=False, icon="USER", translate=False)
        job = state.jobs.get(person.uid)
        if job is not None:
            side = row.row()
            side.alignment = "RIGHT"
            side.label(text=t(texts.PROGRESS, percent=round(100 * job.progress.fraction)), translate=False)
        elif person.error_code:
            row.label(text="", icon="ERROR")
        elif person.rig and find_head(person.rig):
            row.label(text="", icon="CHECKMARK")


class SEMBLANCE_UL_photos(bpy.types.UIList):
    """Photos as small pictures, with the name and what is wrong with them."""

    def draw_item(
        self,
        _context: Any,
        layout: bpy.types.UILayout,
        person: Any,
        photo: Any,
        _icon: int,
        _active_data: Any,
        _active_property: str,
    ) -> None:
        path = bpy.path.abspath(photo.path)
        icon = thumbnails.icon(path)
        row = layout.row(align=True)
        if icon:
            row.label(text=Path(path).name, icon_value=icon, translate=False)
        else:
            row.label(text=Path(path).name, icon="FILE_IMAGE", translate=False)
        if photo_warnings(person, photo):
            row.label(text="", icon="ERROR")


CLASSES = (SEMBLANCE_UL_people, SEMBLANCE_UL_photos)
