"""NoW: 2,054 photos of 100 people and a scan of each at rest (Sanyal et al., 2019; https://now.is.tue.mpg.de).

Layout, as the challenge's own evaluation expects it::

    imagepathsvalidation.txt            SUBJECT/CHALLENGE/PICTURE.jpg a line
    scans/SUBJECT/*.obj                 of the validation set
    scans_lmks_onlypp/SUBJECT/*.pp      seven points picked in MeshLab
    NoW_Dataset/final_release_version/iphone_pictures/SUBJECT/CHALLENGE/PICTURE.jpg

``iphone_pictures`` may also lie at the top. Never run on the real data: written from the layout and the
rules that the challenge publishes.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final
from xml.etree import ElementTree

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from core.errors import DataUnreadable
from models.evaluation.datasets.files import need_any, need_folder, read_surface
from models.evaluation.marks import SEVEN, metres_per_unit
from models.evaluation.mesh_error import Scan, now_crop

_LIST: Final = "imagepathsvalidation.txt"
_LAYOUT: Final = f"NoW's {_LIST}, scans, scans_lmks_onlypp and iphone_pictures"


@dataclass(frozen=True)
class NowPicture:
    """A photo, whose it is, and how it was taken (``multiview_neutral``, ``selfie``, ...)."""

    path: Path
    subject: str
    challenge: str


class NowDataset:
    """The validation set."""

    def __init__(self, folder: Path) -> None:
        """
        Raises:
            DataUnreadable: the list or the pictures' folder is missing, or the list is empty.
        """
        need_folder(folder, _LAYOUT)
        self._folder = folder
        pictures = need_any(folder.rglob("iphone_pictures"), folder, "folder iphone_pictures")[0]
        try:
            lines = (folder / _LIST).read_text(encoding="utf-8").split()
        except (OSError, UnicodeDecodeError) as error:
            raise DataUnreadable(
                f"{folder / _LIST} cannot be read.", "It comes with the scans of the validation set."
            ) from error
        named = [line.strip("/").split("/") for line in lines]
        if not named or any(len(parts) != 3 for parts in named):
            raise DataUnreadable(
                f"{folder / _LIST} does not name pictures as SUBJECT/CHALLENGE/PICTURE.", "Fetch it again."
            )
        self.pictures = [NowPicture(pictures.joinpath(*parts), parts[0], parts[1]) for parts in named]

    def scan(self, subject: str) -> Scan:
        """The cropped scan of a person, metres.

        Raises:
            DataUnreadable: the scan or its landmarks are missing or damaged.
        """
        mesh = self._only("scans", subject, "*.obj")
        vertices, _ = read_surface(mesh)
        seven = read_picked_points(self._only("scans_lmks_onlypp", subject, "*.pp"))
        unit = metres_per_unit(seven[0], seven[3])
        whole = Scan(unit * vertices, unit * seven, np.array(SEVEN))
        cropped = whole.near(*now_crop(whole.marks))
        if not len(cropped.points):
            raise DataUnreadable(f"The landmarks of {subject} do not lie on {mesh}.", "Fetch both again.")
        return cropped

    def _only(self, kind: str, subject: str, pattern: str) -> Path:
        folder = self._folder / kind / subject
        return need_any(folder.glob(pattern), folder, f"file {pattern}")[0]


def read_picked_points(path: Path) -> Float[ndarray, "7 3"]:
    """MeshLab's picked points, in the order of the file.

    Raises:
        DataUnreadable: the file is damaged or does not hold seven points.
    """
    try:
        root = ElementTree.fromstring(path.read_bytes())
        points = np.array([[float(point.attrib[axis]) for axis in "xyz"] for point in root.iter("point")])
    except (OSError, ElementTree.ParseError, KeyError, ValueError) as error:
        raise DataUnreadable(f"{path} cannot be read: {error}.", "Fetch it again.") from error
    if points.shape != (7, 3) or not np.isfinite(points).all():
        raise DataUnreadable(f"{path} holds {len(points)} points, not seven.", "Fetch it again.")
    return points
