# SPDX-License-Identifier: GPL-3.0-or-later
"""Meshes of the open file that get shape keys: finding them, and what they ask the server for."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import bpy

from .build.head import RIG_ID_PROPERTY
from .client.keys_job import MakeKeys
from .heads import head_of
from .keyless.landmarks import document_of, landmarks_of
from .people import active_person
from .properties import SemblanceTransfer


def all_transfers() -> Iterator[tuple[bpy.types.Scene, SemblanceTransfer]]:
    """Every scene with its transfer, if it has been touched."""
    for scene in bpy.data.scenes:
        if scene.semblance.transfer.uid:
            yield scene, scene.semblance.transfer


def with_transfer_id(transfer: SemblanceTransfer) -> SemblanceTransfer:
    """The transfer, which has an id from now on. A copied scene gets one of its own."""
    if not transfer.uid or sum(other.uid == transfer.uid for _, other in all_transfers()) > 1:
        transfer.uid = uuid.uuid4().hex
    return transfer


def chosen_meshes(context: bpy.types.Context) -> list[bpy.types.Object]:
    """The selected meshes that are no heads of ours, the active one first."""
    items = [context.object, *context.selected_objects]
    landmarks = [item.parent for item in items if item is not None and item.type == "EMPTY" and item.parent]
    found = []
    for item in (*items, *landmarks):
        fits = item is not None and item.type == "MESH" and len(item.data.polygons) and head_of(item) is None
        if fits and item not in found:
            found.append(item)
    return found


def meshes_of(transfer: SemblanceTransfer) -> list[bpy.types.Object]:
    """The meshes that were sent, those that are gone left out."""
    return [row.item for row in transfer.meshes if row.item is not None and row.item.type == "MESH"]


def source_rig(scene: bpy.types.Scene) -> str:
    """The rig whose shapes are taken: the chosen head's, the chosen person's, or the scene's first head's."""
    source = scene.semblance.transfer.source
    if source is not None and source.get(RIG_ID_PROPERTY):
        return str(source[RIG_ID_PROPERTY])
    person = active_person(scene)
    if person is not None and person.rig:
        return str(person.rig)
    return str(next((item[RIG_ID_PROPERTY] for item in scene.objects if RIG_ID_PROPERTY in item), ""))


def keys_request(transfer: SemblanceTransfer, mesh: Path = Path(), rig: str = "") -> MakeKeys:
    """Have keys made of a rig's for the meshes in a file, or follow the job that has them."""
    options: dict[str, object] = {}
    if landmarks_of(meshes_of(transfer)):
        options["landmarks"] = document_of(meshes_of(transfer))
    return MakeKeys(transfer.uid, mesh, rig, options, transfer.job_key, job=transfer.job)
