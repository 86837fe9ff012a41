# SPDX-License-Identifier: GPL-3.0-or-later
"""The list of photos: chosen, dropped or pasted."""

import urllib.parse
import urllib.request
from pathlib import Path

import bpy
from bpy.props import IntProperty, StringProperty

from .. import texts
from ..owners import clear_result
from ..people import PHOTO_ENDINGS, active_person, add_person, add_photos
from ..properties import MOST_PHOTOS
from ..runtime import session
from ..texts import t
from .base import NeedsPerson
from .files import FilesGiven


def _add(operator: bpy.types.Operator, context: bpy.types.Context, paths: list[str]) -> set[str]:
    person = active_person(context.scene)
    if person is None:
        person = add_person(context.scene)
    added, too_many = add_photos(person, paths)
    if too_many:
        operator.report({"WARNING"}, t(texts.TOO_MANY_PHOTOS, count=MOST_PHOTOS))
    else:
        operator.report({"INFO"}, t(texts.PHOTOS_ADDED, count=added))
    return {"FINISHED"}


class SEMBLANCE_OT_photos_add(bpy.types.Operator, FilesGiven):
    bl_idname = "semblance.photos_add"
    bl_label = texts.ADD_PHOTOS
    bl_description = texts.ADD_PHOTOS_TIP
    bl_options = {"REGISTER", "UNDO"}

    filter_glob: StringProperty(
        default=";".join(f"*{ending};*{ending.upper()}" for ending in PHOTO_ENDINGS), options={"HIDDEN"}
    )

    def execute(self, context: bpy.types.Context) -> set[str]:
        return _add(self, context, [str(path) for path in self.paths() if path.is_file()])


class SEMBLANCE_OT_photos_paste(bpy.types.Operator):
    bl_idname = "semblance.photos_paste"
    bl_label = texts.PASTE_PHOTOS
    bl_description = texts.PASTE_PHOTOS_TIP
    bl_options = {"REGISTER", "UNDO", "INTERNAL"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        paths = _paths_in(context.window_manager.clipboard)
        if not paths and (picture := _pasted_picture(context)):
            paths = [picture]
        if not paths:
            self.report({"WARNING"}, t(texts.NOTHING_TO_PASTE))
            return {"CANCELLED"}
        return _add(self, context, paths)


def _paths_in(text: str) -> list[str]:
    """The paths and file:// addresses of photos, one a line; folders mean the photos in them."""
    found: list[str] = []
    for line in text.splitlines():
        name = line.strip().strip("\"'")
        if name.startswith("file:"):
            name = urllib.request.url2pathname(urllib.parse.urlsplit(name).path)
        if not name or len(name) > 4096:
            continue
        path = Path(name).expanduser()
        try:
            inside = sorted(path.iterdir()) if path.is_dir() else [path]
            found += [str(file) for file in inside if _is_photo(file)]
        except OSError:
            continue
    return found


def _is_photo(file: Path) -> bool:
    return file.suffix.lower() in PHOTO_ENDINGS and file.is_file()


def _pasted_picture(context: bpy.types.Context) -> str | None:
    """The clipboard's picture as a file, where Blender can read it (4.0 on, not on every system)."""
    if context.area is None or "clipboard_paste" not in dir(bpy.ops.image):
        return None
    kind, before = context.area.type, set(bpy.data.images)
    try:
        context.area.type = "IMAGE_EDITOR"
        if not bpy.ops.image.clipboard_paste.poll() or "FINISHED" not in bpy.ops.image.clipboard_paste():
            return None
    except RuntimeError:  # how operators say that there is no picture
        return None
    finally:
        context.area.type = kind
    for image in set(bpy.data.images) - before:
        folder = session.data_folder("photos")
        path = folder / f"pasted-{len(list(folder.iterdir())) + 1:04}.png"
        image.file_format = "PNG"
        image.save(filepath=str(path))
        bpy.data.images.remove(image)
        return str(path)
    return None


class SEMBLANCE_OT_photo_remove(NeedsPerson, bpy.types.Operator):
    bl_idname = "semblance.photo_remove"
    bl_label = texts.REMOVE_PHOTO
    bl_description = texts.REMOVE_PHOTO_TIP
    bl_options = {"REGISTER", "UNDO", "INTERNAL"}

    name: StringProperty(options={"HIDDEN", "SKIP_SAVE"})  # a file's name; empty: the chosen line

    def execute(self, context: bpy.types.Context) -> set[str]:
        person = active_person(context.scene)
        named = [at for at, photo in enumerate(person.photos) if Path(photo.path).name == self.name]
        at = named[0] if named else person.active_photo
        if not 0 <= at < len(person.photos):
            return {"CANCELLED"}
        person.photos.remove(at)
        person.active_photo = max(0, min(person.active_photo, len(person.photos) - 1))
        if self.name:
            clear_result(person)
        return {"FINISHED"}


class SEMBLANCE_OT_photo_move(NeedsPerson, bpy.types.Operator):
    bl_idname = "semblance.photo_move"
    bl_label = texts.MOVE_PHOTO
    bl_description = texts.MOVE_PHOTO_TIP
    bl_options = {"REGISTER", "UNDO", "INTERNAL"}

    by: IntProperty(default=1, options={"HIDDEN"})

    def execute(self, context: bpy.types.Context) -> set[str]:
        person = active_person(context.scene)
        target = person.active_photo + self.by
        if not 0 <= target < len(person.photos):
            return {"CANCELLED"}
        person.photos.move(person.active_photo, target)
        person.active_photo = target
        return {"FINISHED"}


class SEMBLANCE_OT_photos_clear(NeedsPerson, bpy.types.Operator):
    bl_idname = "semblance.photos_clear"
    bl_label = texts.CLEAR_PHOTOS
    bl_description = texts.CLEAR_PHOTOS_TIP
    bl_options = {"REGISTER", "UNDO", "INTERNAL"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        person = active_person(context.scene)
        person.photos.clear()
        person.active_photo = 0
        return {"FINISHED"}


class SEMBLANCE_OT_model_set(NeedsPerson, bpy.types.Operator):
    bl_idname = "semblance.model_set"
    bl_label = texts.MODEL
    bl_description = texts.MODEL_TIP
    bl_options = {"REGISTER", "UNDO", "INTERNAL"}

    model: StringProperty(options={"HIDDEN"})

    def execute(self, context: bpy.types.Context) -> set[str]:
        person = active_person(context.scene)
        person.model = self.model
        clear_result(person)
        return {"FINISHED"}


CLASSES = (
    SEMBLANCE_OT_photos_add,
    SEMBLANCE_OT_photos_paste,
    SEMBLANCE_OT_photo_remove,
    SEMBLANCE_OT_photo_move,
    SEMBLANCE_OT_photos_clear,
    SEMBLANCE_OT_model_set,
)
