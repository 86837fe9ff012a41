"""From the triangle that each pixel sees to what the surface is like there, and how light leaves it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

from core.scene.lighting import harmonics
from core.scene.rasterise import Fragments, rasterise_batch
from models.data.lights import AWAY
from models.data.stream.scene import Lights

SKIN, EYE, WET, DULL = range(4)
_SHARPNESS: Final = (14.0, 260.0, 60.0, 25.0)
_MATT: Final = (1.0, 0.62, 0.9, 1.0)  # lids keep light from the eyes
_DARKEST: Final = 0.02
_BIAS: Final = 2.5e-3  # metres, against a surface's shadow on itself
_MAP_SIDE: Final = 256


def at_pixels(
    fragments: Fragments, triangles: Int[Tensor, "batch triangles 3"], values: Float[Tensor, "batch points c"]
) -> Float[Tensor, "batch height width c"]:
    """Values of the corners of each image's own triangles, at its pixels; 0 in the background."""
    batch, points, channels = values.shape
    shape = fragments.triangle.shape
    triangle = fragments.triangle.clamp_min(0).long().reshape(batch, -1)
    flat = values.reshape(batch * points, channels)
    start = points * torch.arange(batch, device=values.device)[:, None]
    found = flat.new_zeros(batch, triangle.shape[1], channels)
    for corner in range(3):
        index = triangles[..., corner].long().gather(1, triangle) + start
        weight = fragments.barycentrics[..., corner].reshape(batch, -1, 1)
        found = found + weight * flat[index.reshape(-1)].reshape(batch, -1, channels)
    return found.reshape(*shape, channels)


def of_triangles(
    fragments: Fragments, values: Float[Tensor, "batch triangles"]
) -> Float[Tensor, "batch height width"]:
    """A value of each image's triangles, at its pixels."""
    index = fragments.triangle.clamp_min(0).long()
    return values.gather(1, index.reshape(len(values), -1)).reshape(index.shape)


@dataclass(frozen=True)
class Sight:
    """Where pixels look: points of the surface and the directions back to the camera, camera axes."""

    points: Float[Tensor, "batch height width 3"]
    back: Float[Tensor, "batch height width 3"]

    @classmethod
    def of(cls, depth: Float[Tensor, "batch height width"], camera: Float[Tensor, "batch 4"]) -> Sight:
        """
        Args:
            depth: metres; infinite where there is nothing.
            camera: of these pixels.
        """
        _, height, width = depth.shape
        row = torch.arange(height, device=depth.device) + 0.5
        column = torch.arange(width, device=depth.device) + 0.5
        x = (column - camera[:, 2:3]) / camera[:, :1]
        y = (row - camera[:, 3:4]) / camera[:, 1:2]
        rays = torch.stack(
            [x[:, None].expand_as(depth), y[:, :, None].expand_as(depth), torch.ones_like(depth)], dim=-1
        )
        return cls(rays * depth.nan_to_num(posinf=1.0)[..., None], -F.normalize(rays, dim=-1))


class Shadow:
    """What stands between the hard light of each picture and its surfaces."""

    def __init__(
        self,
        vertices: Float[Tensor, "batch vertices 3"],
        triangles: Int[Tensor, "batch triangles 3"],
        towards: Float[Tensor, "batch 3"],
    ) -> None:
        """
        Args:
            vertices: of all that casts shadows, camera axes.
            towards: unit directions to the light.
        """
        up = towards[:, 1:2].abs() > 0.8
        helper = torch.where(up, towards.new_tensor([1.0, 0, 0]), towards.new_tensor([0.0, 1, 0]))
        across = F.normalize(torch.linalg.cross(helper, towards), dim=1)
        self._axes = torch.stack([across, torch.linalg.cross(towards, across), -towards], dim=1)
        self._middle = vertices.mean(dim=1, keepdim=True)
        seen = self._seen(vertices)
        self._focal = 0.5 * _MAP_SIDE / (1.02 * seen[..., :2].abs().amax(dim=(1, 2))) * AWAY
        half = torch.full_like(self._focal, _MAP_SIDE / 2)
        camera = torch.stack([self._focal, self._focal, half, half], dim=1)
        self._depth = rasterise_batch(seen, triangles, camera, _MAP_SIDE, _MAP_SIDE).depth.flatten(1)

    def _seen(self, points: Float[Tensor, "batch points 3"]) -> Float[Tensor, "batch points 3"]:
        seen = (points - self._middle) @ self._axes.transpose(1, 2)
        return seen + seen.new_tensor([0.0, 0, AWAY])

    def reach(
        self, points: Float[Tensor, "batch height width 3"], normals: Float[Tensor, "batch height width 3"]
    ) -> Float[Tensor, "batch height width"]:
        """How much of the light reaches points: four looks at the map, a texel or so apart."""
        seen = self._seen((points + 0.0015 * normals).flatten(1, 2))
        place = seen[..., :2] / seen[..., 2:] * self._focal[:, None, None] + _MAP_SIDE / 2 - 0.5
        lit = torch.zeros_like(seen[..., 0])
        for column, row in ((-0.6, -0.3), (0.3, -0.6), (0.6, 0.3), (-0.3, 0.6)):
            texel = (place + place.new_tensor([column, row])).round().clamp(0, _MAP_SIDE - 1).long()
            before = self._depth.gather(1, texel[..., 1] * _MAP_SIDE + texel[..., 0])
            lit = lit + 0.25 * (seen[..., 2] < before + _BIAS)
        return lit.reshape(points.shape[:-1])


def lit(
    albedo: Float[Tensor, "batch height width 3"],
    normals: Float[Tensor, "batch height width 3"],
    sight: Sight,
    lights: Lights,
    shadow: Shadow,
    kind: Int[Tensor, "batch height width"],
    gloss: Float[Tensor, "batch height width"],
) -> Float[Tensor, "batch height width 3"]:
    """Linear colours, as ``models.data.lit`` has them.

    Args:
        normals: camera axes, of any length; turned to the viewer where they face away.
        kind: SKIN, EYE, WET or DULL: how sharp highlights are.
        gloss: strength of the highlights.
    """
    unit = F.normalize(normals, dim=-1)
    facing = (unit * sight.back).sum(-1, keepdim=True)
    unit = unit - 2 * facing.clamp_max(0) * sight.back
    facing = facing.abs()[..., 0]
    reach = shadow.reach(sight.points, unit)
    hard = lights.towards[:, None, None, -1]
    lambert = (unit * hard).sum(-1).clamp_min(0) * reach
    soft = torch.einsum("bhwf,bfc->bhwc", harmonics(unit), lights.soft).clamp_min(_DARKEST)
    matt = unit.new_tensor(_MATT)[kind][..., None]
    colour = albedo * matt * (soft + lambert[..., None] * lights.colour[:, None, None, -1])
    sharp = unit.new_tensor(_SHARPNESS)[kind]
    fresnel = gloss * (0.04 + 0.3 * (1 - facing.clamp_max(1)) ** 5) * (sharp + 8) / 25
    last = lights.towards.shape[1] - 1
    for light in (0, last):  # the first soft light and the hard one are what is mirrored
        half = F.normalize(sight.back + lights.towards[:, None, None, light], dim=-1)
        shine = fresnel * (unit * half).sum(-1).clamp_min(0.1) ** sharp
        shine = shine * reach if light == last else shine
        colour = colour + shine[..., None] * lights.colour[:, None, None, light]
    return colour
