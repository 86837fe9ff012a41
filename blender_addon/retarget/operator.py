# SPDX-License-Identifier: GPL-3.0-or-later
"""Writing a performance as one step that can be undone."""

from __future__ import annotations

import bpy

from .animation_file import AnimationUnreadable, read_animation
from .take import Placement, Targets, WrongTarget, apply_animation


class SEMBLANCE_OT_apply_animation(bpy.types.Operator):
    """Write a performance onto the selected character"""

    bl_idname = "semblance.apply_animation"
    bl_label = "Apply Performance"
    bl_options = {"REGISTER", "UNDO"}

    filepath: bpy.props.StringProperty(name="Animation", subtype="FILE_PATH")
    meshes: bpy.props.StringProperty(name="Meshes", description="Objects with shape keys, one on each line")
    head: bpy.props.StringProperty(name="Head", description="Object or armature")
    head_bone: bpy.props.StringProperty(name="Head Bone")
    neck_bone: bpy.props.StringProperty(name="Neck Bone")
    neck_share: bpy.props.FloatProperty(name="Neck Share", default=0.4, min=0.0, max=1.0)
    left_eye: bpy.props.StringProperty(
        name="Left Eye", description="Bone of the armature or, without a head bone, object"
    )
    right_eye: bpy.props.StringProperty(
        name="Right Eye", description="Bone of the armature or, without a head bone, object"
    )
    aim: bpy.props.StringProperty(name="Aim Target")
    place: bpy.props.BoolProperty(name="Move Head")
    start: bpy.props.FloatProperty(name="Start Frame", default=1.0)
    keep: bpy.props.BoolProperty(name="Into Current Action", description="Keep keys outside the take")
    strip: bpy.props.BoolProperty(name="NLA Strip")

    def execute(self, context: bpy.types.Context) -> set[str]:
        objects = context.scene.objects
        names = [name for name in self.meshes.splitlines() if name]
        eyes = (self.left_eye, self.right_eye) if self.left_eye and self.right_eye else None
        eye_objects = eyes if eyes and not self.head_bone else ()
        wanted = (*names, self.head, self.aim, *eye_objects)
        missing = [name for name in wanted if name and name not in objects]
        if missing:
            self.report({"ERROR"}, f"{missing[0]} is not in this scene. Choose another object.")
            return {"CANCELLED"}
        targets = Targets(
            meshes={name: objects[name] for name in names},
            head=objects.get(self.head),
            head_bone=self.head_bone,
            neck_bone=self.neck_bone,
            neck_share=self.neck_share,
            eyes=(objects[eyes[0]], objects[eyes[1]]) if eyes and not self.head_bone else None,
            eye_bones=eyes if self.head_bone else None,
            aim=objects.get(self.aim),
            place=self.place,
        )
        placement = Placement(self.start, self.keep, self.strip)
        try:
            apply_animation(read_animation(self.filepath), targets, context.scene, placement)
        except (AnimationUnreadable, WrongTarget) as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        return {"FINISHED"}


CLASSES = (SEMBLANCE_OT_apply_animation,)
