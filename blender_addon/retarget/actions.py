# SPDX-License-Identifier: GPL-3.0-or-later
"""Actions and their curves in every Blender: with layers and slots since 4.4, without before."""

from __future__ import annotations

from typing import Any

import bpy
import numpy as np

_LINEAR = bpy.types.Keyframe.bl_rna.properties["interpolation"].enum_items["LINEAR"].value
_VECTOR = bpy.types.Keyframe.bl_rna.properties["handle_left_type"].enum_items["VECTOR"].value
_PER_KEY = {"co": 2, "handle_left": 2, "handle_right": 2}  # numbers a key; the others have one
_WHOLE = ("interpolation", "easing", "handle_left_type", "handle_right_type", "type")


def has_slots() -> bool:
    """Whether one action can animate several things (Blender 4.4)."""
    return hasattr(bpy.types, "ActionSlot")


class Take:
    """A new action for each thing that is animated or, where actions have slots, one for all.

    With ``keep``, curves go into the actions that the things have already.
    """

    def __init__(self, name: str, keep: bool = False) -> None:
        self.name, self.keep = name, keep
        self._shared: bpy.types.Action | None = None
        self._bags: dict[bpy.types.ID, Any] = {}  # actions, or channel bags of their slots

    @property
    def animated(self) -> tuple[bpy.types.ID, ...]:
        """What got curves."""
        return tuple(self._bags)

    def curve(self, owner: bpy.types.ID, path: str, index: int = 0, group: str = "") -> bpy.types.FCurve:
        """The curve of a property, made where it is missing."""
        if owner not in self._bags:
            self._bags[owner] = self._bag_of(owner)
        bag = self._bags[owner]
        found = bag.fcurves.find(path, index=index)
        if found is None:
            found = bag.fcurves.new(path, index=index)
            if group:
                found.group = bag.groups.get(group) or bag.groups.new(group)
        return found

    def write(
        self,
        owner: bpy.types.ID,
        path: str,
        frames: np.ndarray,
        values: np.ndarray,
        index: int = 0,
        group: str = "",
    ) -> None:
        """Write a property's keys; see :func:`write_keys`."""
        write_keys(self.curve(owner, path, index, group), frames, values)

    def _bag_of(self, owner: bpy.types.ID) -> Any:
        data = owner.animation_data or owner.animation_data_create()
        old = data.action
        if old is not None and not self.keep:
            old.use_fake_user = True  # the take takes its place; it must not be lost on saving
        if not has_slots():
            if old is None or not self.keep:
                data.action = bpy.data.actions.new(f"{self.name} {owner.name}"[:60])
            return data.action
        if old is not None and self.keep:
            slot = data.action_slot or old.slots.new(id_type=owner.id_type, name=owner.name)
            data.action_slot = slot
            return _bag(old, slot)
        if self._shared is None:
            self._shared = bpy.data.actions.new(self.name[:60])
        slot = self._shared.slots.new(id_type=owner.id_type, name=owner.name)
        data.action = self._shared
        data.action_slot = slot
        return _bag(self._shared, slot)


def _bag(action: bpy.types.Action, slot: Any) -> Any:
    layer = action.layers[0] if action.layers else action.layers.new("Layer")
    strip = layer.strips[0] if layer.strips else layer.strips.new(type="KEYFRAME")
    return strip.channelbag(slot, ensure=True)


def write_keys(curve: bpy.types.FCurve, frames: np.ndarray, values: np.ndarray) -> None:
    """Put straight lines between (frame, value) into a curve, in bulk.

    Keys from the first frame to the last are replaced; others stay as they are, with their handles.

    Args:
        frames: increasing, at least one.
    """
    points = curve.keyframe_points
    old = {name: _column(points, name) for name in (*_PER_KEY, *_WHOLE)}
    at = old["co"].reshape(-1, 2)[:, 0]
    outside = (at < frames[0] - 1e-3) | (at > frames[-1] + 1e-3)
    new = np.stack([frames, values], axis=1).astype(np.float32)
    order = np.argsort(np.concatenate([at[outside], new[:, 0]]), kind="stable")
    _resize(points, len(order))
    fresh = {"co": new, "handle_left": new, "handle_right": new}
    for name, values_ in old.items():
        width = _PER_KEY.get(name, 1)
        kept = values_.reshape(-1, width)[outside]
        if name in fresh:
            added = fresh[name]
        else:
            constant = {"interpolation": _LINEAR, "handle_left_type": _VECTOR, "handle_right_type": _VECTOR}
            added = np.full((len(new), 1), constant.get(name, 0), values_.dtype)
        points.foreach_set(name, np.ascontiguousarray(np.concatenate([kept, added])[order]).ravel())
    curve.update()


def _column(points: Any, name: str) -> np.ndarray:
    width = _PER_KEY.get(name, 1)
    values = np.empty(len(points) * width, np.float32 if name in _PER_KEY else np.int32)
    points.foreach_get(name, values)
    return values


def _resize(points: Any, count: int) -> None:
    if count > len(points):
        points.add(count - len(points))
    while len(points) > count:
        points.remove(points[len(points) - 1], fast=True)


def add_strip(owner: bpy.types.ID, name: str, start: int) -> bpy.types.NlaStrip:
    """Move the action of something to a new NLA strip on top, where it plays at the same frames."""
    data = owner.animation_data
    action, slot = data.action, data.action_slot if has_slots() else None
    track = data.nla_tracks.new()
    track.name = name
    strip = track.strips.new(name, start, action)
    if slot is not None:
        strip.action_slot = slot
    first, last = action.frame_range
    strip.action_frame_start, strip.action_frame_end = first, last
    strip.frame_start_ui, strip.frame_end_ui = first, last
    data.action = None
    return strip
