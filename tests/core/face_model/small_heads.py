"""A head of a few hundred vertices, and the files of each format that hold it."""

from __future__ import annotations

import pickle
import sys
import types
from pathlib import Path
from typing import Any

import numpy as np
from numpy import ndarray
from scipy.io import savemat
from scipy.sparse import csc_matrix

from core.arkit import ARKIT_NAMES, mirrored_name
from core.face_model.model import JOINTS, LANDMARK_COUNT, REGIONS, FaceModel

EYES = {"left": np.array([0.03, 0.02, 0.06]), "right": np.array([-0.03, 0.02, 0.06])}


def ellipsoid(centre: ndarray, radii: ndarray, rings: int, sides: int) -> tuple[ndarray, ndarray]:
    """Vertices and quads of an ellipsoid open at its poles (top and bottom), symmetric in x."""
    height = np.linspace(-0.95, 0.95, rings)
    angle = 2 * np.pi * (np.arange(sides) + 0.5) / sides
    ring = np.sqrt(1 - height**2)[:, None]
    points = np.stack(
        [ring * np.sin(angle), np.repeat(height[:, None], sides, axis=1), ring * np.cos(angle)], axis=-1
    )
    index = np.arange(rings * sides).reshape(rings, sides)
    across = np.roll(index, -1, axis=1)
    quads = np.stack([index[:-1], across[:-1], across[1:], index[1:]], axis=-1).reshape(-1, 4)
    return points.reshape(-1, 3) * radii + centre, quads


def head_mesh() -> tuple[ndarray, ndarray, ndarray]:
    """Vertices, quads and region of a skin ellipsoid with two eyeballs; eyes at height 0.02."""
    parts = [
        (*ellipsoid(np.zeros(3), np.array([0.075, 0.12, 0.09]), 18, 24), 0),
        (*ellipsoid(EYES["left"], np.full(3, 0.012), 6, 8), REGIONS.index("eye_left")),
        (*ellipsoid(EYES["right"], np.full(3, 0.012), 6, 8), REGIONS.index("eye_right")),
    ]
    vertices, quads, region, offset = [], [], [], 0
    for points, faces, name in parts:
        vertices.append(points)
        quads.append(faces + offset)
        region += [name] * len(points)
        offset += len(points)
    return np.concatenate(vertices), np.concatenate(quads), np.array(region)


def triangles_of(quads: ndarray) -> ndarray:
    return np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]])


def modes(count: int, vertices: ndarray, seed: int) -> ndarray:
    """Smooth random offsets of about a millimetre, (count, vertices, 3)."""
    rng = np.random.default_rng(seed)
    waves = np.cos(vertices @ rng.normal(0, 30, (3, count)) + rng.uniform(0, 6, count))
    return 1e-3 * waves.T[:, :, None] * rng.normal(size=(count, 1, 3))


def small_model(name: str = "small") -> FaceModel:
    """A FaceModel whose shapes are smooth bumps, each on its side, mirrored for its mirrored name."""
    vertices, quads, region = head_mesh()
    vertices = vertices - np.mean(list(EYES.values()), axis=0)
    rng = np.random.default_rng(7)
    deltas = np.zeros((len(ARKIT_NAMES), len(vertices), 3))
    for row, shape in enumerate(ARKIT_NAMES):
        if shape.endswith("Right"):
            continue
        centre = np.array([0.03 if shape.endswith("Left") else 0.0, rng.uniform(-0.08, 0.04), 0.02])
        push = rng.normal(0, 4e-3, 3) * [shape.endswith("Left"), 1, 1]
        deltas[row] = np.exp(-(((vertices - centre) / 0.03) ** 2).sum(axis=1))[:, None] * push
        if shape.endswith("Left"):
            other = ARKIT_NAMES.index(mirrored_name(shape))
            centre = centre * [-1, 1, 1]
            deltas[other] = np.exp(-(((vertices - centre) / 0.03) ** 2).sum(axis=1))[:, None] * (
                push * [-1, 1, 1]
            )
    deltas[:, region != 0] = 0.0
    front = np.flatnonzero((vertices[quads[:, 0], 2] > 0) & (region[quads[:, 0]] == 0))
    weights = np.zeros((len(vertices), len(JOINTS)), np.float32)
    weights[np.arange(len(vertices)), np.array([1, 3, 4])[region]] = 1.0
    count = len(vertices)
    regressor = np.full((len(JOINTS), count), 1 / count, np.float32)
    regressor[3], regressor[4] = (region == 1) / (region == 1).sum(), (region == 2) / (region == 2).sum()
    return FaceModel(
        name=name,
        licence="for tests",
        template=vertices.astype(np.float32),
        polygon_vertices=quads.ravel().astype(np.int32),
        polygon_starts=np.arange(0, quads.size, 4, dtype=np.int32),
        uv=rng.random((quads.size, 2)).astype(np.float32),
        identity_basis=modes(6, vertices, 1).astype(np.float32),
        identity_variance=0.9,
        expression_deltas=deltas.astype(np.float32),
        joint_offset=np.zeros((len(JOINTS), 3), np.float32),
        joint_regressor=regressor,
        skin_weights=weights,
        region=region.astype(np.int32),
        landmark_triangles=rng.choice(front, LANDMARK_COUNT).astype(np.int32),
        landmark_barycentrics=rng.dirichlet(np.ones(3), LANDMARK_COUNT).astype(np.float32),
        mirror=np.arange(count, dtype=np.int32),
        masks={"face": rng.random(count).astype(np.float32)},
    )


