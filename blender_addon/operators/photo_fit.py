# SPDX-License-Identifier: GPL-3.0-or-later
"""Shows how well a head fits a photo: the fitted camera, the photo over the head, the photo's expression."""

import json

import bpy
from bpy.props import IntProperty
from mathutils import Matrix

from .. import texts
from ..build import Head
from ..expressions import key_names
from ..heads import CAMERA_PROPERTY, SHOWN_PROPERTY, fit_camera, keys_of, picture_of
from ..people import head_in
from ..rig_photos import PhotoFit
from .base import NeedsHead, head_and_photo

_BEFORE_PROPERTY = "semblance_before"  # on the camera: the keys' values before, as JSON
_VIEWS_PROPERTY = "semblance_views"  # on the camera: the views' perspectives before, as JSON
_SENSOR = 36.0  # millimetres


class SEMBLANCE_OT_photo_fit(NeedsHead, bpy.types.Operator):
    bl_idname = "semblance.photo_fit"
    bl_label = texts.SHOW_FIT
    bl_description = texts.SHOW_FIT_TIP
    bl_options = {"REGISTER", "UNDO"}

    photo: IntProperty(options={"HIDDEN"})

    def execute(self, context: bpy.types.Context) -> set[str]:
        found = head_and_photo(context, self.photo)
        if found is None:
            return {"CANCELLED"}
        head, photo = found
        camera = fit_camera(head) or _new_camera(head)
        camera.name = f"{head.mesh.name} {photo.file}"
        camera[SHOWN_PROPERTY] = self.photo
        camera.matrix_parent_inverse = Matrix.Identity(4)
        camera.matrix_basis = Matrix(photo.camera)
        set_lens(camera.data, photo, _aspect(context.scene))
        _set_background(camera.data, picture_of(head, photo))
        for name, value in {**dict.fromkeys(key_names(), 0.0), **photo.expression}.items():
            if name in keys_of(head):
                keys_of(head)[name].value = value
        _look_through(context, camera)
        return {"FINISHED"}


def _new_camera(head: Head) -> bpy.types.Object:
    camera = bpy.data.objects.new("Photo", bpy.data.cameras.new("Photo"))
    head.collection.objects.link(camera)
    camera.parent = head.armature
    camera[CAMERA_PROPERTY] = head.mesh["semblance_rig_id"]
    camera[_BEFORE_PROPERTY] = json.dumps({key.name: key.value for key in keys_of(head)[1:]})
    camera.data.clip_start = 0.01
    camera.data.passepartout_alpha = 0.9
    camera.hide_render = True
    return camera


def _aspect(scene: bpy.types.Scene) -> float:
    render = scene.render
    return render.resolution_x * render.pixel_aspect_x / (render.resolution_y * render.pixel_aspect_y)


def set_lens(camera: bpy.types.Camera, photo: PhotoFit, frame_aspect: float) -> None:
    """Let a camera see what the photo's did, when the picture is fitted into a frame of another aspect.

    Blender measures lens and shift by the side that the sensor is fitted to; that must be the side along
    which the picture fills the frame.
    """
    wide = photo.width / photo.height >= frame_aspect
    side = photo.width if wide else photo.height
    focal = photo.focal[0] if wide else photo.focal[1]
    camera.sensor_fit = "HORIZONTAL" if wide else "VERTICAL"
    camera.sensor_width = camera.sensor_height = _SENSOR
    camera.lens = focal / side * _SENSOR
    camera.shift_x = (photo.width / 2 - photo.centre[0]) / side
    camera.shift_y = (photo.centre[1] - photo.height / 2) / side


def _set_background(camera: bpy.types.Camera, picture: bpy.types.Image | None) -> None:
    camera.background_images.clear()
    camera.show_background_images = True
    if picture is None:
        return
    background = camera.background_images.new()
    background.image = picture
    background.display_depth = "FRONT"
    background.frame_method = "FIT"
    background.alpha = 0.5


def _look_through(context: bpy.types.Context, camera: bpy.types.Object) -> None:
    views = _views(context)
    if not any(space.camera == camera for space in views):
        camera[_VIEWS_PROPERTY] = json.dumps([space.region_3d.view_perspective for space in views])
    for space in views:
        space.use_local_camera = True
        space.camera = camera
        space.region_3d.view_perspective = "CAMERA"


def _views(context: bpy.types.Context) -> list[bpy.types.SpaceView3D]:
    if context.space_data is not None and context.space_data.type == "VIEW_3D":
        return [context.space_data]
    screen = context.screen
    areas = screen.areas if screen else ()
    return [area.spaces.active for area in areas if area.type == "VIEW_3D"]


class SEMBLANCE_OT_photo_fit_end(NeedsHead, bpy.types.Operator):
    bl_idname = "semblance.photo_fit_end"
    bl_label = texts.END_FIT
    bl_description = texts.END_FIT_TIP
    bl_options = {"REGISTER", "UNDO"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        head = head_in(context)
        camera = fit_camera(head)
        if camera is None:
            return {"CANCELLED"}
        before, perspectives = _remembered(camera)
        for name, value in before.items():
            if name in keys_of(head):
                keys_of(head)[name].value = float(value)
        views = [space for space in _views(context) if space.camera == camera]
        perspectives += ["PERSP"] * len(views)
        for space, perspective in zip(views, perspectives):  # noqa: B905 (as many as there are)
            space.use_local_camera = False
            space.camera = context.scene.camera
            space.region_3d.view_perspective = perspective
        bpy.data.cameras.remove(camera.data)
        return {"FINISHED"}


def _remembered(camera: bpy.types.Object) -> tuple[dict[str, float], list[str]]:
    """The keys' values and the views' perspectives before; files hold what their users made of them."""
    try:
        values = dict(json.loads(camera.get(_BEFORE_PROPERTY, "{}")))
        views = list(json.loads(camera.get(_VIEWS_PROPERTY, "[]")))
    except (ValueError, TypeError):
        return {}, []
    return values, [view if view in ("ORTHO", "CAMERA") else "PERSP" for view in views]


CLASSES = (SEMBLANCE_OT_photo_fit, SEMBLANCE_OT_photo_fit_end)
