# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds a character's head, neck and eyes by names and places: bones of an armature, or objects."""

from __future__ import annotations

import re
from collections.abc import Iterable

import bpy
import numpy as np
from mathutils import Vector

_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|[^\W\d_a-zA-Z]+")
_COPY = re.compile(r"\.\d{3}$")
_SIDES = {"l": "L", "left": "L", "lf": "L", "lt": "L", "r": "R", "right": "R", "rt": "R"}
_JOINED = {"leye": "L", "lefteye": "L", "eyeleft": "L", "reye": "R", "righteye": "R", "eyeright": "R"}
_JOINED.update({"左目": "L", "右目": "R"})  # MikuMikuDance
_JAPANESE = {"頭": "head", "首": "neck"}
# What riggers and exporters put behind a name without meaning another thing by it.
_NO_MATTER = frozenset(("bone", "bind", "jnt", "joint", "jt", "grp", "group", "geo", "mesh", "x", "c", "m"))
# Words that make another thing of an eye.
_NOT_EYES = {
    "lid", "lids", "eyelid", "lash", "brow", "eyebrow", "look", "socket", "target", "aim", "ik", "ctrl",
    "ctl", "control", "corner", "upper", "lower", "blink", "pupil", "iris", "tear", "occlusion", "bag",
    "track",
}  # fmt: skip
_EYES = frozenset(("eye", "eyeball"))
_TURNED = 0.1  # of an eye's radius: keys that move it further than this turn it


def words_of(name: str) -> list[str]:
    """The words of a name, in lower case: ``mEyeLeft`` is m, eye and left."""
    words = [word.lower() for word in _WORDS.findall(_COPY.sub("", name))]
    return [_JAPANESE.get(word, word) for word in words]


def bone_named(names: Iterable[str], word: str) -> str:
    """The plainest name that ends with a word: head, DEF-head, mixamorig:Head, neck_01; or nothing."""
    found = [name for name in names if _meant(words_of(name))[-1:] == [word]]
    return min(found, key=lambda name: (len(name), name)) if found else ""


def _meant(words: list[str]) -> list[str]:
    """The words up to the last one that means something."""
    while words and (words[-1].isdigit() or words[-1] in _NO_MATTER):
        words = words[:-1]
    return words


def eye_pairs(names: Iterable[str]) -> list[tuple[str, str]]:
    """Names that mean one eye each, in pairs of the same words but for the side; the plainest first."""
    found: dict[tuple[str, ...], dict[str, str]] = {}
    for name in names:
        words = words_of(name)
        sides = {_SIDES[word] for word in words if word in _SIDES}
        rest = [word for word in words if word not in _SIDES]
        for word in [word for word in rest if word in _JOINED]:
            sides.add(_JOINED[word])
            rest[rest.index(word)] = "eye"
        meant = _meant(rest)
        if len(sides) == 1 and meant and meant[-1] in _EYES and not _NOT_EYES.intersection(meant):
            found.setdefault(tuple(rest), {}).setdefault(sides.pop(), name)
    pairs = [(pair["L"], pair["R"]) for pair in found.values() if len(pair) == 2]
    return sorted(pairs, key=lambda pair: (len(pair[0]), pair))


def eye_bones(armature: bpy.types.Object) -> tuple[str, str] | None:
    """The bones of the person's left and right eye; those that deform come first."""
    bones = armature.data.bones
    pairs = eye_pairs(bones.keys())
    if not pairs:
        return None
    one, other = min(pairs, key=lambda pair: not all(bones[name].use_deform for name in pair))
    return _by_place(one, bones[one].head_local, other, bones[other].head_local)


