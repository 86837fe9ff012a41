"""MICC Florence 2D/3D: a scan of each of 53 people, and three videos (Bagdanov et al., 2011).

Layout::

    subject_01/Model/frontal1/obj/*.obj            the scan at rest, millimetres
    subject_01/Videos/Indoor-Cooperative/*         a video, or its frames as pictures
    subject_01/Videos/PTZ-Indoor/*
    subject_01/Videos/PTZ-Outdoor/*

Folders are known by the names of the scenarios, wherever they lie under the subject's. Never run on the real
data: written from how public code reads it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from core.errors import DataUnreadable
from core.face_model.model import FaceModel
from models.evaluation.datasets.files import PICTURES, VIDEOS, need_any, need_folder, read_surface
from models.evaluation.datasets.found_marks import find_marks
from models.evaluation.marks import NOSE_TIP
from models.evaluation.mesh_error import Scan

RADIUS: Final = 0.095
"""Metres round the tip of the nose that Genova et al. (2018) keep of a scan."""

SCENARIOS: Final = {
    "indoor-cooperative": "Cooperative",
    "ptz-indoor": "Indoor",
    "ptz-outdoor": "Outdoor",
}
"""Folder name in small letters, and the column of CPEM's table 3."""


@dataclass(frozen=True)
class FilmedPerson:
    """A person, their scan, and a video or its frames.

    Attributes:
        media: one video, or pictures in order.
    """

    subject: str
    scenario: str
    mesh: Path
    media: tuple[Path, ...]


def filmed_people(folder: Path) -> list[FilmedPerson]:
    """All people in all scenarios that there are.

    Raises:
        DataUnreadable: there is no subject, a subject has no scan, or nothing was filmed.
    """
    need_folder(folder, "MICC's folders subject_01 to subject_53")
    subjects = need_any(
        (path for path in folder.rglob("subject_*") if path.is_dir()), folder, "folder subject_*"
    )
    people = []
    for subject in subjects:
        meshes = need_any(subject.rglob("*.obj"), subject, "scan (*.obj)")
        frontal = [mesh for mesh in meshes if "frontal1" in mesh.parts] or meshes
        for scenario in SCENARIOS:
            media = _media(subject, scenario)
            if media:
                people.append(FilmedPerson(subject.name, scenario, frontal[0], media))
    if not people:
        names = ", ".join(SCENARIOS)
        raise DataUnreadable(f"{folder} holds no video of {names}.", "Fetch the videos too.")
    return people


def read_scan(person: FilmedPerson, model: FaceModel) -> Scan:
    """The cropped scan, metres, with landmarks found by looking at it.

    Raises:
        DataUnreadable: the scan is damaged or shows no face.
    """
    vertices, triangles = read_surface(person.mesh)
    scan = find_marks(vertices, triangles, model, person.mesh).scan(vertices, triangles, person.mesh)
    return scan.near(scan.marks[np.flatnonzero(scan.which == NOSE_TIP)[0]], RADIUS)


def _media(subject: Path, scenario: str) -> tuple[Path, ...]:
    inside = [
        file
        for place in subject.rglob("*")
        if place.is_dir() and place.name.lower() == scenario
        for file in sorted(place.rglob("*"))
    ]
    videos = [file for file in inside if file.suffix.lower() in VIDEOS]
    pictures = [file for file in inside if file.suffix.lower() in PICTURES]
    return tuple(videos[:1] or pictures)
