"""From the triangle that each pixel sees to what the surface is like there, and how light leaves it."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

from core.scene.lighting import C0, C1, C2, C3
from core.scene.rasterise import Fragments, rasterise_batch
from models.data.lights import AWAY
from models.data.lit import BIAS, DARKEST, DULL, EYE, MATT, SHARPNESS, SKIN, WET
from models.data.stream.scene import Lights

# plain numbers, as compilers of tensors want them
_SHARPNESS, _MATT = SHARPNESS.tolist(), MATT.tolist()
_MAP_SIDE: Final = 256


def fused(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, compiled on CUDA: its many small steps would each read and write all pixels."""
    compiled = torch.compile(function, dynamic=False)

    @functools.wraps(function)
    def chosen(first: Tensor, *rest: Any) -> Any:
        return (compiled if first.is_cuda else function)(first, *rest)

    return chosen


def at_pixels(
    fragments: Fragments, triangles: Int[Tensor, "batch triangles 3"], values: Float[Tensor, "batch points c"]
) -> Float[Tensor, "batch height width c"]:
    """Values of the corners of each image's own triangles, at its pixels; 0 in the background."""
    found: Tensor = _gathered(fragments.triangle, fragments.barycentrics, triangles, values)
    return found


@fused
def _gathered(triangle: Tensor, barycentrics: Tensor, triangles: Tensor, values: Tensor) -> Tensor:
    batch, points, channels = values.shape
    shape = triangle.shape
    seen = triangle.clamp_min(0).long().reshape(batch, -1)
    flat = values.reshape(batch * points, channels)
    start = points * torch.arange(batch, device=values.device)[:, None]
    found = flat.new_zeros(batch, seen.shape[1], channels)
    for corner in range(3):
        index = triangles[..., corner].long().gather(1, seen) + start
        weight = barycentrics[..., corner].reshape(batch, -1, 1)
        found = found + weight * flat[index.reshape(-1)].reshape(batch, -1, channels)
    return found.reshape(*shape, channels)


def of_triangles(
    fragments: Fragments, values: Float[Tensor, "batch triangles"]
) -> Float[Tensor, "batch height width"]:
    """A value of each image's triangles, at its pixels."""
    index = fragments.triangle.clamp_min(0).long()
    return values.gather(1, index.reshape(len(values), -1)).reshape(index.shape)


@dataclass(frozen=True)
class Shadow:
    """What stands between the hard light of each picture and its surfaces.

    Attributes:
        axes: rows: the map's x and y and the direction away from the light, camera axes.
        middle: point of the scene (metres) that is ``AWAY`` from the light.
        focal: of the light's view, texels.
        depth: from the light to what is nearest, metres; infinite where nothing is; row after row.
    """

    axes: Float[Tensor, "batch 3 3"]
    middle: Float[Tensor, "batch 3"]
    focal: Float[Tensor, "batch"]
    depth: Float[Tensor, "batch texels"]

    @classmethod
    def cast(
        cls,
        vertices: Float[Tensor, "batch vertices 3"],
        triangles: Int[Tensor, "batch triangles 3"],
        towards: Float[Tensor, "batch 3"],
    ) -> Shadow:
        """
        Args:
            vertices: of all that casts shadows, camera axes.
            towards: unit directions to the light.
        """
        up = towards[:, 1:2].abs() > 0.8
        helper = torch.where(up, towards.new_tensor([1.0, 0, 0]), towards.new_tensor([0.0, 1, 0]))
        across = F.normalize(torch.linalg.cross(helper, towards), dim=1)
        axes = torch.stack([across, torch.linalg.cross(towards, across), -towards], dim=1)
        middle = vertices.mean(dim=1)
        seen = (vertices - middle[:, None]) @ axes.transpose(1, 2) + vertices.new_tensor([0.0, 0, AWAY])
        focal = 0.5 * _MAP_SIDE / (1.02 * seen[..., :2].abs().amax(dim=(1, 2))) * AWAY
        half = torch.full_like(focal, _MAP_SIDE / 2)
        camera = torch.stack([focal, focal, half, half], dim=1)
        depth = rasterise_batch(seen, triangles, camera, _MAP_SIDE, _MAP_SIDE).depth.flatten(1)
        return cls(axes, middle, focal, depth)


def lit(
    albedo: Float[Tensor, "batch height width 3"],
    normals: Float[Tensor, "batch height width 3"],
    depth: Float[Tensor, "batch height width"],
    camera: Float[Tensor, "batch 4"],
    lights: Lights,
    shadow: Shadow,
    kind: Int[Tensor, "batch height width"],
    gloss: Float[Tensor, "batch height width"],
) -> Float[Tensor, "batch height width 3"]:
    """Linear colours, as ``models.data.lit`` has them.

    Args:
        normals: camera axes, of any length; turned to the viewer where they face away.
        depth: metres; anything where there is nothing.
        camera: of these pixels.
        kind: SKIN, EYE, WET or DULL: how sharp highlights are.
        gloss: strength of the highlights.
    """
    channels = _lit(
        *albedo.unbind(-1), *normals.unbind(-1), depth, camera, lights.soft, lights.towards, lights.colour,
        shadow.axes, shadow.middle, shadow.focal, shadow.depth, kind, gloss,
    )  # fmt: skip
    return torch.stack(channels, dim=-1)