def eye_objects(meshes: Iterable[bpy.types.Object]) -> tuple[str, str] | None:
    """The objects that turn as the person's left and right eye: origins in eyeballs, in the face."""
    meshes = list(meshes)
    face = _corners(meshes)
    family = _family(meshes)
    for one, other in eye_pairs(item.name for item in family):
        pair = bpy.data.objects[one], bpy.data.objects[other]
        if all(
            _lies_in(item, face) and _lies_in(item, _corners((item, *item.children_recursive)))
            for item in pair
        ):
            places = [item.matrix_world.translation for item in pair]
            return _by_place(one, places[0], other, places[1])
    return None


def _by_place(one: str, at: Vector, other: str, there: Vector) -> tuple[str, str]:
    """Left and right as the person has them, +X being left; some names mean the viewer's."""
    return (one, other) if at.x >= there.x else (other, one)


def _family(meshes: Iterable[bpy.types.Object]) -> list[bpy.types.Object]:
    """All objects below the topmost parents of meshes; those beside them where they have none."""
    found: dict[bpy.types.Object, None] = {}
    for item in meshes:
        root = item
        while root.parent is not None:
            root = root.parent
        found[root] = None
        found.update(dict.fromkeys(root.children_recursive))
        if root is item:
            for collection in item.users_collection:
                found.update(dict.fromkeys(collection.objects))
    return list(found)


def _corners(items: Iterable[bpy.types.Object]) -> np.ndarray:
    """Corners (N, 3) of the boxes round the meshes among objects, in the world."""
    corners = [
        item.matrix_world @ Vector(corner)
        for item in items
        if item.type == "MESH" and len(item.data.vertices)
        for corner in item.bound_box
    ]
    return np.array(corners).reshape(-1, 3)


def _lies_in(item: bpy.types.Object, corners: np.ndarray) -> bool:
    """Whether an object's origin lies in the box round these corners."""
    origin = np.array(item.matrix_world.translation)
    return len(corners) > 0 and bool(((origin >= corners.min(0)) & (origin <= corners.max(0))).all())


def common_parent(items: Iterable[bpy.types.Object]) -> bpy.types.Object | None:
    """The nearest object that carries all of these, itself none of them."""
    lines = []
    for item in items:
        line, above = [], item.parent
        while above is not None:
            line.append(above)
            above = above.parent
        lines.append(line)
    return (
        next((above for above in lines[0] if all(above in line for line in lines)), None) if lines else None
    )


def keys_turn_eyes(meshes: Iterable[bpy.types.Object], eyes: tuple[str, str], bones: bool) -> bool:
    """Whether shape keys that look somewhere move the eyeballs already.

    Args:
        eyes: bones, or objects where ``bones`` is false.
    """
    for mesh in meshes:
        keys = mesh.data.shape_keys.key_blocks
        looks = [key for key in keys if "look" in key.name.lower()]
        if not looks:
            continue
        for eye in eyes:
            chosen = _weighted(mesh, eye) if bones else np.full(len(mesh.data.vertices), mesh.name == eye)
            if chosen.any() and _is_moved(keys[0], looks, chosen):
                return True
    return False


def _weighted(mesh: bpy.types.Object, bone: str) -> np.ndarray:
    """Which vertices follow a bone more than anything else."""
    group = mesh.vertex_groups.get(bone)
    chosen = np.zeros(len(mesh.data.vertices), bool)
    if group is not None:
        for vertex in mesh.data.vertices:
            chosen[vertex.index] = any(w.group == group.index and w.weight > 0.5 for w in vertex.groups)
    return chosen


def _is_moved(rest: bpy.types.ShapeKey, looks: list[bpy.types.ShapeKey], chosen: np.ndarray) -> bool:
    before = _points(rest)[chosen]
    radius = np.linalg.norm(before - before.mean(0), axis=1).mean()
    return any(
        np.linalg.norm(_points(key)[chosen] - before, axis=1).mean() > _TURNED * radius for key in looks
    )


def _points(key: bpy.types.ShapeKey) -> np.ndarray:
    values = np.empty(3 * len(key.data), np.float32)
    key.data.foreach_get("co", values)
    return values.reshape(-1, 3)
