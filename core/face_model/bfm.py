"""Basel Face Model 2009 with FaceWarehouse's expressions, in Deep3DFaceRecon's ``BFM_model_front.mat``.

A face without mouth interior, ears' backs, neck or texture coordinates: 35,709 vertices of the 2009 model,
in units of 10 cm, facing +Z. What shows of the eyes is part of the skin's surface, so the gaze cannot turn.
Joints stand where a head of its size has them, so it can be posed as one; its texture layout is a cylinder.
The original ``01_MorphableModel.mat`` must first be converted by Deep3DFaceRecon's own tool, which knows
which vertices it keeps.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray
from scipy.io import loadmat

from core.errors import ModelMissing, ModelUnreadable
from core.face_model import building
from core.face_model.model import JOINTS, REGIONS
from core.face_model.pca_head import PcaHead, bare_model

LICENCE: Final = "Basel Face Model 2009: non-commercial, under the agreement of the user's copy"
_METRES: Final = 0.1
_EYE_DEPTH: Final = 0.013  # metres from the lids' middle back to the eyeball's centre
_KEYS: Final = ("meanshape", "idBase", "exBase", "tri", "keypoints")


def read_bfm(path: Path) -> dict[str, ndarray]:
    """``meanshape`` (V, 3), ``idBase`` and ``exBase`` (modes, V, 3), ``tri`` and ``keypoints`` (from 0).

    Raises:
        ModelMissing: there is no such file.
        ModelUnreadable: it is damaged or of another layout.
    """
    if not path.is_file():
        raise ModelMissing(f"{path} does not exist or is a folder.", "Give BFM_model_front.mat itself.")
    try:
        stored = loadmat(path, variable_names=_KEYS, appendmat=False)
    except Exception as error:  # damaged files fail in every way there is
        raise ModelUnreadable(f"{path} is not a readable .mat file ({error}).", "Fetch it again.") from error
    missing = [key for key in _KEYS if key not in stored]
    if missing:
        raise ModelUnreadable(
            f"{path} has no {missing[0]}: it is not Deep3DFaceRecon's BFM_model_front.mat.",
            "Convert the Basel model with Deep3DFaceRecon's transferBFM09 first.",
        )
    mean = np.asarray(stored["meanshape"])
    if (
        any(np.asarray(stored[key]).dtype.kind not in "fiu" for key in _KEYS)
        or mean.size % 3
        or not mean.size
    ):
        raise ModelUnreadable(f"{path}: its arrays do not hold numbers of the Basel model.")
    count = mean.size // 3
    triangles = np.asarray(stored["tri"]).astype(np.int64) - 1
    keypoints = np.asarray(stored["keypoints"]).astype(np.int64).ravel() - 1
    bases = {key: np.asarray(stored[key], dtype=np.float32) for key in ("idBase", "exBase")}
    fits = (
        all(basis.ndim == 2 and basis.shape[0] == 3 * count for basis in bases.values())
        and triangles.ndim == 2
        and triangles.shape[1] == 3
        and keypoints.shape == (68,)
        and min(triangles.min(initial=0), keypoints.min()) >= 0
        and max(triangles.max(initial=0), keypoints.max()) < count
        and all(np.isfinite(array).all() for array in (mean, *bases.values()))
    )
    if not fits:
        raise ModelUnreadable(f"{path}: its arrays do not fit together.", "Fetch it again.")
    modes = {key: np.moveaxis(basis.reshape(count, 3, -1), -1, 0) for key, basis in bases.items()}
    return {"meanshape": mean.reshape(count, 3), "tri": triangles, "keypoints": keypoints, **modes}


def convert_bfm(path: Path, report: Callable[[float], None] = lambda fraction: None) -> PcaHead:
    """The face of a ``BFM_model_front.mat``, its ARKit shapes still to be mapped.

    Raises:
        ModelMissing: there is no such file.
        ModelUnreadable: it is damaged or of another layout.
    """
    arrays = read_bfm(path)
    report(0.5)
    source = arrays["meanshape"].astype(np.float64) * _METRES
    eyes = _eye_centres(source, arrays["keypoints"])
    origin = eyes.mean(axis=0)
    template = source - origin
    points = np.stack([building.NECK_POINT, building.HEAD_POINT, building.JAW_POINT, *(eyes - origin)])
    regressor = np.stack([building.affine_weights(template, point) for point in points])
    weights = np.tile(np.eye(len(JOINTS))[JOINTS.index("head")], (len(template), 1))
    triangles = building.outward(template, arrays["tri"])
    region = np.zeros(len(template), dtype=np.int32)
    for name, corners in (("eye_right", range(36, 42)), ("eye_left", range(42, 48))):
        lids = template[arrays["keypoints"][list(corners)]]
        between = building.inside_polygon(template[:, :2], lids[:, :2])
        region[between & (template[:, 2] > lids[:, 2].min() - _EYE_DEPTH)] = REGIONS.index(name)
    model = bare_model(
        name="bfm",
        licence=LICENCE,
        template=template,
        triangles=triangles,
        identity_basis=np.ascontiguousarray(arrays["idBase"]) * np.float32(_METRES),
        joint_offset=np.zeros((len(JOINTS), 3)),
        joint_regressor=regressor,
        skin_weights=weights,
        region=region,
    )
    report(1.0)
    return PcaHead(model, np.ascontiguousarray(arrays["exBase"]) * np.float32(_METRES))


def _eye_centres(
    source: Float[ndarray, "vertices 3"], keypoints: Int[ndarray, "68"]
) -> Float[ndarray, "2 3"]:
    """Centres of the eyeballs that belong behind the lids: left, right."""
    lids = source[keypoints[[range(42, 48), range(36, 42)]]]
    return lids.mean(axis=1) - [0.0, 0.0, _EYE_DEPTH]
