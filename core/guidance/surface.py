"""A rig's triangles with what colours them, as arrays that compiled loops read."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import cv2
import numpy as np
from jaxtyping import Bool, Float32, Int32
from numpy import ndarray

from core.rig import Rig
from core.scene.shading import LINEAR_OF_BYTE

_TEXELS: Final = 1024  # pixels of 256² see no finer texture
_HAIRLINE: Final = 10  # MediaPipe's landmark at the top of the face
_CHEEKS: Final = (234, 454)  # and those before the ears
_ABOVE: Final = 0.012  # metres over the forehead's upper end where hair may begin
_BEHIND: Final = 0.02  # metres behind the ears' front
_INSIDE: Final = ("teeth_upper", "teeth_lower", "tongue", "mouth_interior", "eye_socket")


@dataclass(frozen=True)
class HeadSurface:
    """Triangles of everything but lashes, and the lashes' own.

    Attributes:
        triangles: vertex indices.
        uv: of the triangles' corners, v up.
        colours: linear, of triangles without a texture; negative where the texture counts.
        inside: triangles of the mouth and the sockets.
        scalp: triangles that hair may hide.
        lashes, lash_uv: the lashes'.
        texture: linear RGB, row 0 at v = 1.
        lash_texture: linear RGB and opacity; none where the rig has none.
    """

    triangles: Int32[ndarray, "triangles 3"]
    uv: Float32[ndarray, "triangles 3 2"]
    colours: Float32[ndarray, "triangles 3"]
    inside: Bool[ndarray, "triangles"]
    scalp: Bool[ndarray, "triangles"]
    lashes: Int32[ndarray, "lash_triangles 3"]
    lash_uv: Float32[ndarray, "lash_triangles 3 2"]
    texture: Float32[ndarray, "texels texels 3"]
    lash_texture: Float32[ndarray, "lash_texels lash_texels 4"] | None


@lru_cache(maxsize=16)
def head_surface(rig: Rig) -> HeadSurface:
    """What a rig looks like, with textures no larger than small pictures can show."""
    polygon = np.searchsorted(rig.polygon_starts, rig.triangle_corners[:, 0], side="right") - 1
    material = rig.polygon_material[polygon]
    clear = np.array(
        [
            m.alpha < 1 or (m.texture is not None and rig.textures[m.texture].shape[-1] == 4)
            for m in rig.materials
        ]
    )[material]
    colours = np.array([(-1.0,) * 3 if m.texture else m.base_color for m in rig.materials], np.float32)[
        material
    ]
    uv = rig.uv[rig.triangle_corners].astype(np.float32)
    seen = ~clear
    lash_images = [m.texture for m in rig.materials if m.texture and rig.textures[m.texture].shape[-1] == 4]
    regions = rig.regions[rig.triangles]
    inside = np.isin(regions, [rig.region_names.index(name) for name in _INSIDE]).all(axis=1)
    return HeadSurface(
        triangles=np.ascontiguousarray(rig.triangles[seen], np.int32),
        uv=np.ascontiguousarray(uv[seen]),
        colours=np.ascontiguousarray(colours[seen]),
        inside=inside[seen],
        scalp=_scalp(rig)[rig.triangles[seen]].any(axis=1),
        lashes=np.ascontiguousarray(rig.triangles[clear], np.int32),
        lash_uv=np.ascontiguousarray(uv[clear]),
        texture=_linear(rig.textures["albedo.png"])[..., :3].copy(),
        lash_texture=_linear(rig.textures[lash_images[0]]) if lash_images else None,
    )


def _scalp(rig: Rig) -> Bool[ndarray, "vertices"]:
    """Above the forehead, and behind the ears' front from the cheeks up."""
    v, cheeks = rig.neutral, rig.landmarks[list(_CHEEKS)].mean(axis=0)
    above = v[:, 1] > rig.landmarks[_HAIRLINE, 1] + _ABOVE
    behind = (v[:, 2] < cheeks[2] - _BEHIND) & (v[:, 1] > cheeks[1])
    ears = np.abs(v[:, 0]) > np.abs(rig.landmarks[list(_CHEEKS), 0]).max()
    return above | (behind & ~ears)


def _linear(image: ndarray) -> Float32[ndarray, "texels texels channels"]:
    if image.shape[0] > _TEXELS:
        image = cv2.resize(image, (_TEXELS, _TEXELS), interpolation=cv2.INTER_AREA)
    values = image.astype(np.float32) / np.float32(255)
    values[..., :3] = LINEAR_OF_BYTE[image[..., :3]]
    return values
