"""Optical flow between the photos of a person: where each photo shows the points that the others see.

INORig's appearance consistency between views (eq. 8) in a geometric form. Each photo is synthesised from the
other photos through the present geometry: their colours, divided by their own light and lit by this photo's,
are put where this photo sees the same points of the skin. Where synthesis and photo differ by a shift, the
geometry is wrong by that shift: dense optical flow from one to the other says where every point ought to be.
Unlike a difference of colours, a shift points at the solution from several pixels away.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Float32
from numpy import ndarray
from scipy.sparse import csr_matrix

from core.face_model.model import FaceModel
from core.fitting.face_surface import SurfacePoints, face_weight, mixing_matrix
from core.fitting.outline import outline_shift
from core.fitting.types import Observation, PhotoFit
from core.images import look_up, sample_image
from core.scene.camera import Camera, project_camera
from core.scene.lighting import shade
from core.scene.rasterise import rasterise
from core.scene.shading import srgb_to_linear, vertex_normals
from core.workers import map_threads

_DEPTH_TOLERANCE = 0.004  # metres behind the z-buffer at which a point still counts as seen
_LOCAL = 0.0375  # radius over which contrast is normalised, fraction of the crop's side
_DARK = 0.02  # linear intensity below which differences do not count
_FAINT = 0.1  # local contrast (log intensity) that is more than noise
_NEIGHBOURHOOD = 0.015  # standard deviation of the window in which pictures are correlated
_UNLIKE, _ALIKE = 0.6, 0.9  # correlations after flow that are trusted not at all, and fully
_MOST_OTHERS = 6  # photos that a photo is synthesised from
_ROUND_TRIP = 1 / 320  # disagreement of forward and backward flow that halves trust, of the crop's side


@dataclass(frozen=True)
class Tracks:
    """Where a photo shows points of the surface.

    Attributes:
        pixels: of the full photo.
        trust: 0-1; 0 where the point is hidden or nothing says where it is.
        across: for points on an outline, which may slide along it, the unit vector across; else 0.
    """

    pixels: Float[ndarray, "points 2"]
    trust: Float[ndarray, "points"]
    across: Float[ndarray, "points 2"]

    @property
    def coverage(self) -> float:
        """Mean trust in the places that flow gives."""
        return float((self.trust * ~self.across.any(axis=1)).mean())

    def without_trust(self) -> Tracks:
        """The same places, of which none is believed."""
        return Tracks(self.pixels, np.zeros_like(self.trust), np.zeros_like(self.across))


@dataclass(frozen=True)
class SkinView:
    """The head as the present fit puts it before the camera of one crop."""

    camera: Camera
    colours: Float32[ndarray, "side side 3"]  # linear
    skin: Float32[ndarray, "side side"]
    surface: Float32[ndarray, "vertices 6"]  # position and normal, camera axes
    depth: Float32[ndarray, "side side"]
    on_face: Bool[ndarray, "side side"]  # pixels that show the face
    places: csr_matrix  # (those pixels, vertices)
    sh: Float32[ndarray, "9 3"]


class ViewFlow:
    """Tracks of ``points`` by flow between photos of one person."""

    def __init__(self, model: FaceModel, observations: Sequence[Observation], points: SurfacePoints) -> None:
        self.model, self.observations = model, observations
        self._face = face_weight(model)
        opaque = ~model.region_mask("lashes")[model.triangles].any(axis=1)
        self._triangles = torch.from_numpy(model.triangles[opaque].astype(np.int64))
        self._points = points.matrix(model)
        self._colours = [srgb_to_linear(torch.from_numpy(seen.image)).numpy() for seen in observations]

    def tracks(self, neutral: Float32[ndarray, "vertices 3"], photos: Sequence[PhotoFit]) -> list[Tracks]:
        """One set for each photo; without a second photo nothing is trusted.

        Args:
            neutral: the present neutral head.
            photos: their present expressions, poses, cameras and light.

        Raises:
            ValueError: the light of a photo (``sh``) is not known.
        """
        views = self.views(neutral, photos)
        return map_threads(lambda index: self.track(views, index), range(len(views)))

    def views(self, neutral: Float32[ndarray, "vertices 3"], photos: Sequence[PhotoFit]) -> list[SkinView]:
        """The head before each photo's camera; arguments and errors as of :meth:`tracks`."""
        return [self.view(neutral, photo, index) for index, photo in enumerate(photos)]

    def surface(self, view: SkinView) -> Float32[ndarray, "points 6"]:
        """Positions and normals of the points, camera axes."""
        return self._points @ view.surface

    def view(self, neutral: Float32[ndarray, "vertices 3"], photo: PhotoFit, index: int) -> SkinView:
        """The head before one photo's camera; arguments and errors as of :meth:`tracks`."""
        model, seen = self.model, self.observations[index]
        head = neutral + np.tensordot(photo.expression.astype(np.float32), model.expression_deltas, axes=1)
        vertices = torch.from_numpy((head @ photo.rotation.T + photo.translation).astype(np.float32))
        normals = vertex_normals(vertices, self._triangles)
        camera = seen.crop_camera(photo.camera)
        fragments = rasterise(vertices, self._triangles, camera)
        corners = self._triangles[fragments.triangle.clamp_min(0).long()].numpy()
        bary = fragments.barycentrics.numpy()
        on_face = fragments.covered.numpy() & ((self._face[corners] * bary).sum(axis=-1) > 0.05)
        if photo.sh is None:
            raise ValueError("flow needs the photos' light")
        return SkinView(
            camera=camera,
            colours=self._colours[index],
            skin=seen.skin,
            surface=torch.cat([vertices, normals], dim=1).numpy(),
            depth=fragments.depth.numpy(),
            on_face=on_face,
            places=mixing_matrix(corners[on_face], bary[on_face], model.vertex_count),
            sh=photo.sh.astype(np.float32),
        )

    def track(self, views: Sequence[SkinView], index: int) -> Tracks:
        """The points in one photo, by what the other views show of them."""
        view = views[index]
        synthesis, others = self._synthesise(views, index)
        flow, trust = _agree(view, synthesis, others)
        # What the others show goes by the present geometry, and so does what they are shown of this photo:
        # if each took the whole step, they would only swap places.
        flow = flow * others[..., None] / (others + self._own(view) + 0.05)[..., None]
        surface = self.surface(view)
        at, seen = sees(view, surface)
        moved = at + sample_image(flow.astype(np.float32), at)
        trusted = seen * sample_image(trust.astype(np.float32), at)
        crop = self.observations[index]
        normals, towards = _normals(surface)
        shift, edge, across = outline_shift(
            crop.image, view.skin, np.isfinite(view.depth).astype(np.float32), at, normals, towards
        )
        outline = edge > trusted
        moved = np.where(outline[:, None], at + shift, moved)
        pixels = moved / crop.crop_scale + np.array([crop.crop_left, crop.crop_top])
        return Tracks(pixels, np.maximum(edge, trusted), across * outline[:, None])

    def _synthesise(self, views: Sequence[SkinView], index: int) -> tuple[ndarray, ndarray]:
        """The photo (linear) as the others have it, itself where they see nothing; and their weight."""
        view = views[index]
        surface = view.places @ view.surface
        colour, weight = np.zeros((len(surface), 3), np.float32), np.zeros(len(surface), np.float32)
        others = [*views[:index], *views[index + 1 :]]
        chosen = np.linspace(0, len(others) - 1, min(len(others), _MOST_OTHERS)).astype(int)
        for other in [others[each] for each in chosen]:
            there = view.places @ other.surface
            at, seen = sees(other, there)
            some = seen > 0
            at, there, seen = at[some], there[some], seen[some] * sample_image(other.skin, at[some])
            colour[some] += seen[:, None] * sample_image(other.colours, at) / _lit(there, other.sh)
            weight[some] += seen
        known = weight > 0.15
        picture = view.colours.copy()
        rows, columns = np.nonzero(view.on_face)
        lit = colour / np.maximum(weight, 1e-3)[:, None] * _lit(surface, view.sh)
        picture[rows[known], columns[known]] = lit[known]
        seen_there = np.zeros(view.on_face.shape, np.float32)
        seen_there[rows[known], columns[known]] = weight[known]
        return picture, seen_there

    def _own(self, view: SkinView) -> Float32[ndarray, "side side"]:
        own = np.zeros(view.on_face.shape, np.float32)
        own[view.on_face] = _facing(view.places @ view.surface)
        return own


