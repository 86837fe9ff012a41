"""Skins for rendered heads: painted ones, and one photo in the public domain carried onto the model."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import torch
from jaxtyping import Bool, Float, Float32, UInt8
from numpy import ndarray
from scipy.spatial import cKDTree
from skimage import data

from core.capture.faces import FaceFinder
from core.capture.photos import Photo
from core.face_model.model import FaceModel
from core.fitting.face_surface import face_weight
from core.fitting.landmark_solver import fit_landmarks
from core.fitting.types import Observation
from core.landmark_topology import (
    BROW_LEFT,
    BROW_RIGHT,
    EYE_LEFT,
    EYE_RIGHT,
    LIPS_INNER,
    LIPS_OUTER,
)
from core.scene.camera import Camera, project_camera, transform
from core.scene.lighting import fit_lighting, shade
from core.scene.rasterise import rasterise
from core.scene.shading import srgb_to_linear, vertex_normals, visible_vertices

_DARKEST: Final = np.array([0.07, 0.035, 0.022])
_LIGHTEST: Final = np.array([0.78, 0.55, 0.45])
PUPIL: Final = 0.18  # radians from the direction of gaze
_IRIS: Final = 0.47


class SkinPainter:
    """Random albedos of one model's vertices, linear light."""

    def __init__(self, model: FaceModel) -> None:
        self.model = model
        self.skin = model.region_mask("skin")
        self._photo, self._photo_tone = self._portrait()
        marks = model.landmarks(model.template)
        self._lips = _near(model, np.concatenate([marks[list(LIPS_OUTER)], marks[list(LIPS_INNER)]]))
        if "lips" in model.masks:
            self._lips = np.where(model.masks["lips"] > 0.5, 0.0, np.inf)
        self._brows = np.minimum(
            *(_near(model, middle_line(marks[list(b)])) for b in (BROW_LEFT, BROW_RIGHT))
        )
        self._lids = np.minimum(*(_near(model, closed_line(marks[list(e)])) for e in (EYE_LEFT, EYE_RIGHT)))
        chin, mouth = marks[152], marks[[61, 291]].mean(axis=0)
        below = (mouth[1] - model.template[:, 1]) / (mouth[1] - chin[1])
        self._beard = np.clip(1.3 * below, 0, 1) * (model.template[:, 2] > marks[234, 2] - 0.02)
        hairline = marks[10] + (0, 0.012, 0)
        back = marks[234, 2] - model.template[:, 2]
        self._scalp = np.maximum(model.template[:, 1] - hairline[1], back - 0.015) / 0.01

    def paint(self, rng: np.random.Generator) -> Float32[ndarray, "vertices 3"]:
        """A skin: painted, from the photo in another tone, or a blend of both."""
        tone = _DARKEST + (_LIGHTEST - _DARKEST) * rng.beta(1.2, 1.0) * rng.uniform(0.85, 1.15, 3)
        share = rng.choice([0.0, rng.random(), 1.0], p=[0.4, 0.3, 0.3])
        albedo = (1 - share) * self._painted(rng, tone)
        if share:
            contrast = rng.uniform(0.7, 1.4)
            albedo += share * tone * (np.maximum(self._photo, 1e-3) / self._photo_tone) ** contrast
        scalp = np.clip(self._scalp, 0, 1)[:, None] * (rng.random() < 0.7)
        albedo = albedo * (1 - scalp) + scalp * rng.uniform(0.01, 0.3) * np.array([1, 0.8, 0.6])
        self._paint_parts(rng, albedo, tone)
        return albedo.clip(0.003, 0.95).astype(np.float32)

    def _portrait(self) -> tuple[Float32[ndarray, "vertices 3"], Float32[ndarray, "3"]]:
        return photo_albedo(self.model, public_portrait(), face_weight(self.model))

    def _painted(self, rng: np.random.Generator, tone: Float[ndarray, "3"]) -> Float[ndarray, "vertices 3"]:
        albedo = np.broadcast_to(tone, (self.model.vertex_count, 3)).copy()
        albedo *= _mottling(self.model.template, rng)[:, None] ** rng.uniform(0.6, 1.6, 3)
        if rng.random() < 0.3:  # freckles and spots
            albedo *= 1 - 0.4 * (rng.random(len(albedo)) < rng.uniform(0.01, 0.1))[:, None]
        if rng.random() < 0.25:
            albedo *= 1 - rng.uniform(0.1, 0.7) * self._beard[:, None]
        width = rng.uniform(0.003, 0.006)
        layers = (
            (np.clip(1.5 - self._lips / 0.004, 0, 1) * rng.uniform(0.3, 1), tone * _lip_tint(rng)),
            (np.clip(1.6 - self._brows / width, 0, 1) * rng.uniform(0.2, 1), tone * rng.uniform(0.1, 0.6)),
            (np.clip(1.5 - self._lids / 0.0015, 0, 1) * rng.uniform(0, 0.8), tone * rng.uniform(0.1, 0.5)),
        )
        for weight, colour in layers:
            albedo += weight[:, None] * (colour - albedo)
        return albedo

    def _paint_parts(
        self, rng: np.random.Generator, albedo: Float[ndarray, "vertices 3"], tone: Float[ndarray, "3"]
    ) -> None:
        iris = rng.uniform(0.03, 0.3) * rng.uniform(0.7, 1.3, 3)
        paint_eyes(self.model, albedo, iris, rng.uniform(0.6, 0.85))
        mouth = np.array([0.35, 0.1, 0.1]) * rng.uniform(0.3, 1.2)
        paint_inside(self.model, albedo, tone, mouth, rng.uniform(0.5, 0.8))


