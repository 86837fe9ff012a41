"""A small procedural head with every region, for tests that need a rig but no face model."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy import ndarray

from core.arkit import ARKIT_NAMES
from core.face_model.model import JOINTS, REGIONS, FaceModel
from core.reenactment.portrait import seen_landmarks
from core.rig import Displacement, Rig, RigCamera, RigMaterial, RigPhoto

MATERIALS = (
    RigMaterial("skin", (0.6, 0.4, 0.3), 0.5, 0.3, texture="albedo.png", normal_map="normal.png"),
    RigMaterial("eyes", (0.9, 0.9, 0.9), 0.05, texture="eye.png"),
    RigMaterial("teeth", (0.8, 0.75, 0.65), 0.25, 0.1),
    RigMaterial("tongue", (0.5, 0.15, 0.15), 0.4, 0.2),
    RigMaterial("mouth_interior", (0.25, 0.05, 0.05), 0.5),
    RigMaterial("lashes", (0.02, 0.015, 0.01), 0.6, alpha=0.7),
)
_MATERIAL_OF_REGION = {
    "skin": 0, "eye_left": 1, "eye_right": 1, "teeth_upper": 2, "teeth_lower": 2, "tongue": 3, "lashes": 5,
    "mouth_interior": 4, "eye_socket": 0,
}  # fmt: skip


@dataclass
class _Patch:
    """An ellipsoid of quads, with triangles at its poles."""

    region: str
    centre: tuple[float, float, float]
    radii: tuple[float, float, float]
    rows: int
    columns: int


_PATCHES = (
    _Patch("skin", (0.0, -0.02, -0.08), (0.075, 0.12, 0.095), 24, 32),
    _Patch("eye_left", (0.032, 0.0, 0.0), (0.012, 0.012, 0.012), 8, 12),
    _Patch("eye_right", (-0.032, 0.0, 0.0), (0.012, 0.012, 0.012), 8, 12),
    _Patch("teeth_upper", (0.0, -0.055, -0.01), (0.02, 0.004, 0.012), 4, 12),
    _Patch("teeth_lower", (0.0, -0.065, -0.012), (0.02, 0.004, 0.012), 4, 12),
    _Patch("tongue", (0.0, -0.06, -0.02), (0.015, 0.003, 0.02), 4, 8),
    _Patch("lashes", (0.032, 0.008, 0.008), (0.012, 0.001, 0.004), 3, 8),
    _Patch("mouth_interior", (0.0, -0.06, -0.03), (0.024, 0.015, 0.025), 5, 8),
    _Patch("eye_socket", (0.032, 0.0, -0.004), (0.014, 0.014, 0.012), 5, 8),
)


def _ellipsoid(patch: _Patch) -> tuple[ndarray, list[list[int]], list[list[tuple[float, float]]]]:
    """Vertices, polygons and the UVs of each polygon's corners."""
    rows, columns = patch.rows, patch.columns
    latitude = np.linspace(0, np.pi, rows + 1)[1:-1, None]
    longitude = np.linspace(0, 2 * np.pi, columns, endpoint=False)[None]
    sphere = np.stack(
        [
            np.sin(latitude) * np.sin(longitude),
            np.cos(latitude) * np.ones_like(longitude),
            np.sin(latitude) * np.cos(longitude),
        ],
        axis=-1,
    ).reshape(-1, 3)
    unit = np.concatenate([sphere, [[0, 1, 0], [0, -1, 0]]])
    top, bottom = len(unit) - 2, len(unit) - 1
    polygons, corners = [], []
    for row in range(-1, rows - 1):
        for column in range(columns):
            following = (column + 1) % columns
            low = {(0, 0): (column, row + 1), (1, 0): (following, row + 1)}
            high = {(1, 1): (following, row), (0, 1): (column, row)}
            indices, uvs = [], []
            for (right, up), (at, line) in {**low, **high}.items():
                index = top if line < 0 else bottom if line >= rows - 1 else line * columns + at
                if index in indices:
                    continue
                indices.append(index)
                uvs.append(((column + right) / columns, 1 - (row + 2 - up) / rows))
            polygons.append(indices)
            corners.append(uvs)
    return np.array(patch.centre) + unit * np.array(patch.radii), polygons, corners


def _relief() -> tuple[Displacement, ...]:
    """Maps enough for two files: one at rest, three that follow expressions."""
    row, column = np.mgrid[:64, :64].astype(np.float32)
    return (
        Displacement.of("neutral", 2e-4 * np.sin(column)),
        Displacement.of(
            "wrinkle_brow_raise",
            1e-3 * np.cos(row / 4),
            {"browInnerUp": 0.6, "browOuterUpLeft": 0.3, "browOuterUpRight": 0.3},
            measured=0.5,
        ),
        Displacement.of("wrinkle_smile_left", 5e-4 * np.cos(column / 3), {"mouthSmileLeft": 1.0}),
        Displacement.of("wrinkle_chin", -5e-4 * np.sin(row / 5), {"mouthShrugLower": 1.0}),
    )


