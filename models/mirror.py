"""What a mirrored picture does to the labels of its face."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from jaxtyping import Float, Float32
from numpy import ndarray

from core.arkit import MIRRORED_UNITS
from core.atomic import staged_output
from core.errors import DataUnreadable
from core.face_model.model import FaceModel
from core.landmark_topology import MIRROR
from models.crops import SIDE

MIRROR_FILE: Final = "mirror.npz"
_CLOSED: Final = 0.05  # residual, relative, up to which a basis counts as holding its own mirror image
_ODD: Final = np.array([1, 1, 1, -1, -1, 1, 1, -1, 1], np.float32)  # harmonics that change sign with x


@dataclass(frozen=True)
class Mirror:
    """Mirroring of coefficients.

    Attributes:
        identity: takes identity coefficients of a head to those of its mirror image, ``c @ identity``:
            the least-squares solution in the basis.
        residual: what the basis lacks of its own mirror image, relative (RMS over modes and vertices).
        albedo: factors of the albedo coefficients, 1 or -1.
    """

    identity: Float32[ndarray, "modes modes"]
    residual: float
    albedo: Float32[ndarray, "skins"]

    @property
    def identity_known(self) -> bool:
        """Whether mirrored identities may be learnt from."""
        return self.residual < _CLOSED

    def labels(self, labels: dict[str, Any]) -> dict[str, Any]:
        """Labels of one frame whose picture is mirrored left to right; those that are absent stay so."""
        turned = dict(labels)
        flip = np.diag([-1.0, 1.0, 1.0]).astype(np.float32)
        if "identity" in labels:
            turned["identity"] = labels["identity"] @ self.identity
            turned["identity_known"] = np.bool_(self.identity_known)
        if "expression" in labels:
            turned["expression"] = labels["expression"][list(MIRRORED_UNITS)]
        if "rotation" in labels:
            turned["rotation"] = flip @ labels["rotation"] @ flip
            turned["translation"] = flip @ labels["translation"]
            fx, fy, cx, cy = labels["camera"]
            turned["camera"] = np.array([fx, fy, SIDE - cx, cy], np.float32)
        if "sh" in labels:
            turned["sh"] = labels["sh"] * _ODD[:, None]
        if "albedo" in labels:
            turned["albedo"] = labels["albedo"] * self.albedo
        for name in ("landmarks", "seen"):
            if name in labels:
                points = labels[name][MIRROR]
                turned[name] = np.column_stack([SIDE - points[:, 0], points[:, 1:]]).astype(np.float32)
        return turned


def no_mirror() -> Mirror:
    """For pictures without coefficients."""
    return Mirror(np.zeros((0, 0), np.float32), 0.0, np.zeros(0, np.float32))


def learn_mirror(model: FaceModel, albedo: Float[ndarray, "skins"]) -> Mirror:
    """How a model's identities are mirrored; ``albedo`` are the factors of the albedo basis."""
    basis = model.identity_basis.astype(np.float64)
    turned = (basis[:, model.mirror] * (-1, 1, 1)).reshape(len(basis), -1)
    flat = basis.reshape(len(basis), -1)
    matrix = np.linalg.solve(flat @ flat.T, flat @ turned.T).T
    lacking = np.linalg.norm(turned - matrix @ flat) / np.linalg.norm(turned)
    return Mirror(matrix.astype(np.float32), float(lacking), np.asarray(albedo, np.float32))


def write_mirror(folder: Path, mirror: Mirror) -> None:
    """Keep it with a data set, so that training needs no face model to mirror pictures.

    Raises:
        OutputFailed: the folder cannot be written.
    """
    with staged_output(folder / MIRROR_FILE) as path, path.open("wb") as stream:
        np.savez(stream, identity=mirror.identity, residual=np.float64(mirror.residual), albedo=mirror.albedo)


def read_mirror(folder: Path) -> Mirror:
    """
    Raises:
        DataUnreadable: it is missing or damaged.
    """
    file = folder / MIRROR_FILE
    try:
        with np.load(file, allow_pickle=False) as stored:
            return Mirror(stored["identity"], float(stored["residual"]), stored["albedo"])
    except Exception as error:  # damage shows in many ways
        raise DataUnreadable(
            f"{file} cannot be read ({error}).", "Run the command that made the data set again."
        ) from error
