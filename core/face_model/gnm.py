"""Google's GNM Head v3 (Apache-2.0) from ``gnm_head.npz``, as a head to map.

The layout is the one that GNM's own loader checks (``gnm/shape/gnm_data_loader.py``): metres, +Y up, +Z out
of the face, +X to the person's left, coefficients of N(0, 1), joints neck, head and the two eyes, named
vertex groups. There is no jaw joint: the jaw is found from the mapped ``jawOpen``.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

import numpy as np
from jaxtyping import Bool, Float, Float32, Int, Int32
from numpy import ndarray

from core.arkit import ARKIT_NAMES
from core.documents import DAMAGE
from core.errors import ModelMissing, ModelUnreadable
from core.face_model import building
from core.face_model.embedding_data import absent_landmarks
from core.face_model.model import JOINTS, REGIONS, FaceModel
from core.face_model.pca_head import PcaHead

LICENCE: Final = "Apache-2.0 (GNM Head v3, Google)"
_JOINTS: Final = ("neck", "head", "left_eye", "right_eye")
_GROUPS: Final = {
    "left_eye": "eye_left",
    "right_eye": "eye_right",
    "upper_teeth_and_gums": "teeth_upper",
    "lower_teeth_and_gums": "teeth_lower",
    "tongue": "tongue",
}
_SOCKET_REACH: Final = 0.03  # metres from an eyeball's centre within which inner skin is an eye socket

# Corner and size of each component in the unit square; upstream's components overlap each other.
_ATLAS: Final = {
    "skin": (0.0, 0.25, 0.75, 0.75),
    "eye_left": (0.75, 0.75, 0.25, 0.25),
    "eye_right": (0.75, 0.5, 0.25, 0.25),
    "teeth_upper": (0.75, 0.25, 0.25, 0.25),
    "teeth_lower": (0.75, 0.0, 0.25, 0.25),
    "tongue": (0.5, 0.0, 0.25, 0.25),
}


def read_gnm(path: Path) -> dict[str, ndarray]:
    """The arrays of a GNM file that a FaceModel needs, with shapes that fit together.

    Raises:
        ModelMissing: there is no such file.
        ModelUnreadable: it is damaged or of another layout.
    """
    try:
        with np.load(path, allow_pickle=False) as stored:
            count = len(stored["template_vertex_positions"])
            identities, joints = len(stored["identity_names"]), len(stored["joint_names"])
            quads, groups = len(stored["quads"]), len(stored["vertex_group_names"])
            shapes = {
                "template_vertex_positions": (count, 3),
                "template_joint_positions": (joints, 3),
                "vertex_identity_basis": (identities, count, 3),
                "joint_identity_basis": (identities, joints, 3),
                "expression_basis": (len(stored["expression_names"]), count, 3),
                "skinning_weights": (joints, count),
                "quads": (quads, 4),
                "quad_uvs": (quads, 4, 2),
                "vertex_groups": (groups, count),
                "joint_names": (joints,),
                "vertex_group_names": (groups,),
            }
            arrays = {key: stored[key] for key in shapes}
    except FileNotFoundError as error:
        raise ModelMissing(f"{path} does not exist.", "Check the path.") from error
    except DAMAGE as error:
        raise ModelUnreadable(f"{path} is not GNM's gnm_head.npz ({error}).", "Fetch it again.") from error
    for key, shape in shapes.items():
        numbers = arrays[key].dtype.kind in "fiu"
        if arrays[key].shape != shape or (numbers and not np.isfinite(arrays[key]).all()):
            raise ModelUnreadable(f"{path}: {key} is not an array of the shape {shape}.")
    if arrays["quads"].min(initial=0) < 0 or arrays["quads"].max(initial=0) >= count:
        raise ModelUnreadable(f"{path}: a polygon uses a vertex that is not there.", "Fetch it again.")
    for wanted, key in ((_JOINTS, "joint_names"), ((*_GROUPS, "skin"), "vertex_group_names")):
        lacking = sorted(set(wanted) - {str(name) for name in arrays[key]})
        if lacking:
            raise ModelUnreadable(f"{path}: {key} lacks {lacking[0]}: it is not GNM Head v3.")
    return arrays


def convert_gnm(path: Path, report: Callable[[float], None] = lambda fraction: None) -> PcaHead:
    """The head of a ``gnm_head.npz``, its ARKit shapes still to be mapped.

    Raises:
        ModelMissing: there is no such file.
        ModelUnreadable: it is damaged or of another layout.
    """
    arrays = read_gnm(path)
    report(0.5)
    names = [str(name) for name in arrays["joint_names"]]
    order = [names.index(name) for name in _JOINTS]
    joints = arrays["template_joint_positions"][order].astype(np.float64)
    origin = joints[2:].mean(axis=0)
    template = arrays["template_vertex_positions"].astype(np.float64) - origin
    neck, head, left, right = joints - origin
    region = _regions(arrays, template, left, right)

    used = np.array([name in _JOINTS for name in names])
    if np.abs(arrays["skinning_weights"][~used]).max(initial=0) > 0:
        raise ModelUnreadable(f"{path}: it has joints that GNM Head v3 has not.")
    weights = np.insert(arrays["skinning_weights"][order].T.astype(np.float64), 2, 0.0, axis=1)
    # Upstream moves joints by a basis of their own. The nearest thing here: skin carries neck, head and jaw,
    # each eyeball its own centre.
    skin = region == REGIONS.index("skin")
    supports = (skin, skin, skin, region == REGIONS.index("eye_left"), region == REGIONS.index("eye_right"))
    regressor = np.zeros((len(JOINTS), len(template)))
    for row, (support, point) in enumerate(
        zip(supports, (neck, head, building.JAW_POINT, left, right), strict=True)
    ):
        regressor[row, support] = building.affine_weights(template[support], point)
    landmark_triangles, landmark_barycentrics = absent_landmarks()
    quads = arrays["quads"].astype(np.int32)
    model = FaceModel(
        name="gnm",
        licence=LICENCE,
        template=template.astype(np.float32),
        polygon_vertices=quads.ravel(),
        polygon_starts=np.arange(0, quads.size, 4, dtype=np.int32),
        uv=_layout(arrays["quad_uvs"], region[quads[:, 0]]),
        identity_basis=arrays["vertex_identity_basis"].astype(np.float32),
        identity_variance=1.0,
        expression_deltas=np.zeros((len(ARKIT_NAMES), *template.shape), np.float32),
        joint_offset=np.zeros((len(JOINTS), 3), np.float32),
        joint_regressor=regressor.astype(np.float32),
        skin_weights=(weights / weights.sum(axis=1, keepdims=True)).astype(np.float32),
        region=region,
        landmark_triangles=landmark_triangles,
        landmark_barycentrics=landmark_barycentrics,
        masks=_masks(arrays),
        mirror=building.mirror_map(template, region, building.MIRRORED_REGIONS),
    )
    report(1.0)
    return PcaHead(model, arrays["expression_basis"].astype(np.float32))


def _group(arrays: dict[str, ndarray], name: str) -> Bool[ndarray, "vertices"] | None:
    names = [str(group) for group in arrays["vertex_group_names"]]
    return arrays["vertex_groups"][names.index(name)] > 0.5 if name in names else None


def _regions(
    arrays: dict[str, ndarray],
    template: Float[ndarray, "vertices 3"],
    left: Float[ndarray, "3"],
    right: Float[ndarray, "3"],
) -> Int32[ndarray, "vertices"]:
    """Regions by vertex group; skin that is not exterior is eye socket or mouth, by where it lies."""
    region = np.zeros(len(template), dtype=np.int32)
    for group, name in _GROUPS.items():
        members = _group(arrays, group)
        assert members is not None  # read_gnm checked
        region[members] = REGIONS.index(name)
    exterior, teeth = _group(arrays, "skin_exterior"), _group(arrays, "teeth")
    if exterior is not None:
        inner = (region == 0) & ~exterior
        to_eye = np.minimum(*(np.linalg.norm(template - eye, axis=1) for eye in (left, right)))
        region[inner] = REGIONS.index("mouth_interior")
        region[inner & (to_eye < _SOCKET_REACH)] = REGIONS.index("eye_socket")
    if teeth is not None:
        gums = np.isin(region, [REGIONS.index("teeth_upper"), REGIONS.index("teeth_lower")]) & ~teeth
        region[gums] = REGIONS.index("mouth_interior")
    return region


def _masks(arrays: dict[str, ndarray]) -> dict[str, Float32[ndarray, "vertices"]]:
    """Upstream's groups ``ears`` and the two lips, where the file has them."""
    wanted = {"ears": ("ears",), "lips": ("upper_lip", "lower_lip")}
    masks: dict[str, Float32[ndarray, "vertices"]] = {}
    for name, groups in wanted.items():
        found = [members for group in groups if (members := _group(arrays, group)) is not None]
        if len(found) == len(groups):
            masks[name] = np.logical_or.reduce(found).astype(np.float32)
    return masks


def _layout(
    quad_uvs: Float[ndarray, "quads 4 2"], region: Int[ndarray, "quads"]
) -> Float32[ndarray, "corners 2"]:
    """Upstream's texture corners, each component scaled into its own part of the unit square."""
    tile = np.array([name if name in _ATLAS else "skin" for name in REGIONS])[region]
    boxes = np.array([_ATLAS[name] for name in tile])[:, None]
    # A UDIM layout numbers tiles by whole units of u; a quad lies in one tile.
    whole = np.floor(quad_uvs.mean(axis=1, keepdims=True))
    inside = np.clip(quad_uvs - whole, 0.0, 1.0)
    return (boxes[..., :2] + inside * boxes[..., 2:]).reshape(-1, 2).astype(np.float32)
