"""FLAME 2020/2023 (Li et al., SIGGRAPH Asia 2017) from the user's ``.pkl`` or ``.npz``, as a head to map.

Axes and units of the files are ours. FLAME's root and neck joints become our neck and head: the first turns
the neck's base, the second the head. The pose-dependent correctives (``posedirs``) are left out: skinning
here is linear blending alone. The files carry no texture coordinates, so the head is unwrapped on a cylinder.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

import numpy as np
from numpy import ndarray
from scipy.spatial.transform import Rotation

from core.arkit import ARKIT_NAMES
from core.documents import DAMAGE
from core.errors import ModelMissing, ModelUnreadable
from core.face_model.model import REGIONS
from core.face_model.pca_head import PcaHead, bare_model
from core.face_model.pickles import read_number_pickle

LICENCE: Final = (
    "FLAME: the licence of the user's copy (2023 Open: CC-BY-4.0; others: non-commercial research)"
)
EXPRESSION_COUNT: Final = 100  # the last of the shape directions
_JAW_RADIANS: Final = (("x", 0.3), ("y", 0.1))  # one deviation of opening and of going sideways
_KEYS: Final = ("v_template", "f", "shapedirs", "weights", "J_regressor")


def read_flame(path: Path) -> dict[str, ndarray]:
    """The arrays of a FLAME file, unpickled by the restricted reader or loaded without pickle.

    Raises:
        ModelMissing: there is no such file.
        ModelUnreadable: it is damaged, lacks an array, or asks to run code.
    """
    if path.suffix == ".npz":
        try:
            with np.load(path, allow_pickle=False) as stored:
                arrays = {key: stored[key] for key in stored.files if key in _KEYS}
        except FileNotFoundError as error:
            raise ModelMissing(f"{path} does not exist.", "Check the path.") from error
        except DAMAGE as error:
            raise ModelUnreadable(
                f"{path} is not a readable .npz of plain arrays.", "Fetch it again."
            ) from error
    else:
        arrays = read_number_pickle(path)
    missing = [key for key in _KEYS if key not in arrays]
    if missing:
        raise ModelUnreadable(f"{path} is not a FLAME model: it has no {missing[0]}.")
    count, directions = len(arrays["v_template"]), arrays["shapedirs"].shape[-1]
    shapes = {
        "v_template": (count, 3),
        "f": (len(arrays["f"]), 3),
        "shapedirs": (count, 3, directions),
        "weights": (count, 5),
        "J_regressor": (5, count),
    }
    for key, shape in shapes.items():
        if arrays[key].shape != shape or not np.isfinite(arrays[key]).all():
            raise ModelUnreadable(f"{path}: {key} is not an array of numbers of the shape {shape}.")
    if directions <= EXPRESSION_COUNT or arrays["f"].min() < 0 or arrays["f"].max() >= count:
        raise ModelUnreadable(f"{path}: its arrays do not fit together.", "Fetch it again.")
    return arrays


def convert_flame(path: Path, report: Callable[[float], None] = lambda fraction: None) -> PcaHead:
    """The head of a FLAME file, its ARKit shapes still to be mapped.

    Raises:
        ModelMissing: there is no such file.
        ModelUnreadable: it is damaged, of another layout, or asks to run code.
    """
    arrays = read_flame(path)
    report(0.5)
    source = arrays["v_template"].astype(np.float64)
    weights = arrays["weights"].astype(np.float64)
    weights /= weights.sum(axis=1, keepdims=True)
    regressor = arrays["J_regressor"].astype(np.float64)
    joints = regressor @ source
    if joints[3, 0] < joints[4, 0]:  # our third joint is the left eye, at +X
        order = [0, 1, 2, 4, 3]
        weights, regressor, joints = weights[:, order], regressor[order], joints[order]
    template = source - joints[3:5].mean(axis=0)
    joints = joints - joints[3:5].mean(axis=0)

    region = np.zeros(len(template), dtype=np.int32)
    for column, name in ((3, "eye_left"), (4, "eye_right")):
        region[weights[:, column] > 0.5] = REGIONS.index(name)
    directions = np.moveaxis(arrays["shapedirs"], -1, 0).astype(np.float32)
    jaw = [
        weights[:, 2:3]
        * (Rotation.from_euler(axis, angle).apply(template - joints[2]) + joints[2] - template)
        for axis, angle in _JAW_RADIANS
    ]
    model = bare_model(
        name="flame",
        licence=LICENCE,
        template=template,
        triangles=arrays["f"].astype(np.int64),
        identity_basis=directions[:-EXPRESSION_COUNT],
        joint_offset=joints - regressor @ template,
        joint_regressor=regressor,
        skin_weights=weights,
        region=region,
    )
    # Shut lips hide their inner line, so the landmarks are measured on a mouth that this opens.
    model.expression_deltas[ARKIT_NAMES.index("jawOpen")] = jaw[0]
    report(1.0)
    return PcaHead(model, np.concatenate([directions[-EXPRESSION_COUNT:], np.array(jaw, dtype=np.float32)]))
