"""One photo laid over the head: where each vertex is in it and how well it sees each texel."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import torch
from jaxtyping import Float32
from numpy import ndarray

from core.fitting.types import FittedHead, PhotoFit
from core.images import fill_polygon, look_up, sample_image
from core.landmark_topology import EYE_LEFT, EYE_RIGHT, FACE_OVAL, LIPS_INNER
from core.scene.camera import Camera, project_camera
from core.scene.rasterise import rasterise
from core.scene.shading import LINEAR_OF_BYTE, vertex_normals
from core.surface.atlas import Atlas, solid_triangles
from core.surface.harmonic import spread_landmark_offsets
from core.surface.types import PhotoPixels

_DEPTH_SIDE = 700  # pixels of the head in the depth buffer: about 0.4 mm each
_DEPTH_TOLERANCE = 1.5e-3  # metres behind the nearest surface where a texel starts to count as hidden
_MARGIN = 0.02  # of the eye distance: eye and mouth openings are this much wider than the landmarks say
_LOOSE_LANDMARKS = (*FACE_OVAL, *range(468, 478))  # they slide on the surface, or do not lie on skin
_LINEAR_OF_BYTE = LINEAR_OF_BYTE.astype(np.float32)


@dataclass(frozen=True)
class View:
    """A photo's part round the head, in linear light, and the head in it.

    Attributes:
        image: the part, linear.
        skin, person: its masks; ``opening`` is 1 inside open eyes and the open mouth.
        camera: of the part.
        vertices, normals: of the posed head, camera axes.
        pixels: where each vertex appears in the part, moved so that landmarks fall on detected ones.
        pixels_per_metre: resolution at the face.
        landmarks: detected, pixels of the part.
    """

    image: Float32[ndarray, "h w 3"]
    skin: Float32[ndarray, "h w"]
    person: Float32[ndarray, "h w"]
    opening: Float32[ndarray, "h w"]
    camera: Camera
    vertices: Float32[ndarray, "vertices 3"]
    normals: Float32[ndarray, "vertices 3"]
    pixels: Float32[ndarray, "vertices 2"]
    pixels_per_metre: float
    landmarks: Float32[ndarray, "478 2"]


def make_view(head: FittedHead, fit: PhotoFit, photo: PhotoPixels) -> View:
    """Cut the head out of a photo and place the posed head in it."""
    model = head.model
    posed = head.posed(fit)
    vertices = (posed @ fit.rotation.T + fit.translation).astype(np.float32)
    normals = vertex_normals(torch.from_numpy(vertices), torch.from_numpy(model.triangles)).numpy()
    pixels = project_camera(torch.from_numpy(vertices), fit.camera).detach().numpy()

    height, width = photo.image.shape[:2]
    low = np.clip(np.floor(pixels.min(axis=0)).astype(int) - 8, 0, [width - 1, height - 1])
    high = np.clip(np.ceil(pixels.max(axis=0)).astype(int) + 8, low + 1, [width, height])
    rows, columns = slice(low[1], high[1]), slice(low[0], high[0])
    corner = low.astype(np.float32)
    camera = fit.camera.cropped(float(low[0]), float(low[1]), int(high[0] - low[0]), int(high[1] - low[1]))
    detected = photo.landmarks[:, :2] - corner

    corners = model.triangles[model.landmark_triangles]
    fitted = np.einsum("lk,lkd->ld", model.landmark_barycentrics, (pixels - corner)[corners])
    offsets = (detected - fitted).astype(np.float64)
    eye_distance = float(np.linalg.norm(photo.landmarks[33] - photo.landmarks[263]))
    length = np.linalg.norm(offsets, axis=1, keepdims=True)
    offsets *= np.minimum(
        1, 0.15 * eye_distance / np.maximum(length, 1e-6)
    )  # a wild landmark pulls no farther
    trusted = np.ones(len(offsets))
    trusted[list(_LOOSE_LANDMARKS)] = 0
    trusted[normals[corners].mean(axis=1)[:, 2] > -0.15] = 0  # on the far side they are guesses
    shift = spread_landmark_offsets(model, offsets, trusted)

    depth = float(np.median(vertices[corners][:, :, 2]))
    return View(
        image=cv2.LUT(photo.image[rows, columns], _LINEAR_OF_BYTE),
        skin=np.ascontiguousarray(photo.skin[rows, columns]),
        person=np.ascontiguousarray(photo.person[rows, columns]),
        opening=_openings(detected, eye_distance, (camera.height, camera.width)),
        camera=camera,
        vertices=vertices,
        normals=normals,
        pixels=(pixels - corner + shift).astype(np.float32),
        pixels_per_metre=float(fit.camera.intrinsics[0]) / depth,
        landmarks=detected,
    )


def visibility(
    atlas: Atlas, view: View
) -> tuple[Float32[ndarray, "size size"], Float32[ndarray, "size size"]]:
    """How far each texel is seen (0-1, hidden by other parts of the head or out of the picture: 0), and the
    cosine between its normal and the direction to the camera."""
    model = atlas.model
    x0, y0 = project_camera(torch.from_numpy(view.vertices), view.camera).numpy().min(axis=0)
    x1, y1 = project_camera(torch.from_numpy(view.vertices), view.camera).numpy().max(axis=0)
    scale = _DEPTH_SIDE / max(x1 - x0, y1 - y0)
    whole = view.camera.cropped(float(x0), float(y0), int(x1 - x0) + 1, int(y1 - y0) + 1).scaled(scale)
    solid = solid_triangles(model)
    fragments = rasterise(torch.from_numpy(view.vertices), torch.from_numpy(solid), whole)
    nearest = cv2.erode(np.minimum(fragments.depth.numpy(), 1e3), np.ones((3, 3), np.uint8))

    direction = view.vertices / np.linalg.norm(view.vertices, axis=1, keepdims=True)
    cosine = -(direction * view.normals).sum(axis=1)
    at = project_camera(torch.from_numpy(view.vertices), whole).numpy()
    height, width = view.image.shape[:2]
    margin = np.minimum(view.pixels, [width, height] - view.pixels).min(axis=1)
    painted = atlas.paint_vertices(np.column_stack([at, view.vertices[:, 2], cosine, margin]))
    depth, facing = painted[..., 2], painted[..., 3]
    front = sample_image(nearest, painted[..., :2].reshape(-1, 2)).reshape(depth.shape)
    slope = np.sqrt(np.clip(1 - facing**2, 0, 1)) / np.maximum(facing, 0.15)
    pixel = depth / whole.intrinsics[0]
    behind = depth - front - 2 * pixel * slope - _DEPTH_TOLERANCE
    seen = np.clip(1 - behind / _DEPTH_TOLERANCE, 0, 1)
    seen[(atlas.triangle < 0) | (painted[..., 4] < 1)] = 0
    return seen.astype(np.float32), facing


def sample_photo(atlas: Atlas, view: View) -> Float32[ndarray, "size size 3"]:
    """The photo's linear colours at every texel, averaged where a texel covers several pixels."""
    levels = [view.image]
    where = atlas.paint_vertices(view.pixels)
    step = _footprint(atlas, where)
    deepest = int(np.ceil(np.log2(max(step.max(), 1))))
    result = look_up(levels[0], where, cubic=True)
    for level in range(1, deepest + 1):
        levels.append(np.asarray(cv2.pyrDown(levels[-1]), np.float32))
        # pyrDown keeps the centre of the first pixel in place
        at = (where - np.float32(0.5)) / np.float32(2**level) + np.float32(0.5)
        coarse = look_up(levels[level], at)
        share = np.clip(np.log2(np.maximum(step, 1e-3)) - (level - 1), 0, 1)
        share = cv2.resize(share, (atlas.size, atlas.size), interpolation=cv2.INTER_LINEAR)[..., None]
        result += share * (coarse - result)
    return np.maximum(result, 0)


