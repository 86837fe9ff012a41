"""The pictures on a sheet, drawn from a rig alone."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, UInt8
from scipy.spatial import cKDTree
from torch import Tensor

from core.rig import Rig, RigPhoto, preview_origin
from core.scene.camera import PORTRAIT_FIELD_OF_VIEW, Camera, portrait_camera, project, transform
from core.scene.interpolation import interpolate
from core.scene.lighting import ambient_light, fit_lighting
from core.scene.portrait import Look, paint_head
from core.scene.rasterise import rasterise
from core.scene.relief import Relief
from core.scene.render import render_clay
from core.scene.shading import srgb_to_linear, vertex_normals, visible_vertices
from core.sheet.layout import backdrop
from core.sheet.skin_relief import SkinRelief

_SUPERSAMPLE = 2
_LARGEST_TEXTURE = 2048
_WIRE, _DOT = (96, 226, 255), (255, 214, 64)
_DOT_SIZE = 0.0032  # of the picture's side
_WIRE_SIDE = 390  # pixels, of a picture in which lines are a pixel wide
# What a photo's picture shows, in the face's longer sides: this much, less where the photo ends earlier
_PHOTO_MARGIN, _LEAST_MARGIN, _PHOTO_RISE = 1.75, 1.3, 0.08
Pixels = UInt8[np.ndarray, "height width 3"]


@dataclass(frozen=True)
class _Shot:
    """A photo cut to the face, and the head in it.

    Attributes:
        vertices: with the photo's expression, head space.
        landmarks: that were detected, pixels.
    """

    ground: Pixels
    camera: Camera
    rotation: Float[Tensor, "3 3"]
    translation: Float[Tensor, "3"]
    vertices: Float[Tensor, "vertices 3"]
    landmarks: Float[np.ndarray, "478 2"]

    @property
    def pose(self) -> tuple[Camera, Tensor, Tensor]:
        return self.camera, self.rotation, self.translation


@dataclass(frozen=True)
class Framing:
    """What a picture shows: the middle (head space) and the height in metres, and the head's turn."""

    target: tuple[float, float, float]
    height: float
    yaw: float = 0.0
    pitch: float = 0.0