def _agree(view: SkinView, synthesis: ndarray, others: ndarray) -> tuple[ndarray, ndarray]:
    """Flow from the synthesis to the photo, pixels, and how far it is to be trusted, 0-1."""
    side = len(synthesis)
    ours, contrast = _even_contrast(view.colours, view.on_face)
    theirs, _ = _even_contrast(synthesis, view.on_face)
    method = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    method.setFinestScale(0)
    there = method.calc(theirs, ours, None)  # type: ignore[call-overload]
    back = method.calc(ours, theirs, None)  # type: ignore[call-overload]
    start = np.indices((side, side))[::-1].transpose(1, 2, 0).astype(np.float32) + np.float32(0.5)
    returned = look_up(back, start + there)
    round_trip = np.linalg.norm(there + returned, axis=-1) / (side * _ROUND_TRIP)
    inside = cv2.erode((others > 0).astype(np.uint8), np.ones((5, 5), np.uint8))
    trust = inside * np.exp(-(round_trip**2)) * np.clip(contrast / _FAINT, 0, 1) * view.skin
    alike = _correlation(theirs.astype(np.float32), look_up(ours.astype(np.float32), start + there))
    trust = trust * np.clip((alike - _UNLIKE) / (_ALIKE - _UNLIKE), 0, 1)
    return there, trust


