# SPDX-License-Identifier: GPL-3.0-or-later
"""What operators share."""

from typing import Any, ClassVar

import bpy
from bpy.props import StringProperty

from .. import texts
from ..build import Head
from ..heads import photos_of
from ..owners import OwnerKind
from ..people import active_person, head_in
from ..rig_photos import PhotoFit
from ..runtime import jobs
from ..runtime.state import state
from ..texts import t


class NeedsPerson:
    """Greyed out where no person is chosen."""

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return active_person(context.scene) is not None


class NeedsHead:
    """Greyed out where there is no head."""

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if head_in(context) is None:
            cls.poll_message_set(t(texts.NO_HEAD))  # type: ignore[attr-defined]
            return False
        return True


def set_keys(context: bpy.types.Context, head: Head, values: dict[str, float]) -> None:
    """Set shape keys by name; with auto keying on, also insert keyframes."""
    keys = head.mesh.data.shape_keys.key_blocks
    for name, value in values.items():
        if name in keys and keys[name].value != value:
            keys[name].value = value
            if context.scene.tool_settings.use_keyframe_insert_auto:
                keys[name].keyframe_insert("value")


def head_and_photo(context: bpy.types.Context, index: int) -> tuple[Head, PhotoFit] | None:
    """The head that the panel works on and one of its photos, if there is such a photo."""
    head = head_in(context)
    photos = photos_of(head)
    return (head, photos[index]) if index < len(photos) else None


class AppliesResult:
    """Takes an owner's result into the scene, as one step to undo. The timer calls it."""

    bl_options = {"UNDO", "INTERNAL"}
    kind: ClassVar[OwnerKind]

    owner: StringProperty(options={"HIDDEN"})

    def execute(self, _context: bpy.types.Context) -> set[str]:
        job, found = state.jobs.get(self.owner), self.kind.find(self.owner)
        jobs.end(self.owner)
        if job is None or job.result is None or found is None:
            return {"CANCELLED"}
        self.apply(job.result, *found)
        return {"FINISHED"}

    def apply(self, result: Any, scene: bpy.types.Scene, owner: Any) -> None:
        """Do it (``result`` is of the kind's own type); what goes wrong is said with the owner."""
        raise NotImplementedError