@fused
def _lit(
    red: Tensor, green: Tensor, blue: Tensor, x: Tensor, y: Tensor, z: Tensor, depth: Tensor, camera: Tensor,
    soft: Tensor, towards: Tensor, bright: Tensor, axes: Tensor, middle: Tensor, focal: Tensor,
    shadows: Tensor, kind: Tensor, gloss: Tensor,
) -> tuple[Tensor, Tensor, Tensor]:  # fmt: skip
    """One plane for each number, so that a compiler makes one loop of it all."""
    of = lambda values: values[:, None, None]  # noqa: E731  of each picture
    row = torch.arange(depth.shape[1], device=depth.device)[:, None] + 0.5
    column = torch.arange(depth.shape[2], device=depth.device) + 0.5
    far = torch.where(depth.isfinite(), depth, 1.0)
    px = (column - of(camera[:, 2])) / of(camera[:, 0]) * far
    py = (row - of(camera[:, 3])) / of(camera[:, 1]) * far
    away = torch.rsqrt(px * px + py * py + far * far)
    vx, vy, vz = -px * away, -py * away, -far * away
    length = torch.rsqrt((x * x + y * y + z * z).clamp_min(1e-12))
    x, y, z = x * length, y * length, z * length
    facing = x * vx + y * vy + z * vz
    back = 2 * facing.clamp_max(0)
    x, y, z = x - back * vx, y - back * vy, z - back * vz
    facing = facing.abs().clamp_max(1)

    reach = _reach(
        px + 0.0015 * x, py + 0.0015 * y, far + 0.0015 * z, axes, middle, focal, shadows
    )  # fmt: skip
    hard = towards.shape[1] - 1
    lambert = (
        x * of(towards[:, hard, 0]) + y * of(towards[:, hard, 1]) + z * of(towards[:, hard, 2])
    ).clamp_min(0)
    lambert = lambert * reach
    matt, sharp = torch.full_like(gloss, _MATT[DULL]), torch.full_like(gloss, _SHARPNESS[DULL])
    for which in (SKIN, EYE, WET):
        matt = torch.where(kind == which, _MATT[which], matt)
        sharp = torch.where(kind == which, _SHARPNESS[which], sharp)
    fresnel = gloss * (0.04 + 0.3 * (1 - facing) ** 5) * (sharp + 8) / 25
    shines = []
    for light in (0, hard):  # the first soft light and the hard one are what is mirrored
        hx, hy, hz = (v + of(towards[:, light, k]) for k, v in enumerate((vx, vy, vz)))
        cosine = (x * hx + y * hy + z * hz) * torch.rsqrt((hx * hx + hy * hy + hz * hz).clamp_min(1e-12))
        shine = fresnel * torch.exp(sharp * torch.log(cosine.clamp_min(0.1)))
        shines.append(shine * reach if light == hard else shine)
    basis = (
        C0, C1 * y, C1 * z, C1 * x, C2 * x * y, C2 * y * z, C3 * (3 * z * z - 1), C2 * x * z,
        0.5 * C2 * (x * x - y * y),
    )  # fmt: skip
    colours = []
    for channel, albedo in enumerate((red, green, blue)):
        received = torch.zeros_like(x)
        for k, function in enumerate(basis):
            received = received + of(soft[:, k, channel]) * function
        received = received.clamp_min(DARKEST) + lambert * of(bright[:, hard, channel])
        colour = albedo * matt * received
        for index, shine in zip((0, hard), shines, strict=True):
            colour = colour + shine * of(bright[:, index, channel])
        colours.append(colour)
    return colours[0], colours[1], colours[2]


def _reach(
    px: Tensor, py: Tensor, pz: Tensor, axes: Tensor, middle: Tensor, focal: Tensor, shadows: Tensor
) -> Tensor:
    """How much of the hard light reaches points: four looks at the map, a texel or so apart."""
    of = lambda values: values[:, None, None]  # noqa: E731
    ox, oy, oz = px - of(middle[:, 0]), py - of(middle[:, 1]), pz - of(middle[:, 2])
    sx, sy, sz = (of(axes[:, k, 0]) * ox + of(axes[:, k, 1]) * oy + of(axes[:, k, 2]) * oz for k in range(3))
    sz = sz + AWAY
    column = sx / sz * of(focal) + (_MAP_SIDE / 2 - 0.5)
    row = sy / sz * of(focal) + (_MAP_SIDE / 2 - 0.5)
    found = torch.zeros_like(px)
    for right, down in ((-0.6, -0.3), (0.3, -0.6), (0.6, 0.3), (-0.3, 0.6)):
        c = (column + right).round().clamp(0, _MAP_SIDE - 1).long()
        r = (row + down).round().clamp(0, _MAP_SIDE - 1).long()
        before = shadows.gather(1, (r * _MAP_SIDE + c).flatten(1)).reshape(px.shape)
        found = found + torch.where(sz < before + BIAS, 0.25, 0.0)
    return found