def flame_arrays(expressions: int = 100) -> dict[str, Any]:
    """What a FLAME file holds, on the small head."""
    vertices, quads, region = head_mesh()
    count = len(vertices)
    weights = np.zeros((count, 5))
    weights[np.arange(count), np.array([1, 3, 4])[region]] = 1.0
    low = (region == 0) & (vertices[:, 1] < -0.05)
    weights[low] = [0.0, 0.3, 0.7, 0.0, 0.0]
    regressor = np.zeros((5, count))
    for joint, members in enumerate([region == 0, region == 0, low, region == 1, region == 2]):
        regressor[joint, members] = 1 / members.sum()
    basis = np.concatenate([modes(8, vertices, 2), modes(expressions, vertices, 3)])
    return {
        "v_template": vertices,
        "f": triangles_of(quads).astype(np.uint32),
        "shapedirs": np.moveaxis(basis, 0, -1),
        "weights": weights,
        "J_regressor": csc_matrix(regressor),
        "kintree_table": np.array([[4294967295, 0, 1, 1, 1], [0, 1, 2, 3, 4]]),
        "bs_type": "lrotmin",
    }


def write_flame_pickle(file: Path, arrays: dict[str, Any], protocol: int = 2, chumpy: bool = True) -> None:
    """Pickle as FLAME's releases do; ``chumpy`` wraps two arrays in a class of that module's name."""
    if not chumpy:
        file.write_bytes(pickle.dumps(arrays, protocol=protocol))
        return
    module = types.ModuleType("chumpy.ch")
    kind = type("Ch", (), {"__module__": "chumpy.ch", "__qualname__": "Ch"})
    module.Ch = kind  # type: ignore[attr-defined]
    wrapped = dict(arrays)
    for key in ("v_template", "shapedirs"):
        wrapped[key] = kind()
        wrapped[key].x = arrays[key]
    sys.modules["chumpy"], sys.modules["chumpy.ch"] = types.ModuleType("chumpy"), module
    try:
        file.write_bytes(pickle.dumps(wrapped, protocol=protocol))
    finally:
        del sys.modules["chumpy"], sys.modules["chumpy.ch"]


def bfm_arrays() -> dict[str, ndarray]:
    """What ``BFM_model_front.mat`` holds, on the small head's skin, in units of 10 cm."""
    vertices, quads, region = head_mesh()
    vertices, quads = vertices[region == 0], quads[(region[quads] == 0).all(axis=1)]
    keypoints = np.arange(68)
    for first, eye in ((36, "right"), (42, "left")):
        front = np.argsort(np.linalg.norm(vertices - (EYES[eye] + [0, 0, 0.013]), axis=1))
        keypoints[first : first + 6] = front[:6]
    return {
        "meanshape": 10 * vertices.reshape(1, -1),
        "idBase": 10 * modes(8, vertices, 2).reshape(8, -1).T,
        "exBase": 10 * modes(64, vertices, 3).reshape(64, -1).T,
        "tri": triangles_of(quads) + 1,
        "keypoints": keypoints[None] + 1,
    }


def write_bfm(file: Path, arrays: dict[str, ndarray]) -> None:
    savemat(file, arrays)


def gnm_arrays() -> dict[str, ndarray]:
    """What ``gnm_head.npz`` holds, on the small head with stand-ins for teeth and tongue."""
    vertices, quads, region = head_mesh()
    count = len(vertices)
    names = [
        "skin",
        "left_eye",
        "right_eye",
        "upper_teeth_and_gums",
        "lower_teeth_and_gums",
        "tongue",
        "ears",
    ]
    groups = np.zeros((len(names), count))
    groups[:3] = [region == 0, region == 1, region == 2]
    for group, at in ((3, 0), (4, 1), (5, 2)):
        groups[group, at], groups[0, at] = 1, 0
    weights = np.zeros((4, count))
    weights[np.array([1, 2, 3])[region], np.arange(count)] = 1.0
    lifted = np.array([0.0, 1.6, 0.0])
    return {
        "template_vertex_positions": vertices + lifted,
        "template_joint_positions": np.array([[0, -0.12, -0.03], [0, -0.06, -0.02], *EYES.values()]) + lifted,
        "vertex_identity_basis": modes(8, vertices, 2),
        "joint_identity_basis": np.zeros((8, 4, 3)),
        "expression_basis": modes(40, vertices, 3),
        "identity_names": np.array([f"head_{index:03d}" for index in range(8)]),
        "expression_names": np.array([f"lower_face_region_{index:03d}" for index in range(40)]),
        "joint_names": np.array(["neck", "head", "left_eye", "right_eye"]),
        "skinning_weights": weights,
        "quads": quads,
        "quad_uvs": np.random.default_rng(0).random((len(quads), 4, 2)),
        "vertex_groups": groups,
        "vertex_group_names": np.array(names),
    }