def _footprint(atlas: Atlas, where: ndarray) -> Float32[ndarray, "quarter quarter"]:
    """Photo pixels per texel (the longer side), at a quarter of the atlas's size."""
    sparse, known = where[::4, ::4], atlas.triangle[::4, ::4] >= 0
    across = np.linalg.norm(np.diff(sparse, axis=1, append=sparse[:, -1:]), axis=2)
    down = np.linalg.norm(np.diff(sparse, axis=0, append=sparse[-1:]), axis=2)
    step = np.maximum(across, down) / 4
    whole = cv2.erode(known.astype(np.uint8), np.ones((3, 3), np.uint8)).astype(bool)
    step[~whole] = 0
    high = float(np.percentile(step[whole], 99)) if whole.any() else 1.0
    return cv2.GaussianBlur(np.minimum(step, high).astype(np.float32), (0, 0), 1.0)


def _openings(points: ndarray, eye_distance: float, shape: tuple[int, int]) -> Float32[ndarray, "h w"]:
    """1 where the photo shows eyeballs, teeth or the inside of the mouth, with a soft margin."""
    mask = np.zeros(shape, np.uint8)
    for outline in (EYE_LEFT, EYE_RIGHT, LIPS_INNER):
        fill_polygon(mask, points[list(outline)])
    radius = max(1, round(_MARGIN * eye_distance))
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    return cv2.GaussianBlur(cv2.dilate(mask, disc), (0, 0), 0.5 * radius).astype(np.float32) / 255
