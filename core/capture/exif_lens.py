"""How long a photo's lens is by its EXIF, where that can be true."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from core.lens import EQUIVALENTS_MM, FILM_WIDTH_MM
from core.scene.camera import focal_length_pixels

# EXIF tags (CIPA DC-008)
_FOCAL_LENGTH, _FOCAL_LENGTH_35MM = 0x920A, 0xA405
_WIDTH, _HEIGHT = 0xA002, 0xA003
_FOCAL_PLANE_X_RESOLUTION, _FOCAL_PLANE_UNIT = 0xA20E, 0xA210
_UNITS_MM: Final = {2: 25.4, 3: 10.0, 4: 1.0}
_SAME_ASPECT: Final = 0.02  # by which aspects that are the same may differ


def focal_from_exif(exif: Mapping[int, Any], width: int, height: int) -> tuple[float | None, str]:
    """Focal length in pixels of the stored photo, and why there is none although EXIF speaks of it.

    Where EXIF remembers a frame of another aspect than the photo's, upright or not, the photo was cropped,
    and the focal length says nothing.

    Args:
        exif: the EXIF directory, by tag.
        width, height: of the photo as it is stored, pixels.
    """

    def number(tag: int) -> float:
        try:
            return max(0.0, float(exif.get(tag, 0.0)))
        except (TypeError, ValueError, ZeroDivisionError):
            return 0.0

    if _FOCAL_LENGTH not in exif and _FOCAL_LENGTH_35MM not in exif:
        return None, ""
    shot_width, shot_height = number(_WIDTH), number(_HEIGHT)
    if shot_width and shot_height:
        stored, shot = max(width, height) / min(width, height), shot_width / shot_height
        if abs(stored / max(shot, 1 / shot) - 1.0) > _SAME_ASPECT:
            sizes = f"{shot_width:.0f} by {shot_height:.0f} pixels, and it has {width} by {height}"
            return None, f"its EXIF is of {sizes}: it was cropped"
    low, high = EQUIVALENTS_MM
    equivalent, millimetres = number(_FOCAL_LENGTH_35MM), number(_FOCAL_LENGTH)
    if low <= equivalent <= high:
        return focal_length_pixels(width, height, equivalent), ""
    resolution, unit = number(_FOCAL_PLANE_X_RESOLUTION), _UNITS_MM.get(int(number(_FOCAL_PLANE_UNIT)) or 2)
    if millimetres and resolution and unit and shot_width:
        # focal plane: pixels a unit, of the frame that EXIF remembers
        focal = millimetres * resolution / unit * max(width, height) / max(shot_width, shot_height)
        if low <= focal / max(width, height) * FILM_WIDTH_MM <= high:
            return focal, ""
        return None, f"its EXIF speaks of a lens of {millimetres:g} mm on a sensor that no camera has"
    if equivalent:
        return None, f"its EXIF speaks of a lens of {equivalent:g} mm, which is no lens for portraits"
    if millimetres:
        return None, ""  # without the sensor's size it says nothing, and nothing wrong
    return None, "its EXIF has a focal length of 0 mm"