class Views:
    """Draws one rig."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig

    @cached_property
    def _looks(self) -> list[Look]:
        rig = self.rig
        polygon = np.searchsorted(rig.polygon_starts, rig.triangle_corners[:, 0], side="right") - 1
        of_triangle = rig.polygon_material[polygon]
        textures = {name: _linear(image) for name, image in rig.textures.items()}
        return [
            Look(
                torch.from_numpy(rig.triangles[of_triangle == index]),
                torch.from_numpy(rig.triangle_corners[of_triangle == index]),
                textures[material.texture] if material.texture else torch.tensor(material.base_color),
                material.roughness,
                material.alpha,
            )
            for index, material in enumerate(rig.materials)
            if (of_triangle == index).any()
        ]

    @cached_property
    def photos(self) -> list[tuple[RigPhoto, Mapping[str, Any]]]:
        """The photos whose head shots the rig holds, and where these lie in them."""
        known = [(photo, preview_origin(self.rig, index)) for index, photo in enumerate(self.rig.photos)]
        return [(photo, origin) for photo, origin in known if origin is not None]

    @cached_property
    def _solid(self) -> torch.Tensor:
        """Triangles of everything that hides what is behind it."""
        return torch.cat([look.triangles for look in self._looks if not look.see_through])

    @cached_property
    def _skin_relief(self) -> SkinRelief:
        corners = [look.triangle_corners for look in self._looks if not look.see_through]
        return SkinRelief(self.rig, torch.cat(corners).numpy())

    def _relief(self, expression: Mapping[str, float], camera: Camera, translation: Tensor) -> Relief | None:
        """Of the triangles of ``_solid``."""
        return self._skin_relief.of(expression, float(translation[2] / camera.fx))

    def clay(
        self, frame: Framing, size: tuple[int, int], expression: Mapping[str, float] | None = None
    ) -> Pixels:
        """In grey clay."""
        return self._model(expression or {}, *_pose(frame, size))

    def textured(
        self, frame: Framing, size: tuple[int, int], expression: Mapping[str, float] | None = None
    ) -> Pixels:
        """With its materials, in a studio."""
        return self._paint(expression or {}, *_pose(frame, size), torch.from_numpy(backdrop(*size)))

    def photo(self, index: int, size: tuple[int, int]) -> Pixels:
        """The head in a photo."""
        return self._shot(index, size).ground

    def mesh_over_photo(self, index: int, size: tuple[int, int]) -> Pixels:
        """A photo with the fitted polygons drawn over it, and the landmarks that were detected."""
        finer = math.ceil(_WIRE_SIDE / max(size))  # in small pictures, lines thinner than a pixel
        shot = self._shot(index, (size[0] * finer, size[1] * finer))
        drawn = _draw_mesh(shot, self.rig, self._solid)
        return cv2.resize(drawn, size, interpolation=cv2.INTER_AREA)

    def head_over_photo(self, index: int, size: tuple[int, int]) -> Pixels:
        """A photo with the fitted head painted over it, in light estimated from the photo."""
        shot = self._shot(index, size)
        image = torch.from_numpy(shot.ground.astype(np.float32) / 255)
        light = self._light(image, *shot.pose, shot.vertices)
        return self._paint(self.photos[index][0].expression, *shot.pose, image, light)

    def clay_as_photo(self, index: int, size: tuple[int, int]) -> Pixels:
        """The fitted head in clay, as the photo's camera sees it."""
        return self._model(self.photos[index][0].expression, *self._shot(index, size).pose)

    def _model(
        self, expression: Mapping[str, float], camera: Camera, rotation: Tensor, translation: Tensor
    ) -> Pixels:
        vertices = torch.from_numpy(self.rig.expressed(expression))
        ground = torch.from_numpy(backdrop(camera.width, camera.height))
        relief = self._relief(expression, camera, translation)
        pose = (camera, rotation, translation)
        picture = render_clay(vertices, self._solid, *pose, ground, relief=relief, supersample=_SUPERSAMPLE)
        return _bytes(picture.image)

    def _paint(
        self,
        expression: Mapping[str, float],
        camera: Camera,
        rotation: Tensor,
        translation: Tensor,
        ground: Tensor,
        sh: Tensor | None = None,
    ) -> Pixels:
        vertices, uv = torch.from_numpy(self.rig.expressed(expression)), torch.from_numpy(self.rig.uv)
        relief = self._relief(expression, camera, translation)
        pose = (camera, rotation, translation)
        return _bytes(
            paint_head(
                vertices, uv, self._looks, *pose, ground, sh=sh, relief=relief, supersample=_SUPERSAMPLE
            )
        )

    def _light(
        self, image: Tensor, camera: Camera, rotation: Tensor, translation: Tensor, vertices: Tensor
    ) -> Tensor:
        """Light under which the rig's own texture looks as the photo does."""
        flat = ambient_light(np.ones(3))
        pose = (camera, rotation, translation)
        uv = torch.from_numpy(self.rig.uv)
        skin = [look for look in self._looks if not look.see_through][:1]
        fragments = rasterise(transform(vertices, rotation, translation), skin[0].triangles, camera)
        face = self._face_triangles(skin[0].triangles)
        wanted = fragments.covered & face[fragments.triangle.clamp_min(0).long()]
        if not bool(wanted.any()):
            return torch.from_numpy(flat).float()
        black = torch.zeros(3)
        albedo = paint_head(
            vertices, uv, skin, *pose, black, sh=torch.from_numpy(flat).float(), supersample=1
        )
        normals = vertex_normals(vertices, self._solid) @ rotation.T
        turned = F.normalize(interpolate(fragments, skin[0].triangles, normals), dim=-1)
        sh = fit_lighting(
            *(values[wanted].numpy() for values in (srgb_to_linear(image), srgb_to_linear(albedo), turned)),
            ridge=1e-2,
        )
        return torch.from_numpy(sh).float()

    def _face_triangles(self, triangles: Tensor) -> Tensor:
        """Triangles within the face's outline: near a landmark."""
        centres = self.rig.neutral[triangles.numpy()].mean(axis=1)
        distance, _ = cKDTree(self.rig.landmarks).query(centres)
        return torch.from_numpy(distance < 0.012)

    def _shot(self, index: int, size: tuple[int, int]) -> _Shot:
        """A photo cut to the face at ``size``, and the head in it."""
        photo, origin = self.photos[index]
        preview = self.rig.previews[origin["preview"]]
        landmarks = np.array(origin["landmarks"], np.float32)
        low, high = landmarks.min(0), landmarks.max(0)
        reach, extent = float((high - low).max()), np.array(preview.shape[1::-1])
        side = min(_PHOTO_MARGIN * reach, max(_LEAST_MARGIN * reach, float(extent.max())))
        middle = (low + high) / 2 - [0, _PHOTO_RISE * side]
        inside = np.clip(middle, side / 2, extent - side / 2)  # the photo rather than what lies beyond it
        middle = np.where(extent > side, inside, middle)
        scale = max(size) / side  # cell pixels per preview pixel
        corner = middle - np.array(size) / scale / 2
        offset = -corner * scale + 0.5 * scale - 0.5  # OpenCV counts pixel centres at integers
        warp = np.array([[scale, 0, offset[0]], [0, scale, offset[1]]])
        ground = cv2.warpAffine(
            preview,
            warp,
            size,
            flags=cv2.INTER_CUBIC if scale > 1 else cv2.INTER_AREA,
            borderValue=(30, 32, 36),
        )
        to_preview = origin["scale"]
        s = to_preview * scale
        left = origin["left"] + corner[0] / to_preview
        top = origin["top"] + corner[1] / to_preview
        seen = photo.camera
        camera = Camera(seen.fx * s, seen.fy * s, (seen.cx - left) * s, (seen.cy - top) * s, *size)
        return _Shot(
            ground=ground,
            camera=camera,
            rotation=torch.from_numpy(photo.rotation),
            translation=torch.from_numpy(photo.translation),
            vertices=torch.from_numpy(self.rig.expressed(photo.expression)),
            landmarks=(landmarks - corner) * scale,
        )


