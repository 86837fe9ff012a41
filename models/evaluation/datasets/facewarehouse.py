"""FaceWarehouse: 150 people in 20 poses, photos and meshes of one topology (Cao et al., 2013).

Layout::

    Tester_1/TrainingPose/pose_0.obj    the mesh of a pose
    Tester_1/TrainingPose/pose_0.png    its picture (.jpg in some copies)
    ...
    Tester_150/TrainingPose/pose_19.obj

Never run on the real data: written from how public code reads it. The meshes' landmarks are not used, since
only pictures have any; they are found by looking at the first mesh, and hold for all by its topology.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from core.errors import DataUnreadable
from core.face_model.model import FaceModel
from models.evaluation.datasets.files import need_any, need_folder, read_surface
from models.evaluation.datasets.found_marks import SurfaceMarks, find_marks
from models.evaluation.marks import NOSE_TIP
from models.evaluation.mesh_error import Scan

RADIUS: Final = 0.085
"""Metres round the tip of the nose that JR2Net keeps of a mesh."""

_LAYOUT: Final = "FaceWarehouse's folders Tester_1 to Tester_150"


@dataclass(frozen=True)
class WarehousePose:
    """A person in a pose."""

    mesh: Path
    picture: Path
    tester: int
    pose: int


class FaceWarehouse:
    """All poses that have both mesh and picture."""

    def __init__(self, folder: Path) -> None:
        """
        Raises:
            DataUnreadable: there is no pose.
        """
        need_folder(folder, _LAYOUT)
        meshes = need_any(
            folder.rglob("Tester_*/TrainingPose/pose_*.obj"), folder, "Tester_*/TrainingPose/pose_*.obj"
        )
        self.poses = sorted(
            (pose for mesh in meshes if (pose := _pose(mesh)) is not None),
            key=lambda pose: (pose.tester, pose.pose),
        )
        if not self.poses:
            raise DataUnreadable(f"{folder} has no picture beside {meshes[0]}.", "Fetch the pictures too.")
        self._marks: SurfaceMarks | None = None

    def scan(self, pose: WarehousePose, model: FaceModel) -> Scan:
        """The cropped mesh of a pose, metres.

        Args:
            model: helps to find the landmarks, see ``core.retarget.keyless.detect``.

        Raises:
            DataUnreadable: the mesh is damaged, of another topology, or shows no face.
        """
        vertices, triangles = read_surface(pose.mesh)
        if self._marks is None:
            self._marks = find_marks(vertices, triangles, model, pose.mesh)
        scan = self._marks.scan(vertices, triangles, pose.mesh)
        tip = scan.marks[np.flatnonzero(scan.which == NOSE_TIP)[0]]
        return scan.near(tip, RADIUS)


def _pose(mesh: Path) -> WarehousePose | None:
    tail = "/".join(mesh.with_suffix("").parts[-3:])
    numbers = re.fullmatch(r"Tester_(\d+)/TrainingPose/pose_(\d+)", tail)
    pictures = [file for ending in (".png", ".jpg") if (file := mesh.with_suffix(ending)).is_file()]
    if numbers is None or not pictures:
        return None
    return WarehousePose(mesh, pictures[0], int(numbers[1]), int(numbers[2]))