def sees(view: SkinView, surface: Float32[ndarray, "points 6"]) -> tuple[ndarray, ndarray]:
    """Pixels of surface points (position, normal) and how well the view sees them, 0-1."""
    at = project_camera(torch.from_numpy(surface[:, :3]), view.camera).numpy()
    side = len(view.depth)
    x, y = at.T
    inside = (x >= 0) & (x < side) & (y >= 0) & (y < side)
    column, row = np.clip(at, 0, side - 1).astype(int).T
    seen = np.zeros(len(surface), np.float32)
    here = inside & (np.abs(view.depth[row, column] - surface[:, 2]) < _DEPTH_TOLERANCE)
    seen[here] = _facing(surface[here])
    return at, seen


def _facing(surface: Float32[ndarray, "points 6"]) -> Float32[ndarray, "points"]:
    return np.clip((_normals(surface)[1] - 0.25) / 0.4, 0, 1)


def _normals(surface: Float32[ndarray, "points 6"]) -> tuple[ndarray, ndarray]:
    """Unit normals, and the cosine of their angles with the directions to the camera."""
    position, normal = surface[:, :3], surface[:, 3:]
    normal = normal / np.maximum(np.sqrt(_dot(normal, normal)), 1e-6)[:, None]
    return normal, -_dot(position, normal) / np.sqrt(_dot(position, position))


def _dot(a: Float32[ndarray, "points 3"], b: Float32[ndarray, "points 3"]) -> Float32[ndarray, "points"]:
    """Row by row; much faster than sums over so short an axis."""
    return np.einsum("pk,pk->p", a, b)


def _lit(surface: Float32[ndarray, "points 6"], sh: Float32[ndarray, "9 3"]) -> Float32[ndarray, "points 3"]:
    normals = F.normalize(torch.from_numpy(surface[:, 3:]), dim=1)
    return shade(normals, torch.from_numpy(sh)).clamp_min(0.03).numpy()


def _correlation(a: Float32[ndarray, "side side"], b: Float32[ndarray, "side side"]) -> ndarray:
    """Normalised correlation of two pictures in a small neighbourhood of each pixel."""
    sigma = _NEIGHBOURHOOD * len(a)

    def mean(values: ndarray) -> ndarray:
        return cv2.GaussianBlur(values, (0, 0), sigma)

    mean_a, mean_b = mean(a), mean(b)
    stds = np.sqrt((mean(a * a) - mean_a**2).clip(1) * (mean(b * b) - mean_b**2).clip(1))
    return (mean(a * b) - mean_a * mean_b) / stds  # cov(a, b) / (σ_a σ_b)


def _even_contrast(
    colours: Float32[ndarray, "side side 3"], face: Bool[ndarray, "side side"]
) -> tuple[ndarray, ndarray]:
    """Grey levels (uint8) with the same contrast everywhere on the face, and the contrast there was."""
    mask = face.astype(np.float32)
    sigma = _LOCAL * len(face)

    def local_mean(values: ndarray) -> ndarray:
        return cv2.GaussianBlur(values * mask, (0, 0), sigma) / (cv2.GaussianBlur(mask, (0, 0), sigma) + 1e-3)

    grey = np.log(colours.mean(axis=-1) + np.float32(_DARK))
    detail = (grey - local_mean(grey)) * mask
    contrast = np.sqrt(local_mean(detail**2) + 0.03**2)
    return np.clip(128 + 50 * detail / contrast, 0, 255).astype(np.uint8), contrast
