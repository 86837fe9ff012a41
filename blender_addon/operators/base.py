# SPDX-License-Identifier: GPL-3.0-or-later
"""What operators share."""

from __future__ import annotations

from typing import Any

import bpy

from .. import texts
from ..build import Head
from ..client import messages as say
from ..heads import photos_of
from ..people import active_person, head_in
from ..rig_photos import PhotoFit
from ..runtime import session, timer
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


def cancel_job(owner: Any) -> None:
    """Stop the job of a person or a performance; a server that does not answer is not waited for.

    Tracking that has seen some frames ends early and keeps them; cancelled again, it keeps nothing.
    """
    now, job = state.progress.get(owner.uid), owner.job or state.jobs.get(owner.uid, "")
    keep = now is not None and now.frame is not None and not now.note and owner.uid not in state.stopping
    if keep:
        state.stopping.add(owner.uid)
    session.post(say.CancelJob(owner.uid, job, keep))
    if now is not None and now.note:
        session.post(say.Forget(owner.uid))
        timer.forget_job(owner.uid)