def make_rig(name: str = "Test head", detail: int = 1, **changes: object) -> Rig:
    """A head with nine regions, 52 distinct shape keys, six materials and four displacement maps.

    It has about a thousand vertices, times ``detail`` squared; ``changes`` replace fields of the rig.
    """
    vertices: list[ndarray] = []
    regions: list[int] = []
    corners: list[int] = []
    starts: list[int] = []
    uv: list[tuple[float, float]] = []
    material: list[int] = []
    for base in _PATCHES:
        patch = replace(base, rows=base.rows * detail, columns=base.columns * detail)
        first = len(regions)
        points, polygons, polygon_uvs = _ellipsoid(patch)
        vertices.append(points)
        regions += [REGIONS.index(patch.region)] * len(points)
        for polygon, uvs in zip(polygons, polygon_uvs, strict=True):
            starts.append(len(corners))
            corners += [first + index for index in polygon]
            uv += uvs
            material.append(_MATERIAL_OF_REGION[patch.region])
    neutral = np.concatenate(vertices).astype(np.float32)
    random = np.random.default_rng(1)
    directions = random.normal(size=(len(ARKIT_NAMES), 1, 3))
    centres = random.uniform(-0.08, 0.08, size=(len(ARKIT_NAMES), 1, 3))
    falloff = np.exp(-np.sum((neutral - centres) ** 2, axis=-1, keepdims=True) / 0.002)
    weights = np.zeros((len(neutral), len(JOINTS)), np.float32)
    weights[:, JOINTS.index("head")] = 1
    for region, joint in (("eye_left", "eye_left"), ("eye_right", "eye_right"), ("teeth_lower", "jaw")):
        weights[np.array(regions) == REGIONS.index(region)] = np.eye(len(JOINTS))[JOINTS.index(joint)]
    ramp = np.linspace(0, 255, 32, dtype=np.uint8)
    albedo = np.stack(np.broadcast_arrays(ramp[:, None], ramp[None], np.uint8(120)), axis=-1)
    bent = np.stack(np.broadcast_arrays(ramp[:, None] // 4 + 96, np.uint8(128), np.uint8(250)), axis=-1)
    skin = vertices[0].astype(np.float32)
    values: dict[str, object] = dict(
        name=name,
        model_name="procedural",
        model_licence="Apache-2.0",
        neutral=neutral,
        polygon_vertices=np.array(corners, np.int32),
        polygon_starts=np.array(starts, np.int32),
        uv=np.array(uv, np.float32),
        shape_keys=(0.01 * directions * falloff).astype(np.float32),
        landmarks=skin[np.arange(478) % len(skin)],
        regions=np.array(regions, np.int32),
        joints=np.array(
            [[0, -0.16, -0.1], [0, -0.08, -0.09], [0, -0.03, -0.06], [0.032, 0, 0], [-0.032, 0, 0]],
            np.float32,
        ),
        skin_weights=weights,
        polygon_material=np.array(material, np.int32),
        materials=MATERIALS,
        textures={"albedo.png": albedo, "eye.png": albedo[::2, ::2].copy(), "normal.png": bent},
        photos=(
            RigPhoto(
                file="front.jpg",
                width=640,
                height=480,
                camera=RigCamera(900.0, 900.0, 320.0, 240.0),
                rotation=np.diag([1, -1, -1]).astype(np.float32),
                translation=np.array([0, 0, 0.6], np.float32),
                expression={"jawOpen": 0.25},
                sh=np.full((9, 3), 0.5, np.float32),
                warnings=("The hair hides the left brow.",),
            ),
        ),
        displacement=_relief(),
        previews={"front.png": albedo},
        warnings=("Made from one photo: the sides are a guess.",),
        provenance={"options": {"photos": 1}},
    )
    return Rig(**{**values, **changes})  # type: ignore[arg-type]


def photographed_rig(name: str = "Test head") -> Rig:
    """The head of :func:`make_rig` with a copy of its photo: half as large, cut by 20 pixels on the left.

    The photo shows what the head's projection covers in its own colours before a plain wall.
    """
    row, column = np.mgrid[:240, :300].astype(np.float32)
    picture = np.full((240, 300, 3), (90, 120, 150), np.uint8)
    centre = (160 - 10, 120 + 0.02 * 450 / 0.68)
    inside = ((column - centre[0]) / 56) ** 2 + ((row - centre[1]) / 90) ** 2 < 1
    stripes = (np.sin(row / 4) > 0) ^ (np.sin(column / 4) > 0)
    picture[inside] = np.where(stripes[..., None], (210, 160, 130), (170, 110, 90))[inside]
    rig = make_rig(name)
    landmarks = (seen_landmarks(rig, rig.photos[0])[:, :2] - (20.0, 0.0)) * 0.5
    photo = {
        "preview": "photo-01.png", "left": 20.0, "top": 0.0, "scale": 0.5, "landmarks": landmarks.tolist(),
    }  # fmt: skip
    return replace(
        rig, previews={"photo-01.png": picture}, provenance={"options": {"photos": 1}, "photos": [photo]}
    )


def model_rig(model: FaceModel, neutral: ndarray | None = None) -> Rig:
    """A face model's mean head, or one of its people, as a rig with the model's own shapes."""
    head = model.template if neutral is None else neutral.astype(np.float32)
    return Rig(
        name=model.name,
        model_name=model.name,
        model_licence=model.licence,
        neutral=head,
        polygon_vertices=model.polygon_vertices,
        polygon_starts=model.polygon_starts,
        uv=model.uv,
        shape_keys=model.expression_deltas,
        landmarks=model.landmarks(head).astype(np.float32),
        regions=model.region,
        joints=model.joints(head).astype(np.float32),
        skin_weights=model.skin_weights,
        polygon_material=np.zeros(len(model.polygon_starts), np.int32),
        materials=(RigMaterial("skin"),),
        textures={},
    )