def _pose(frame: Framing, size: tuple[int, int]) -> tuple[Camera, Tensor, Tensor]:
    distance = frame.height / 2 / math.tan(PORTRAIT_FIELD_OF_VIEW / 2)
    return portrait_camera(size, yaw=frame.yaw, pitch=frame.pitch, distance=distance, target=frame.target)


def _draw_mesh(shot: _Shot, rig: Rig, solid: Tensor) -> Pixels:
    in_camera = transform(shot.vertices, shot.rotation, shot.translation)
    fragments = rasterise(in_camera, solid, shot.camera)
    seen = visible_vertices(fragments, in_camera, vertex_normals(in_camera, solid), shot.camera).numpy()
    points = project(shot.vertices, *shot.pose).numpy()
    following = np.arange(len(rig.polygon_vertices)) + 1
    ends = np.append(rig.polygon_starts[1:], len(rig.polygon_vertices))
    following[ends - 1] = rig.polygon_starts
    edges = np.stack([rig.polygon_vertices, rig.polygon_vertices[following]], axis=1)
    edges = np.unique(np.sort(edges[seen[edges].all(axis=1)], axis=1), axis=0)
    lines = np.round((points[edges] - 0.5) * 16).astype(np.int32)  # 4 fractional bits
    wires = cv2.polylines(shot.ground.copy(), list(lines), False, _WIRE, 1, cv2.LINE_AA, 4)
    mixed = cv2.addWeighted(shot.ground, 0.45, wires, 0.55, 0)
    radius = max(8, round(_DOT_SIZE * max(shot.ground.shape) * 16))
    for x, y in np.round((shot.landmarks - 0.5) * 16).astype(int).tolist():
        cv2.circle(mixed, (x, y), radius, _DOT, -1, cv2.LINE_AA, 4)
    return mixed


def _linear(image: np.ndarray) -> Tensor:
    """A texture in linear light, its alpha as it is."""
    if max(image.shape[:2]) > _LARGEST_TEXTURE:
        image = cv2.resize(image, (_LARGEST_TEXTURE, _LARGEST_TEXTURE), interpolation=cv2.INTER_AREA)
    values = torch.from_numpy(image.astype(np.float32) / 255)
    values[..., :3] = srgb_to_linear(values[..., :3])
    return values


def _bytes(image: Tensor) -> Pixels:
    return (image.clamp(0, 1) * 255 + 0.5).to(torch.uint8).numpy()