def paint_eyes(
    model: FaceModel,
    albedo: Float[ndarray, "vertices 3"],
    iris: Float[ndarray, "3"],
    white: float,
    pupil: float = PUPIL,
) -> None:
    """Colour the eyeballs in place; ``pupil`` is its radius, radians round the direction of gaze."""
    for side in ("eye_left", "eye_right"):
        ball: Bool[ndarray, " vertices"] = model.region_mask(side)
        out = model.template[ball] - model.template[ball].mean(axis=0)
        angle = np.arccos(np.clip(out[:, 2] / np.linalg.norm(out, axis=1), -1, 1))[:, None]
        albedo[ball] = np.where(angle < pupil, 0.02, np.where(angle < _IRIS, iris, white))


def paint_inside(
    model: FaceModel,
    albedo: Float[ndarray, "vertices 3"],
    tone: Float[ndarray, "3"],
    mouth: Float[ndarray, "3"],
    teeth: float,
) -> None:
    """Colour the mouth, the teeth and the eyes' sockets in place."""
    albedo[model.region_mask("mouth_interior", "tongue")] = mouth
    albedo[model.region_mask("teeth_upper", "teeth_lower")] = teeth
    albedo[model.region_mask("eye_socket")] = 0.7 * tone


@dataclass(frozen=True)
class Portrait:
    """A photo of a face with the model fitted to it.

    Attributes:
        in_camera: vertices, metres.
        normals: at the vertices, camera axes.
        trust: how well the photo shows each vertex, 0-1.
        tone: linear albedo of the skin.
        sh: the photo's light.
    """

    pixels: UInt8[ndarray, "height width 3"]
    camera: Camera
    in_camera: Float32[ndarray, "vertices 3"]
    normals: Float32[ndarray, "vertices 3"]
    trust: Float[ndarray, "vertices"]
    tone: Float32[ndarray, "3"]
    sh: Float[ndarray, "9 3"]

    def albedo(
        self, points: Float32[ndarray, "points 3"], normals: Float32[ndarray, "points 3"]
    ) -> Float32[ndarray, "points 3"]:
        """Linear albedo of points of the surface, in camera axes."""
        colour = _seen_colour(self.pixels, points, self.camera)
        light = shade(torch.from_numpy(normals), torch.from_numpy(self.sh).float()).numpy().clip(0.6, 1.7)
        return (colour / light).clip(0.005, 0.95)


def public_portrait() -> Photo:
    """NASA's portrait of Eileen Collins, in the public domain."""
    pixels = data.astronaut()
    return Photo(pixels, Path("portrait"), "", None, (pixels.shape[1], pixels.shape[0]))


def photo_albedo(
    model: FaceModel, photo: Photo, trusted: Float[ndarray, "vertices"]
) -> tuple[Float32[ndarray, "vertices 3"], Float32[ndarray, "3"]]:
    """Linear albedo of every vertex from a photo of a face, and the skin's tone.

    The model is fitted to the landmarks, each vertex takes the colour under it, and the light that explains
    the colours is divided out; hard shadows stay. What the photo does not show takes the mirror twin's
    colour, then the tone.

    Args:
        trusted: where on the model a photo shows bare skin, 0-1.

    Raises:
        NoFaceFound: the photo shows none.
    """
    portrait = fit_portrait(model, photo, trusted)
    colour = portrait.albedo(portrait.in_camera, portrait.normals)
    own, twin = portrait.trust[:, None], 0.2 * portrait.trust[model.mirror][:, None]
    albedo = (own * colour + twin * colour[model.mirror] + 0.02 * portrait.tone) / (own + twin + 0.02)
    return albedo.astype(np.float32), portrait.tone


