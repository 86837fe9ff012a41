"""Converted face models on disk: one compressed ``.npz`` each, written atomically, read without pickle."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import numpy as np
from jaxtyping import Float32, Int16
from numpy import ndarray

from core.cache import write_atomically
from core.documents import DAMAGE
from core.errors import ModelUnreadable, OutputFailed
from core.face_model.checks import check_model
from core.face_model.model import FaceModel

FORMAT_VERSION: Final = 1
"""Raised when the layout of the cache files changes; files of another version are made anew."""

FINEST_STEP: Final = 5e-7
"""Metres. The bases are stored as multiples of a step (this, or more where 16 bits do not reach), so an
offset is off by 0.25 µm, or by 0.6 µm where a jaw opens 40 mm. Half floats of the same size would be off
by 15 µm there."""

_BASES: Final = ("identity_basis", "expression_deltas")
_ARRAYS: Final = (
    "template", "polygon_vertices", "polygon_starts", "uv", "joint_offset", "joint_regressor", "skin_weights",
    "region", "landmark_triangles", "landmark_barycentrics", "mirror",
)  # fmt: skip


def _quantise(
    basis: Float32[ndarray, "modes vertices 3"],
) -> tuple[Int16[ndarray, "modes vertices 3"], Float32[ndarray, "modes"]]:
    largest = np.abs(basis).max(axis=(1, 2), initial=0.0)
    steps = np.maximum(FINEST_STEP, largest / 32_767).astype(np.float32)
    return np.rint(basis / steps[:, None, None]).astype(np.int16), steps


def write_cached(file: Path, model: FaceModel, key: str) -> None:
    """Store a model; readers see the old file or the new one, never a half.

    Args:
        file: where; its folder is made.
        model: what.
        key: what the model was made from (source checksum, converter version); ``read_cached`` asks for it.

    Raises:
        OutputFailed: the folder cannot be written or the disk is full.
    """
    arrays: dict[str, ndarray] = {name: getattr(model, name) for name in _ARRAYS}
    for name in _BASES:
        arrays[name], arrays[f"{name}_steps"] = _quantise(getattr(model, name))
    arrays |= {f"mask_{name}": weights for name, weights in model.masks.items()}
    header = {
        "format": FORMAT_VERSION,
        "key": key,
        "name": model.name,
        "licence": model.licence,
        "identity_variance": model.identity_variance,
        "masks": list(model.masks),
    }
    try:
        write_atomically(
            file, lambda stream: np.savez_compressed(stream, header=json.dumps(header), **arrays)
        )
    except OSError as error:
        raise OutputFailed(
            f"The face model cannot be stored at {file} ({error.strerror or error}).",
            "Free space there, or set SEMBLANCE_CACHE to a folder that can be written.",
        ) from error


def is_cached(file: Path, key: str) -> bool:
    """Whether a model of that key is stored whole, as far as its header and the file's end tell."""
    try:
        with np.load(file, allow_pickle=False) as stored:
            return _header(stored, key) is not None
    except DAMAGE:
        return False


def read_cached(file: Path, key: str) -> FaceModel | None:
    """A stored model; none if the file is absent, of another format or key, or damaged in any way."""
    try:
        with np.load(file, allow_pickle=False) as stored:
            header = _header(stored, key)
            if header is None:
                return None
            arrays = {name: stored[name] for name in _ARRAYS}
            for name in _BASES:
                arrays[name] = stored[name] * stored[f"{name}_steps"][:, None, None]
            model = FaceModel(
                name=header["name"],
                licence=header["licence"],
                identity_variance=header["identity_variance"],
                masks={name: stored[f"mask_{name}"] for name in header["masks"]},
                **arrays,
            )
        check_model(model, str(file))
    except (*DAMAGE, ModelUnreadable):
        return None
    return model


def _header(stored: Any, key: str) -> dict[str, Any] | None:
    """The header of a stored model; none if it is of another format or key."""
    header: dict[str, Any] = json.loads(str(stored["header"]))
    return header if header["format"] == FORMAT_VERSION and header["key"] == key else None
