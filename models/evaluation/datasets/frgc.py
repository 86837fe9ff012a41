"""FRGC v2.0: range scans with registered pictures of 466 people (Phillips et al., 2005).

Layout: folders such as ``nd1/Fall2003range`` with ``02463d452.abs.gz`` (a scan) and ``02463d453.ppm`` (the
picture taken with it, whose number is the next). A scan is text: rows, columns, the line ``pixels (flag X Y
Z):``, then the flags, X, Y and Z of all pixels, millimetres, Y up and Z to the scanner. Picture and scan
show the same pixels, so that landmarks found in the picture are points of the scan.

JR2Net does not say which scans it takes; here it is all that have a picture. Never run on the real data.
"""

from __future__ import annotations

import gzip
import re
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray
from scipy.spatial import cKDTree

from core.errors import DataUnreadable
from models.evaluation.datasets.files import PICTURES, need_any, need_folder
from models.evaluation.marks import INNER, NOSE_TIP, metres_per_unit
from models.evaluation.mesh_error import Scan

RADIUS: Final = 0.095
"""Metres round the tip of the nose that JR2Net keeps of a scan."""

_NEAR: Final = 4.0  # pixels from a landmark at which the scan must have a point
_HEADER: Final = re.compile(rb"\s*(\d+)\s+rows\s+(\d+)\s+columns\s+pixels[^\n]*\n")
_MOST: Final = 16_000_000  # pixels of a scan


@dataclass(frozen=True)
class RangeScan:
    """A range scan: positions of its pixels in millimetres, and which were measured."""

    positions: Float[ndarray, "rows columns 3"]
    measured: Bool[ndarray, "rows columns"]


@dataclass(frozen=True)
class FrgcPair:
    """A scan and the picture taken with it."""

    scan: Path
    picture: Path


def frgc_pairs(folder: Path) -> list[FrgcPair]:
    """All scans under a folder that have a picture.

    Raises:
        DataUnreadable: there is none.
    """
    need_folder(folder, "FRGC's range folders, such as nd1")
    scans = need_any([*folder.rglob("*.abs.gz"), *folder.rglob("*.abs")], folder, "range scan (*.abs.gz)")
    pairs = [FrgcPair(scan, picture) for scan in scans if (picture := _picture(scan)) is not None]
    if not pairs:
        raise DataUnreadable(f"{folder} has no picture beside {scans[0]}.", "Fetch the pictures too.")
    return pairs


def read_range(path: Path) -> RangeScan:
    """
    Raises:
        DataUnreadable: the file is damaged or no range scan.
    """
    try:
        content = path.read_bytes()
        content = gzip.decompress(content) if path.suffix == ".gz" else content
        header = _HEADER.match(content)
        if header is None:
            raise ValueError("it does not begin with rows, columns and pixels")
        rows, columns = int(header[1]), int(header[2])
        if rows * columns > _MOST:
            raise ValueError(f"it is said to have {rows} x {columns} pixels")
        values = np.array(content[header.end() :].split(), np.float64)
        if len(values) != 4 * rows * columns:
            raise ValueError(f"it holds {len(values)} numbers for {rows} x {columns} pixels")
    except (OSError, EOFError, zlib.error, ValueError) as error:
        raise DataUnreadable(f"{path} cannot be read: {error}.", "Fetch it again.") from error
    flag, x, y, z = values.reshape(4, rows, columns)
    return RangeScan(np.stack([x, y, z], axis=-1), flag > 0.5)


def scan_with_marks(scan: RangeScan, landmarks: Float[ndarray, "68 2"], size: tuple[int, int]) -> Scan | None:
    """The cropped scan, metres, with the landmarks that were found in its picture.

    None where the scanner measured nothing at an eye or at the nose, as on turned heads.

    Args:
        landmarks: the 68 in pixels of the picture.
        size: width and height of the picture.
    """
    rows, columns = scan.measured.shape
    places = np.argwhere(scan.measured)
    pixels = landmarks * (columns / size[0], rows / size[1])
    if not len(places):
        return None
    away, nearest = cKDTree(places[:, ::-1] + 0.5).query(pixels[list(INNER)])
    found = away <= _NEAR
    which = np.array(INNER)[found]
    marks = scan.positions[tuple(places[nearest[found]].T)]
    named = dict(zip(which.tolist(), marks, strict=True))
    if not {36, 45, NOSE_TIP} <= set(named):
        return None
    unit = metres_per_unit(named[36], named[45])
    points = unit * scan.positions[scan.measured]
    return Scan(points, unit * marks, which).near(unit * named[NOSE_TIP], RADIUS)


def _picture(scan: Path) -> Path | None:
    stem = scan.name.removesuffix(".gz").removesuffix(".abs")
    numbered = re.fullmatch(r"(.*d)(\d+)", stem)
    stems = [f"{numbered[1]}{int(numbered[2]) + 1:0{len(numbered[2])}d}"] if numbered else []
    for name in (*stems, stem):
        for ending in PICTURES:
            if (file := scan.with_name(name + ending)).is_file():
                return file
    return None
