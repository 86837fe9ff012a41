# SPDX-License-Identifier: GPL-3.0-or-later
"""What operators share."""

from __future__ import annotations

import bpy

from .. import texts
from ..build import Head
from ..people import active_person, head_in
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
