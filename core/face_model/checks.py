"""Whether a FaceModel hangs together: what every converter's result and every cache file must pass."""

from __future__ import annotations

import numpy as np

from core.arkit import ARKIT_NAMES
from core.errors import ModelUnreadable
from core.face_model.model import JOINTS, LANDMARK_COUNT, REGIONS, FaceModel


def check_model(model: FaceModel, source: str) -> None:
    """Check shapes, index ranges, weights and finiteness. Landmarks may be absent (NaN barycentrics).

    Args:
        model: the model.
        source: the file to name in the error.

    Raises:
        ModelUnreadable: the first thing found wrong.
    """
    count, corners = model.vertex_count, len(model.polygon_vertices)
    shapes = {
        "template": (count, 3),
        "uv": (corners, 2),
        "identity_basis": (len(model.identity_basis), count, 3),
        "expression_deltas": (len(ARKIT_NAMES), count, 3),
        "joint_offset": (len(JOINTS), 3),
        "joint_regressor": (len(JOINTS), count),
        "skin_weights": (count, len(JOINTS)),
        "region": (count,),
        "landmark_triangles": (LANDMARK_COUNT,),
        "landmark_barycentrics": (LANDMARK_COUNT, 3),
        "mirror": (count,),
    }
    for name, shape in shapes.items():
        array = getattr(model, name)
        if array.shape != shape:
            raise ModelUnreadable(f"{source}: {name} has the shape {array.shape}, not {shape}.")
        if name != "landmark_barycentrics" and not np.isfinite(array).all():
            raise ModelUnreadable(f"{source}: {name} has values that are not numbers.")
    sizes = np.diff(np.append(model.polygon_starts, corners))
    if len(sizes) == 0 or model.polygon_starts[0] != 0 or sizes.min() < 3 or sizes.max() > 4:
        raise ModelUnreadable(f"{source}: its polygons are not triangles and quads.")
    limits = {
        "polygon_vertices": count,
        "region": len(REGIONS),
        "landmark_triangles": int((sizes - 2).sum()),
        "mirror": count,
    }
    for name, limit in limits.items():
        array = getattr(model, name)
        if array.min() < 0 or array.max() >= limit:
            raise ModelUnreadable(f"{source}: {name} points outside the model.")
    if model.skin_weights.min() < 0 or np.abs(model.skin_weights.sum(axis=1) - 1).max() > 1e-3:
        raise ModelUnreadable(f"{source}: skin weights do not sum to 1.")
    for name, weights in model.masks.items():
        if weights.shape != (count,) or not (weights.min() >= 0 and weights.max() <= 1):
            raise ModelUnreadable(f"{source}: the mask {name} is not a weight for each vertex.")