def fit_portrait(model: FaceModel, photo: Photo, trusted: Float[ndarray, "vertices"]) -> Portrait:
    """Fit the model to a photo's landmarks, and light to its colours.

    Args:
        trusted: where on the model a photo shows bare skin, 0-1.

    Raises:
        NoFaceFound: the photo shows none.
    """
    with FaceFinder() as finder:
        face = finder.main_face(photo)
    nothing = np.zeros((1, 1, 3), np.float32), np.zeros((1, 1), np.float32)
    width, height = photo.size
    seen = Observation(face.landmarks, width, height, photo.focal_px, *nothing, 0.0, 0.0, 1.0)
    fit = fit_landmarks(model, [seen])
    shown = fit.photos[0]
    neutral = model.neutral(fit.identity.astype(np.float32))
    posed = neutral + np.tensordot(shown.expression.astype(np.float32), model.expression_deltas, axes=1)
    in_camera = transform(
        torch.from_numpy(posed),
        torch.from_numpy(shown.rotation).float(),
        torch.from_numpy(shown.translation).float(),
    )
    triangles = torch.from_numpy(model.opaque_triangles).long()
    normals = vertex_normals(in_camera, triangles)
    colour = _seen_colour(photo.pixels, in_camera.numpy(), shown.camera)
    fragments = rasterise(in_camera, triangles, shown.camera)
    visible = visible_vertices(fragments, in_camera, normals, shown.camera).numpy()
    facing = np.clip((-normals.numpy()[:, 2] - 0.25) / 0.3, 0, 1)
    trust = facing * visible * trusted
    tone = np.median(colour[trust > 0.9], axis=0)
    sh = fit_lighting(colour, np.broadcast_to(tone, colour.shape), normals.numpy(), trust, ridge=0.02)
    return Portrait(
        photo.pixels, shown.camera, in_camera.numpy(), normals.numpy(), trust, tone.astype(np.float32), sh
    )


def _seen_colour(
    pixels: UInt8[ndarray, "height width 3"], points: Float32[ndarray, "points 3"], camera: Camera
) -> Float32[ndarray, "points 3"]:
    """Linear colours under points in camera axes."""
    at = project_camera(torch.from_numpy(points), camera).numpy().astype(np.float32) - 0.5
    width = 4096  # OpenCV takes at most 32,767 columns
    grid = np.zeros((-(-len(at) // width) * width, 2), np.float32)
    grid[: len(at)] = at
    sampled = cv2.remap(
        pixels, grid.reshape(-1, width, 2), np.empty(0), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    ).reshape(-1, 3)[: len(at)]
    return srgb_to_linear(torch.from_numpy(sampled.astype(np.float32) / 255)).numpy()


def _lip_tint(rng: np.random.Generator) -> Float[ndarray, "3"]:
    return rng.uniform(0.6, 1.0) * np.array([1.0, rng.uniform(0.4, 0.8), rng.uniform(0.45, 0.85)])


def _mottling(points: Float32[ndarray, "vertices 3"], rng: np.random.Generator) -> Float[ndarray, "vertices"]:
    """A random field of waves 1-8 cm long about 1."""
    field = np.ones(len(points))
    strength = rng.uniform(0, 0.12)
    for _ in range(8):
        direction = rng.standard_normal(3)
        wave = 2 * np.pi / rng.uniform(0.01, 0.08) * direction / np.linalg.norm(direction)
        field += strength * np.sin(points @ wave + rng.uniform(0, 2 * np.pi))
    return field.clip(0.4, 1.6)


def _near(model: FaceModel, line: Float[ndarray, "points 3"]) -> Float[ndarray, "vertices"]:
    """Distance of the skin's vertices from a dense line; infinite elsewhere."""
    distance, _ = cKDTree(line).query(model.template)
    return np.where(model.region_mask("skin"), distance, np.inf)


def dense_line(line: Float[ndarray, "points 3"]) -> Float[ndarray, "more 3"]:
    return np.concatenate([np.linspace(a, b, 20) for a, b in pairwise(line)])


def middle_line(brow: Float[ndarray, "10 3"]) -> Float[ndarray, "points 3"]:
    return dense_line((brow[:5] + brow[5:][::-1]) / 2)


def closed_line(ring: Float[ndarray, "points 3"]) -> Float[ndarray, "more 3"]:
    return dense_line(np.concatenate([ring, ring[:1]]))
