"""ICT-FaceKit's "Face Model Light" (USC, MIT licence; Li et al., CVPR 2020) as a FaceModel.

Read from the upstream folder or an archive of it. What differs from the files:

- Three meshes lie over each eyeball for transparent shaders (tear film, blend, occlusion) and a second shell
  with the iris lies inside it. An opaque renderer would show the wrong one of them, so only the outer
  eyeball, cornea included, is kept: 24,359 of the 26,719 vertices.
- The lashes are strips of cards that need a texture with alpha; drawn opaque they are a thick dark band.
- The eyeballs do not move in the files; ``eyeLook*`` turns them here by ``GAZE_DEGREES``.
- Only ``jaw*`` moves teeth, gums and tongue; the 0.2 mm that other shapes move them is noise of the export.
- There is no ``tongueOut``: its delta is zero. ``browInnerUp`` and ``cheekPuff`` are the sums of their sides.
- ``mouthClose`` closes the lips of an open jaw, as in ARKit: use it together with ``jawOpen``.
- UDIM tiles are laid out in one unit square (``ATLAS``).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy import ndarray

from core.arkit import ARKIT_NAMES
from core.errors import ModelUnreadable
from core.face_model import building
from core.face_model.embedding_data import packaged_landmarks
from core.face_model.files import read_files
from core.face_model.ict_masks import ict_masks, neck_share
from core.face_model.model import REGIONS, FaceModel
from core.face_model.obj import ObjMesh, read_obj, read_obj_vertices
from core.geometry.alignment import fit_rigid, fit_sphere

LICENCE: Final = "MIT (ICT-FaceKit, © 2020 USC Institute for Creative Technologies)"
IDENTITY_COUNT: Final = 100
VERTEX_COUNT: Final = 26_719
_METRES: Final = 0.01


class _Part(NamedTuple):
    """Vertices ``first``–``last`` (inclusive, as upstream's README lists them)."""

    first: int
    last: int
    region: str
    tile: str
    twin: int  # index of the part on the other side


PARTS: Final = (
    _Part(0, 11_247, "skin", "skin", 0),  # face, head and neck
    _Part(11_248, 13_293, "mouth_interior", "skin", 1),
    _Part(13_294, 13_677, "eye_socket", "skin", 3),
    _Part(13_678, 14_061, "eye_socket", "skin", 2),
    _Part(14_062, 16_317, "mouth_interior", "gums", 4),
    _Part(16_318, 16_565, "tongue", "gums", 5),  # underside; the tongue's ranges are islands of the UV layout
    _Part(16_566, 16_610, "mouth_interior", "gums", 6),
    _Part(16_611, 17_038, "tongue", "gums", 7),
    _Part(17_039, 19_246, "teeth_upper", "teeth", 8),
    _Part(19_247, 21_450, "teeth_lower", "teeth", 9),
    _Part(21_451, 22_220, "eye_left", "eye_left", 11),  # the outer shell
    _Part(23_021, 23_790, "eye_right", "eye_right", 10),
    _Part(25_351, 26_034, "lashes", "lashes", 13),
    _Part(26_035, 26_718, "lashes", "lashes", 12),
)

# Lower left corner and size of each tile in the unit square. Skin is two: the face; head and sockets.
ATLAS: Final[dict[str, tuple[float, float, float, float]]] = {
    "face": (0.0, 1 / 3, 2 / 3, 2 / 3),
    "head": (2 / 3, 1 / 3, 1 / 3, 2 / 3),
    "gums": (2 / 3, 0.0, 1 / 3, 1 / 3),
    "teeth": (1 / 3, 0.0, 1 / 3, 1 / 3),
    "eye_left": (0.0, 0.0, 1 / 6, 1 / 6),
    "eye_right": (1 / 6, 0.0, 1 / 6, 1 / 6),
    "lashes": (0.0, 1 / 6, 1 / 3, 1 / 6),
}
_ATLAS_MARGIN: Final = 0.004  # of the unit square, so that filtering does not bleed between tiles


def is_ict_file(name: str) -> bool:
    """Whether the model is made from a file of this base name."""
    return name in ("generic_neutral_mesh.obj", "vertex_indices.json") or (
        name.endswith(".obj")
        and (name.removesuffix(".obj") in _upstream_shapes() or name.startswith("identity"))
    )


def _upstream_names(arkit_name: str) -> tuple[str, ...]:
    """Upstream shapes whose sum is an ARKit shape; ``_L`` is the person's left (+X), as in ARKit."""
    if arkit_name == "tongueOut":
        return ()
    if arkit_name in ("browInnerUp", "cheekPuff"):
        return (f"{arkit_name}_L", f"{arkit_name}_R")
    if arkit_name in ("jawLeft", "jawRight", "mouthLeft", "mouthRight"):
        return (arkit_name,)
    for side in ("Left", "Right"):
        if arkit_name.endswith(side):
            return (f"{arkit_name.removesuffix(side)}_{side[0]}",)
    return (arkit_name,)


def _upstream_shapes() -> set[str]:
    return {shape for name in ARKIT_NAMES for shape in _upstream_names(name)}


class _Upstream(NamedTuple):
    neutral: ObjMesh
    shapes: dict[str, Float[ndarray, "vertices 3"]]
    identities: Float[ndarray, "identity vertices 3"]
    landmarks: Int[ndarray, "68"]


def _read(path: Path, report: Callable[[float], None]) -> _Upstream:
    expected = 2 + IDENTITY_COUNT + len(_upstream_shapes())
    neutral: ObjMesh | None = None
    landmarks: Int[ndarray, "68"] | None = None
    positions: dict[str, Float[ndarray, "vertices 3"]] = {}
    for done, (name, content) in enumerate(read_files(path, is_ict_file)):
        if name == "vertex_indices.json":
            landmarks = _read_landmarks(content, path)
        elif name == "generic_neutral_mesh.obj":
            neutral = read_obj(content, f"{path}: {name}")
        else:
            vertices = read_obj_vertices(content, f"{path}: {name}")
            if len(vertices) != VERTEX_COUNT:
                raise ModelUnreadable(f"{path}: {name} has {len(vertices)} vertices, not {VERTEX_COUNT}.")
            positions[name.removesuffix(".obj")] = vertices
        report(0.9 * min(1.0, (done + 1) / expected))
    modes = [f"identity{index:03d}" for index in range(IDENTITY_COUNT)]
    missing = sorted({*modes, *_upstream_shapes()} - positions.keys())
    if neutral is None or landmarks is None or missing:
        lacking = missing[0] + ".obj" if missing else "generic_neutral_mesh.obj or vertex_indices.json"
        raise ModelUnreadable(
            f"{path} is not ICT-FaceKit's FaceXModel folder: {lacking} is missing.",
            "Fetch https://github.com/ICT-VGL/ICT-FaceKit whole and give its folder or archive.",
        )
    if len(neutral.vertices) != VERTEX_COUNT:
        raise ModelUnreadable(
            f"{path}: the neutral has {len(neutral.vertices)} vertices, not {VERTEX_COUNT}."
        )
    shapes = {name: positions[name] for name in _upstream_shapes()}
    return _Upstream(neutral, shapes, np.stack([positions[name] for name in modes]), landmarks)


def _read_landmarks(content: bytes, path: Path) -> Int[ndarray, "68"]:
    try:
        indices = np.array(json.loads(content)["idx_to_landmark_verts"], dtype=np.int64)
    except (ValueError, KeyError, TypeError) as error:
        raise ModelUnreadable(f"{path}: vertex_indices.json has no landmarks.", "Fetch it again.") from error
    if indices.shape != (68,) or indices.min() < 0 or indices.max() >= VERTEX_COUNT:
        raise ModelUnreadable(f"{path}: vertex_indices.json has other landmarks than ICT-FaceKit's.")
    return indices


def convert_ict(path: Path, report: Callable[[float], None] = lambda fraction: None) -> FaceModel:
    """The FaceModel of an upstream folder or archive.

    Upstream samples identity coefficients from N(0, 1) and its modes are uncorrelated principal components
    scaled by their deviations, so they are taken as they are.

    Args:
        path: folder that holds ``FaceXModel`` (or is it), or a tar or zip of it.
        report: told the fraction done.

    Raises:
        ModelMissing: ``path`` does not exist.
        ModelUnreadable: files are missing, damaged or of another version.
    """
    upstream = _read(path, report)
    part = np.full(VERTEX_COUNT, -1)
    for index, entry in enumerate(PARTS):
        part[entry.first : entry.last + 1] = index
    kept = np.flatnonzero(part >= 0)
    part = part[kept]
    region = np.array([REGIONS.index(entry.region) for entry in PARTS], dtype=np.int32)[part]

    source = upstream.neutral.vertices[kept] * _METRES
    in_eye = {side: region == REGIONS.index(f"eye_{side.lower()}") for side in ("Left", "Right")}
    origin = np.mean([fit_sphere(source[mask])[0] for mask in in_eye.values()], axis=0)
    template = source - origin
    polygons = _polygons(upstream.neutral, part, kept)
    neighbours = building.vertex_neighbours(polygons.vertices, polygons.starts, len(kept))

    deltas = _expression_deltas(upstream, kept, source, in_mouth=(part >= 4) & (part <= 9))
    balls = {side: (np.flatnonzero(ball), fit_sphere(template[ball])[0]) for side, ball in in_eye.items()}
    building.turn_eyeballs(deltas, template, balls)

    regressor, weights = _skeleton(template, deltas[ARKIT_NAMES.index("jawOpen")], region, in_eye)
    masks = ict_masks(template, kept, upstream.landmarks, region == REGIONS.index("skin"), neighbours)
    triangles, barycentrics = packaged_landmarks("ict")
    report(1.0)
    return FaceModel(
        name="ict",
        licence=LICENCE,
        template=template.astype(np.float32),
        polygon_vertices=polygons.vertices,
        polygon_starts=polygons.starts,
        uv=polygons.uv,
        identity_basis=((upstream.identities[:, kept] * _METRES) - source).astype(np.float32),
        identity_variance=1.0,
        expression_deltas=deltas.astype(np.float32),
        joint_offset=np.zeros((5, 3), dtype=np.float32),
        joint_regressor=regressor.astype(np.float32),
        skin_weights=weights.astype(np.float32),
        region=region,
        landmark_triangles=triangles,
        landmark_barycentrics=barycentrics,
        masks=masks,
        mirror=building.mirror_map(template, part, np.array([entry.twin for entry in PARTS])),
    )


def _expression_deltas(
    upstream: _Upstream,
    kept: Int[ndarray, "kept"],
    source: Float[ndarray, "kept 3"],
    in_mouth: Bool[ndarray, "kept"],
) -> Float[ndarray, "52 kept 3"]:
    """Offsets of ARKit's units, metres: upstream splits some in two; jaws alone move teeth and tongue."""
    deltas = np.zeros((len(ARKIT_NAMES), len(kept), 3))
    for row, name in enumerate(ARKIT_NAMES):
        for shape in _upstream_names(name):
            deltas[row] += upstream.shapes[shape][kept] * _METRES - source
        if not name.startswith("jaw"):
            deltas[row, in_mouth] = 0.0
    return deltas


class _Polygons(NamedTuple):
    vertices: Int[ndarray, "corners"]
    starts: Int[ndarray, "polygons"]
    uv: Float[ndarray, "corners 2"]


def _polygons(mesh: ObjMesh, part: Int[ndarray, "kept"], kept: Int[ndarray, "kept"]) -> _Polygons:
    """Polygons whose corners are all kept, renumbered, with their texture corners laid out by ``ATLAS``."""
    new_index = np.full(len(mesh.vertices), -1, dtype=np.int32)
    new_index[kept] = np.arange(len(kept))
    corners = new_index[mesh.polygon_vertices]
    sizes = np.diff(np.append(mesh.polygon_starts, len(corners)))
    whole = np.minimum.reduceat(corners, mesh.polygon_starts) >= 0
    keep = np.repeat(whole, sizes)
    vertices, sizes = corners[keep], sizes[whole]
    upstream_uv = mesh.texture[mesh.polygon_texture[keep]]
    udim = np.floor(upstream_uv[:, 0])
    tile = np.array([entry.tile for entry in PARTS])[part[vertices]]
    tile[tile == "skin"] = np.where(udim[tile == "skin"] == 0, "face", "head")
    # The two sides' lashes share one tile; every other tile is one unit square.
    inside = np.clip(upstream_uv - np.c_[udim, np.zeros(len(udim))], 0.0, 1.0)
    boxes = np.array([ATLAS[name] for name in tile])
    corner, size = boxes[:, :2] + _ATLAS_MARGIN, boxes[:, 2:] - 2 * _ATLAS_MARGIN
    starts = (np.cumsum(sizes) - sizes).astype(np.int32)
    return _Polygons(vertices, starts, (corner + inside * size).astype(np.float32))


def _skeleton(
    template: Float[ndarray, "vertices 3"],
    jaw_open: Float[ndarray, "vertices 3"],
    region: Int[ndarray, "vertices"],
    in_eye: dict[str, Bool[ndarray, "vertices"]],
) -> tuple[Float[ndarray, "5 vertices"], Float[ndarray, "vertices 5"]]:
    """Joint regressor and skin weights (order of ``JOINTS``).

    The jaw hinges where the lower teeth's rigid motion in ``jawOpen`` leaves the middle plane at rest.
    """
    teeth = region == REGIONS.index("teeth_lower")
    rotation, translation = fit_rigid(template[teeth], template[teeth] + jaw_open[teeth])
    jaw_share = building.hinge_weights(template, jaw_open, rotation, translation)
    jaw_share[(region == REGIONS.index("lashes")) | (region == REGIONS.index("eye_socket"))] = 0.0
    jaw_share[teeth] = 1.0
    head_share = neck_share(template)
    weights = np.stack(
        [1 - head_share, head_share * (1 - jaw_share), head_share * jaw_share, 0 * jaw_share, 0 * jaw_share],
        axis=1,
    )
    regressor = np.zeros((5, len(template)))
    skull = region == REGIONS.index("skin")
    for joint, (support, point) in enumerate(
        [
            (skull & (head_share < 0.5), building.NECK_POINT),
            (skull & (head_share > 0.5), building.HEAD_POINT),
            (skull & (head_share > 0.5), building.hinge_point(rotation, translation)),
            (in_eye["Left"], fit_sphere(template[in_eye["Left"]])[0]),
            (in_eye["Right"], fit_sphere(template[in_eye["Right"]])[0]),
        ]
    ):
        regressor[joint, support] = building.affine_weights(template[support], point)
    for joint, side in ((3, "Left"), (4, "Right")):
        weights[in_eye[side]] = np.eye(5)[joint]
    return regressor, weights
