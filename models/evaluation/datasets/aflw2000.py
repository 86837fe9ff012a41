"""AFLW2000-3D: 2,000 photos with 68 landmarks of a fitted head (Zhu et al., 2016).

Layout: ``image00002.jpg`` beside ``image00002.mat``, whose ``pt3d_68`` (3 x 68) are pixels and whose
``Pose_Para`` begins with pitch, yaw and roll in radians. Never run on the real data: written from how public
code reads it. The landmarks count pixels from 1, as MATLAB does; half a pixel is taken off.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from core.errors import DataUnreadable
from models.evaluation.datasets.files import need_any, need_folder


@dataclass(frozen=True)
class TrueMarks:
    """A photo, its 68 landmarks in pixels and the head's yaw in degrees."""

    picture: Path
    landmarks: Float[ndarray, "68 2"]
    yaw: float

    @property
    def box(self) -> tuple[float, float, float, float]:
        """Left, top, right and bottom of the landmarks."""
        low, high = self.landmarks.min(axis=0), self.landmarks.max(axis=0)
        return float(low[0]), float(low[1]), float(high[0]), float(high[1])


def aflw2000_pictures(folder: Path) -> list[Path]:
    """All photos that have a label.

    Raises:
        DataUnreadable: there is none.
    """
    need_folder(folder, "AFLW2000's image*.jpg and image*.mat")
    labels = need_any(folder.rglob("*.mat"), folder, "label (*.mat)")
    pictures = [picture for label in labels if (picture := label.with_suffix(".jpg")).is_file()]
    return need_any(pictures, folder, f"picture beside {labels[0]}")


def read_marks(picture: Path) -> TrueMarks:
    """The label of a photo.

    Raises:
        DataUnreadable: it is damaged or lacks landmarks or pose.
    """
    from scipy.io import loadmat

    label = picture.with_suffix(".mat")
    try:
        content = loadmat(str(label), variable_names=["pt3d_68", "Pose_Para"])
        points = np.asarray(content["pt3d_68"], np.float64)
        pose = np.asarray(content["Pose_Para"], np.float64).ravel()
        if points.shape not in ((3, 68), (2, 68)) or len(pose) < 3:
            raise ValueError(f"pt3d_68 is of shape {points.shape}, Pose_Para of {pose.shape}")
        if not (np.isfinite(points[:2]).all() and np.isfinite(pose[:3]).all()):
            raise ValueError("it holds numbers that are not finite")
    except Exception as error:  # SciPy's reader reports damage by any exception it meets
        raise DataUnreadable(f"{label} cannot be read: {error}.", "Fetch it again.") from error
    return TrueMarks(picture, points[:2].T - 0.5, float(np.degrees(pose[1])))
