"""Pictures of a mesh."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

from core.scene.camera import Camera, transform
from core.scene.clay import cavity, clay_colour
from core.scene.interpolation import interpolate, recompute_barycentrics
from core.scene.lighting import shade
from core.scene.rasterise import Backend, Fragments, rasterise
from core.scene.relief import Relief, raised_normals
from core.scene.shading import Texture, linear_to_srgb, sample_texture, vertex_normals


@dataclass(frozen=True)
class Picture:
    """A render.

    Attributes:
        image: colours over the background, in the colour space of the colours given.
        alpha: fraction of each pixel that the mesh covers.
        fragments: what each sample saw, at the supersampled size.
    """

    image: Float[Tensor, "height width 3"]
    alpha: Float[Tensor, "height width"]
    fragments: Fragments


def render(
    vertices: Float[Tensor, "vertices 3"],
    triangles: Int[Tensor, "triangles 3"],
    colours: Float[Tensor, "vertices 3"] | Texture,
    camera: Camera,
    rotation: Float[Tensor, "3 3"],
    translation: Float[Tensor, "3"],
    sh: Float[Tensor, "9 3"] | None = None,
    background: Float[Tensor, "3"] | Float[Tensor, "height width 3"] | None = None,
    *,
    normals: Float[Tensor, "vertices 3"] | None = None,
    supersample: int = 1,
    cull_back_faces: bool = False,
    backend: Backend = "auto",
) -> Picture:
    """Render a mesh; differentiable in vertices, colours, pose, intrinsics and light inside silhouettes.

    Args:
        vertices: head space, metres.
        triangles: vertex indices, counter-clockwise seen from outside.
        colours: albedo per vertex, or a texture.
        sh: light in camera axes; albedo as it is where not given. Shading is clamped at 0.
        background: one colour or an image of the camera's size; black where not given.
        normals: unit vertex normals in head space; area-weighted ones where not given.
        supersample: samples along each side of a pixel.

    Raises:
        DependencyMissing: the backend asked for is not installed.
    """
    fine = camera.scaled(supersample) if supersample > 1 else camera
    in_camera = transform(vertices, rotation, translation)
    fragments = rasterise(in_camera, triangles, fine, cull_back_faces=cull_back_faces, backend=backend)
    barycentrics = recompute_barycentrics(fragments, in_camera, triangles, fine)
    if isinstance(colours, Texture):
        uv = interpolate(fragments, colours.triangle_corners, colours.uv, barycentrics)
        surface = sample_texture(colours.image, uv)
    else:
        surface = interpolate(fragments, triangles, colours, barycentrics)
    if sh is not None:
        normal = vertex_normals(vertices, triangles) if normals is None else normals
        turned = interpolate(fragments, triangles, normal @ rotation.T, barycentrics)
        surface = surface * shade(F.normalize(turned, dim=-1), sh).clamp_min(0)
    return _compose(surface, fragments, background, supersample)


def render_clay(
    vertices: Float[Tensor, "vertices 3"],
    triangles: Int[Tensor, "triangles 3"],
    camera: Camera,
    rotation: Float[Tensor, "3 3"],
    translation: Float[Tensor, "3"],
    background: Float[Tensor, "3"] | Float[Tensor, "height width 3"] | None = None,
    *,
    relief: Relief | None = None,
    supersample: int = 2,
) -> Picture:
    """The mesh in grey clay under three lights, in sRGB, for picture sheets.

    Arguments as :func:`render`.

    Args:
        relief: of the same triangles.
    """
    fine = camera.scaled(supersample) if supersample > 1 else camera
    in_camera = transform(vertices, rotation, translation)
    fragments = rasterise(in_camera, triangles, fine)
    values = torch.cat([vertex_normals(in_camera, triangles), in_camera], dim=1)
    normals, points = interpolate(fragments, triangles, values).split(3, dim=-1)
    normals = F.normalize(normals, dim=-1)
    if relief is not None:
        raised = raised_normals(normals[fragments.covered], fragments, triangles, in_camera, relief)
        normals = normals.index_put((fragments.covered,), raised)
    open_sky = cavity(fragments.depth, fine.intrinsics[0]).unsqueeze(-1)
    colour = clay_colour(normals, points) * open_sky
    return _compose(linear_to_srgb(colour.clamp(0, 1)), fragments, background, supersample)


def _compose(surface: Tensor, fragments: Fragments, background: Tensor | None, supersample: int) -> Picture:
    alpha = fragments.covered.to(surface.dtype)
    layers = torch.cat([surface * alpha.unsqueeze(-1), alpha.unsqueeze(-1)], dim=-1)
    if supersample > 1:
        layers = F.avg_pool2d(layers.permute(2, 0, 1)[None], supersample)[0].permute(1, 2, 0)
    image, alpha = layers[..., :3], layers[..., 3]
    if background is not None:
        image = image + background * (1 - alpha).unsqueeze(-1)
    return Picture(image, alpha, fragments)
