"""Textured pictures of a head: materials, see-through lashes, studio light or a photo's own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

from core.scene.camera import Camera, transform
from core.scene.clay import cavity
from core.scene.interpolation import interpolate
from core.scene.lighting import shade
from core.scene.rasterise import Fragments, rasterise
from core.scene.relief import Relief, raised_normals
from core.scene.shading import linear_to_srgb, sample_texture, vertex_normals

# Direction towards the light in camera axes (y down, -z towards the viewer), and colour in linear light.
_STUDIO_LIGHTS = (
    ((-0.60, -0.65, -0.80), (0.80, 0.77, 0.73)),  # key: above left
    ((0.85, -0.15, -0.65), (0.25, 0.27, 0.30)),  # fill: right
    ((0.60, -0.45, 0.70), (0.40, 0.41, 0.44)),  # rim: behind right
)
_STUDIO_AMBIENT = (0.23, 0.235, 0.25)
_REFLECTANCE = 0.04  # of skin, enamel and wet eyes, head on
_WRAP = 0.25  # light that goes on beyond the shadow's edge, as under skin
_DARKEST = 0.3  # of the mean light on a material
_LASH_TOLERANCE = 5e-4  # metres; lashes touch the lids


@dataclass(frozen=True)
class Look:
    """How the triangles of one material look.

    Attributes:
        triangles: vertex indices.
        triangle_corners: indices into the UVs.
        colour: linear RGB, or a linear RGB(A) texture with row 0 at v = 1.
        roughness: 0 (mirror) to 1.
        opacity: multiplies the texture's alpha.
    """

    triangles: Int[Tensor, "triangles 3"]
    triangle_corners: Int[Tensor, "triangles 3"]
    colour: Float[Tensor, "3"] | Float[Tensor, "height width channels"]
    roughness: float
    opacity: float = 1.0

    @property
    def see_through(self) -> bool:
        return self.opacity < 1 or (self.colour.ndim == 3 and self.colour.shape[-1] == 4)


def paint_head(
    vertices: Float[Tensor, "vertices 3"],
    uv: Float[Tensor, "corners 2"],
    looks: Sequence[Look],
    camera: Camera,
    rotation: Float[Tensor, "3 3"],
    translation: Float[Tensor, "3"],
    background: Float[Tensor, "3"] | Float[Tensor, "height width 3"],
    *,
    sh: Float[Tensor, "9 3"] | None = None,
    relief: Relief | None = None,
    supersample: int = 2,
) -> Float[Tensor, "height width 3"]:
    """A picture of a head, sRGB.

    See-through materials (lashes) are blended over the opaque ones where these are not nearer, the nearest
    layer alone.

    Args:
        vertices: head space, metres.
        background: sRGB, of the camera's size or one colour.
        sh: light in camera axes, without highlights; a studio's where not given.
        relief: of the triangles of the opaque looks, in their order.
    """
    fine = camera.scaled(supersample)
    in_camera = transform(vertices, rotation, translation)
    normals = vertex_normals(in_camera, torch.cat([look.triangles for look in looks]))
    values = torch.cat([normals, in_camera], dim=1)
    opaque = [look for look in looks if not look.see_through]
    ground, layers = _layer(in_camera, values, uv, opaque, fine, sh, relief)
    clear = [look for look in looks if look.see_through]
    if clear:
        front, over = _layer(in_camera, values, uv, clear, fine, sh)
        alpha = over[..., 3:] * (front.depth < ground.depth + _LASH_TOLERANCE).unsqueeze(-1)
        layers = torch.cat([over[..., :3], torch.ones_like(alpha)], -1) * alpha + layers * (1 - alpha)
    layers = torch.cat([_encode(layers), layers[..., 3:]], -1)
    if supersample > 1:
        layers = F.avg_pool2d(layers.permute(2, 0, 1)[None], supersample)[0].permute(1, 2, 0)
    return layers[..., :3] + background * (1 - layers[..., 3:])


def _encode(layers: Tensor) -> Tensor:
    """sRGB colours multiplied by alpha, of linear ones that already are."""
    alpha = layers[..., 3:]
    return linear_to_srgb((layers[..., :3] / alpha.clamp_min(1e-6)).clamp(0, 1)) * alpha


def _layer(
    in_camera: Tensor,
    values: Tensor,
    uv: Tensor,
    looks: Sequence[Look],
    camera: Camera,
    sh: Tensor | None,
    relief: Relief | None = None,
) -> tuple[Fragments, Tensor]:
    """What these materials show: linear colour times alpha, and alpha, at every sample."""
    triangles = torch.cat([look.triangles for look in looks])
    corners = torch.cat([look.triangle_corners for look in looks])
    counts = torch.tensor([len(look.triangles) for look in looks])
    of_triangle = torch.repeat_interleave(torch.arange(len(looks)), counts)
    fragments = rasterise(in_camera, triangles, camera)
    covered = fragments.covered
    at = of_triangle[fragments.triangle[covered].long()]
    texel = interpolate(fragments, corners, uv)[covered]
    normals, points = interpolate(fragments, triangles, values)[covered].split(3, dim=-1)
    normals = F.normalize(normals, dim=-1)
    if relief is not None:
        normals = raised_normals(normals, fragments, triangles, in_camera, relief)
    result = torch.zeros(*covered.shape, 4)
    colours, albedos = torch.zeros(len(at), 4), torch.zeros(len(at), 3)
    for index, look in enumerate(looks):
        own = at == index
        if not bool(own.any()):
            continue
        albedo, alpha = _albedo(look, texel[own])
        if sh is None:
            lit = studio_light(albedo, look.roughness, normals[own], points[own])
        else:
            light = shade(normals[own], sh)
            # what was fitted to the face says little of the crown: no part of a head is pitch black
            lit = albedo * torch.maximum(light, _DARKEST * light.mean(dim=0).clamp_min(0))
        colours[own] = torch.cat([lit * alpha, alpha], -1)
        albedos[own] = albedo
    if not any(look.see_through for look in looks):
        open_ = cavity(fragments.depth, camera.intrinsics[0])[covered].unsqueeze(-1)
        colours[:, :3] *= interreflected(open_, albedos)
    result[covered] = colours
    return fragments, result


def _albedo(look: Look, uv: Tensor) -> tuple[Tensor, Tensor]:
    ones = torch.full((len(uv), 1), look.opacity)
    if look.colour.ndim == 1:
        return look.colour.expand(len(uv), 3), ones
    sampled = sample_texture(look.colour, uv)
    return sampled[..., :3], ones * sampled[..., 3:] if sampled.shape[-1] == 4 else ones


def interreflected(
    openness: Float[Tensor, "*batch 1"], albedo: Float[Tensor, "*batch 3"]
) -> Float[Tensor, "*batch 3"]:
    """Light that reaches a surface in a fold after several bounces, as a fraction of that in the open.

    White folds stay light, dark ones do not: teeth behind lips. The fit of Jimenez et al. 2016, "Practical
    Realtime Strategies for Accurate Indirect Occlusion".

    Args:
        openness: the fraction of light that arrives directly.
        albedo: linear, of the fold.
    """
    a = 2.0404 * albedo - 0.3324
    b = 4.7951 * albedo - 0.6417
    c = 2.7552 * albedo + 0.6903
    return torch.maximum(openness, ((openness * a - b) * openness + c) * openness).clamp_max(1)


def studio_light(
    albedo: Float[Tensor, "*batch 3"],
    roughness: float,
    normals: Float[Tensor, "*batch 3"],
    points: Float[Tensor, "*batch 3"],
) -> Float[Tensor, "*batch 3"]:
    """Three lights with soft shadows and Blinn–Phong highlights; linear light.

    Args:
        albedo: linear.
        normals: unit, camera axes; turned to the viewer where they face away.
        points: surface positions in camera axes, metres.
    """
    view = -F.normalize(points, dim=-1)
    facing = (normals * view).sum(-1, keepdim=True)
    normals = normals - 2 * facing.clamp_max(0) * view
    grazing = (1 - facing.abs().clamp_max(1)) ** 5
    exponent = min(2 / max(roughness, 0.05) ** 4, 600.0)
    strength = (_REFLECTANCE + (1 - roughness) * 0.2 * grazing) * (exponent + 8) / 25
    from_above = 0.75 - 0.25 * normals[..., 1:2]
    colour = albedo * albedo.new_tensor(_STUDIO_AMBIENT) * from_above
    for towards, light in _STUDIO_LIGHTS:
        direction = F.normalize(normals.new_tensor(towards), dim=-1)
        lit = ((normals @ direction + _WRAP) / (1 + _WRAP)).clamp_min(0).unsqueeze(-1) ** 1.5
        half = F.normalize(view + direction, dim=-1)
        highlight = strength * (normals * half).sum(-1, keepdim=True).clamp_min(0) ** exponent
        colour = colour + normals.new_tensor(light) * lit * (albedo + highlight)
    return colour
