# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds and changes people. They are looked up by their id after every wait, and never kept."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import bpy

from . import texts
from .client.rig_job import BuildRig
from .heads import find_head, head_of
from .properties import MOST_PHOTOS, SemblancePerson
from .texts import t

PHOTO_ENDINGS = (".jpg", ".jpeg", ".png", ".tif", ".tiff", ".webp", ".avif", ".bmp")


def all_people() -> Iterator[tuple[bpy.types.Scene, SemblancePerson]]:
    """Every person of the file, with the scene."""
    for scene in bpy.data.scenes:
        for person in scene.semblance.people:
            yield scene, person


def active_person(scene: bpy.types.Scene) -> Any:
    """The chosen line of the list (a :class:`SemblancePerson`), or None."""
    people = scene.semblance.people
    return people[scene.semblance.active] if 0 <= scene.semblance.active < len(people) else None


def add_person(scene: bpy.types.Scene, name: str = "") -> SemblancePerson:
    """Add a person, and choose it."""
    taken = {person.name for person in scene.semblance.people}
    base = name or t(texts.NEW_PERSON)
    names = (base, *(f"{base} {number}" for number in range(2, len(taken) + 3)))
    person = scene.semblance.people.add()
    person.uid = uuid.uuid4().hex
    person.name = next(name for name in names if name not in taken)
    scene.semblance.active = len(scene.semblance.people) - 1
    return person


def add_photos(person: SemblancePerson, paths: Iterable[str]) -> tuple[int, bool]:
    """Add photos that are not in the list yet; how many, and whether some were too many."""
    known = {bpy.path.abspath(photo.path) for photo in person.photos}
    added, too_many = 0, False
    for path in paths:
        if path in known:
            continue
        if len(person.photos) >= MOST_PHOTOS:
            too_many = True
            break
        person.photos.add().path = path
        known.add(path)
        added += 1
    if added:
        person.active_photo = len(person.photos) - 1
    return added, too_many


def photo_paths(person: SemblancePerson) -> tuple[Path, ...]:
    """Where the photos lie; paths that are relative to the .blend are resolved."""
    return tuple(Path(bpy.path.abspath(photo.path)) for photo in person.photos)


def photo_warnings(person: SemblancePerson, photo: bpy.types.PropertyGroup) -> list[str]:
    """What the result says about one photo."""
    name = Path(photo.path).name
    return [row.message for row in person.warnings if row.file == name]


def rig_request(person: SemblancePerson) -> BuildRig:
    """Make a head of the photos, or follow the job that does."""
    options: dict[str, object] = {"name": person.name, "model": person.model, "quality": person.quality}
    if person.texture_size != "auto":
        options["texture_size"] = int(person.texture_size)
    if person.focal > 0:
        options["focal"] = f"{person.focal:g}@{person.sensor:g}"
    return BuildRig(person.uid, photo_paths(person), options, person.job_key, job=person.job)


def head_in(context: bpy.types.Context) -> Any:
    """The :class:`Head` that the panel works on: the active object's, or the chosen person's; or None."""
    head = head_of(context.object)
    if head is None and (person := active_person(context.scene)):
        head = find_head(person.rig, context.scene) or find_head(person.rig)
    return head
