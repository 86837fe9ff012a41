"""A rig as the parts of its file: a JSON document, mesh arrays and images; and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, get_args

import numpy as np
from jaxtyping import Float32
from numpy import ndarray

from core.arkit import ARKIT_NAMES
from core.documents import each, field
from core.lens import LensSource
from core.rig import displacement
from core.rig.document import Image, Rig, RigCamera, RigLens, RigMaterial, RigPhoto

FORMAT: Final = "semblance-rig"
SCHEMA: Final = 1


def to_document(rig: Rig) -> dict[str, Any]:
    """The content of ``rig.json``."""
    return {
        "format": FORMAT,
        "schema": SCHEMA,
        "rig_id": rig.rig_id,
        "name": rig.name,
        "created": rig.created,
        "generator": rig.generator,
        "model": {"name": rig.model_name, "licence": rig.model_licence},
        "units": "metre",
        "axes": "+Y up, +Z out of the face",
        "joints": [
            {"name": name, "parent": None if parent < 0 else rig.joint_names[parent]}
            for name, parent in zip(rig.joint_names, rig.joint_parents, strict=True)
        ],
        "materials": [
            {
                "name": material.name,
                "base_color": [float(channel) for channel in material.base_color],
                "roughness": float(material.roughness),
                "subsurface": float(material.subsurface),
                "alpha": float(material.alpha),
                "texture": material.texture,
                "normal_map": material.normal_map,
            }
            for material in rig.materials
        ],
        "photos": [_photo_to_document(photo) for photo in rig.photos],
        "displacement": displacement.to_document(rig.displacement),
        "warnings": list(rig.warnings),
        "provenance": dict(rig.provenance),
    }


def _photo_to_document(photo: RigPhoto) -> dict[str, Any]:
    camera, lens = photo.camera, photo.lens
    document = {
        "file": photo.file,
        "width": int(photo.width),
        "height": int(photo.height),
        "camera": {
            "fx": float(camera.fx),
            "fy": float(camera.fy),
            "cx": float(camera.cx),
            "cy": float(camera.cy),
        },
        "rotation": photo.rotation.tolist(),
        "translation": photo.translation.tolist(),
        "expression": {name: float(value) for name, value in photo.expression.items()},
        "sh": photo.sh.tolist(),
        "warnings": list(photo.warnings),
    }
    if lens is not None:
        document["lens"] = {
            "source": lens.source,
            "shared_with": lens.shared_with,
            "equivalent_mm": round(photo.equivalent_mm, 2),
        }
    return document


def to_arrays(rig: Rig) -> dict[str, ndarray]:
    """The content of ``mesh.npz``."""
    return {
        "neutral": rig.neutral,
        "triangles": rig.triangles,
        "polygon_vertices": rig.polygon_vertices,
        "polygon_starts": rig.polygon_starts,
        "uv": rig.uv,
        "shape_key_names": np.array(rig.shape_key_names),
        "shape_keys": rig.shape_keys,
        "landmarks": rig.landmarks,
        "regions": rig.regions,
        "region_names": np.array(rig.region_names),
        "joints": rig.joints,
        "joint_names": np.array(rig.joint_names),
        "joint_parents": np.array(rig.joint_parents, np.int32),
        "skin_weights": rig.skin_weights,
        "polygon_material": rig.polygon_material,
        "material_names": np.array([material.name for material in rig.materials]),
    }


def from_parts(
    document: Mapping[str, Any],
    arrays: Mapping[str, ndarray],
    textures: Mapping[str, Image],
    previews: Mapping[str, Image],
    displacement_files: Mapping[str, bytes],
) -> Rig:
    """The rig of parts that :mod:`core.rig.check` has passed.

    Raises:
        ValueError: a field of the document is missing or of another type.
    """

    def floats(name: str) -> ndarray:
        return np.ascontiguousarray(arrays[name], np.float32)

    def integers(name: str) -> ndarray:
        return np.ascontiguousarray(arrays[name], np.int32)

    file_order = arrays["shape_key_names"].tolist()
    order = [file_order.index(name) for name in ARKIT_NAMES]
    return Rig(
        name=field(document, "name", str),
        model_name=field(field(document, "model", dict), "name", str),
        model_licence=field(field(document, "model", dict), "licence", str),
        neutral=floats("neutral"),
        polygon_vertices=integers("polygon_vertices"),
        polygon_starts=integers("polygon_starts"),
        uv=floats("uv"),
        shape_keys=floats("shape_keys")[order],
        landmarks=floats("landmarks"),
        regions=integers("regions"),
        joints=floats("joints"),
        skin_weights=floats("skin_weights"),
        polygon_material=integers("polygon_material"),
        materials=tuple(_material(item) for item in field(document, "materials", list)),
        textures=textures,
        region_names=tuple(arrays["region_names"].tolist()),
        joint_names=tuple(arrays["joint_names"].tolist()),
        joint_parents=tuple(arrays["joint_parents"].tolist()),
        photos=photos_of(document),
        displacement=displacement.from_files(document, displacement_files),
        previews=previews,
        warnings=_sentences(document),
        provenance=field(document, "provenance", dict),
        rig_id=field(document, "rig_id", str),
        created=field(document, "created", str),
        generator=field(document, "generator", str),
    )


def photos_of(document: Mapping[str, Any]) -> tuple[RigPhoto, ...]:
    """The photos of a ``rig.json``.

    Raises:
        ValueError: a field is missing or of another type.
    """
    return tuple(_photo(item) for item in field(document, "photos", list))


def _sentences(document: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(each(document, "warnings", str))


def _array(document: Mapping[str, Any], name: str, shape: tuple[int, ...]) -> Float32[ndarray, "..."]:
    try:
        array = np.array(field(document, name, list), np.float32)
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f"{name} is not an array of numbers") from None
    if array.shape != shape or not np.isfinite(array).all():
        raise ValueError(f"{name} has the shape {array.shape}, or numbers that are not finite")
    return array


def _material(item: Mapping[str, Any]) -> RigMaterial:
    channels = each(item, "base_color", float)
    if len(channels) != 3:
        raise ValueError("base_color is not three numbers")
    texture, normal_map = (
        None if item.get(name) is None else field(item, name, str) for name in ("texture", "normal_map")
    )
    return RigMaterial(
        name=field(item, "name", str),
        base_color=(channels[0], channels[1], channels[2]),
        roughness=field(item, "roughness", float),
        subsurface=field(item, "subsurface", float),
        alpha=field(item, "alpha", float),
        texture=texture,
        normal_map=normal_map,
    )


def _photo(item: Mapping[str, Any]) -> RigPhoto:
    camera = field(item, "camera", dict)
    expression = field(item, "expression", dict)
    return RigPhoto(
        file=field(item, "file", str),
        width=field(item, "width", int),
        height=field(item, "height", int),
        camera=RigCamera(*(field(camera, name, float) for name in ("fx", "fy", "cx", "cy"))),
        rotation=_array(item, "rotation", (3, 3)),
        translation=_array(item, "translation", (3,)),
        expression={name: field(expression, name, float) for name in expression},
        sh=_array(item, "sh", (9, 3)),
        warnings=_sentences(item),
        lens=None if item.get("lens") is None else _lens(field(item, "lens", dict)),
    )


def _lens(item: Mapping[str, Any]) -> RigLens:
    source = field(item, "source", str)
    if source not in get_args(LensSource):
        raise ValueError(f"the source of a lens is {source!r}")
    other = item.get("shared_with")
    return RigLens(source, None if other is None else field(item, "shared_with", str))
