"""Perspective cameras, head poses and rotations.

Camera axes follow OpenCV: x right, y down, z forward; pixel centres lie at integers + 0.5, so the image
spans [0, width] × [0, height]. A pose takes head space (+Y up, +Z out of the face) to camera axes:
``camera = rotation @ head + translation``. A face that looks into the camera has rotation diag(1, -1, -1).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import roma
import torch
from jaxtyping import Float
from torch import Tensor

from core.lens import FILM_WIDTH_MM
from core.numbers import Number

Scalar = Number | Float[Tensor, ""]

FULL_FRAME_DIAGONAL_MM = math.hypot(FILM_WIDTH_MM, 24.0)
DEFAULT_FOCAL_35MM = 50.0
PORTRAIT_FIELD_OF_VIEW = math.radians(20)


@dataclass(frozen=True)
class Camera:
    """A pinhole camera without lens distortion.

    Attributes:
        fx, fy: focal lengths in pixels; 0-d tensors where they are being estimated (gradients flow).
        cx, cy: principal point in pixels.
        width, height: image size in pixels.
    """

    fx: Scalar
    fy: Scalar
    cx: Scalar
    cy: Scalar
    width: int
    height: int

    @classmethod
    def centred(cls, focal: Scalar, width: int, height: int) -> Camera:
        """Square pixels and a principal point in the middle of the image."""
        return cls(focal, focal, width / 2, height / 2, width, height)

    @property
    def intrinsics(self) -> tuple[float, float, float, float]:
        """(fx, fy, cx, cy) as plain numbers, without gradients."""
        return float(self.fx), float(self.fy), float(self.cx), float(self.cy)

    def scaled(self, factor: Number) -> Camera:
        """The same view with ``factor`` times as many pixels along each side."""
        width, height = round(self.width * factor), round(self.height * factor)
        across, down = width / self.width, height / self.height
        return Camera(self.fx * across, self.fy * down, self.cx * across, self.cy * down, width, height)

    def cropped(self, left: Number, top: Number, width: int, height: int) -> Camera:
        """The camera of the sub-image whose top left corner is pixel position (left, top)."""
        return Camera(self.fx, self.fy, self.cx - left, self.cy - top, width, height)

    def square(self, left: Number, top: Number, scale: Number, side: int) -> Camera:
        """The camera of a square cut-out, in which pixel = (pixel of the image - (left, top)) * scale."""
        cx, cy = (self.cx - left) * scale, (self.cy - top) * scale
        return Camera(self.fx * scale, self.fy * scale, cx, cy, side, side)


def focal_length_pixels(width: int, height: int, equivalent_35mm: Number | None = None) -> float:
    """Focal length in pixels from the 35 mm equivalent that EXIF gives.

    The equivalent compares image diagonals. Without one, 50 mm is assumed (a diagonal view of 47°): it lies
    between phone cameras (24–28 mm, often cropped) and portrait lenses (70–105 mm), and a focal length that
    is too long costs a face less shape than one that is too short, since perspective changes with 1/distance.
    """
    millimetres = DEFAULT_FOCAL_35MM if equivalent_35mm is None else equivalent_35mm
    return millimetres / FULL_FRAME_DIAGONAL_MM * math.hypot(width, height)


def transform(
    points: Float[Tensor, "*batch points 3"],
    rotation: Float[Tensor, "*batch 3 3"],
    translation: Float[Tensor, "*batch 3"],
) -> Float[Tensor, "*batch points 3"]:
    """Head space to camera axes, metres."""
    return points @ rotation.transpose(-1, -2) + translation.unsqueeze(-2)


def project_camera(points: Float[Tensor, "*batch 3"], camera: Camera) -> Float[Tensor, "*batch 2"]:
    """Pixel positions of points in camera axes; only meaningful where z > 0. Differentiable."""
    x, y, z = points.unbind(-1)
    return torch.stack([camera.fx * x / z + camera.cx, camera.fy * y / z + camera.cy], dim=-1)


def project(
    points: Float[Tensor, "*batch points 3"],
    camera: Camera,
    rotation: Float[Tensor, "*batch 3 3"],
    translation: Float[Tensor, "*batch 3"],
) -> Float[Tensor, "*batch points 2"]:
    """Pixel positions of points in head space. Differentiable in points, pose and focal length."""
    return project_camera(transform(points, rotation, translation), camera)


def pixel_rays(
    camera: Camera, *, device: torch.device | None = None, dtype: torch.dtype = torch.float32
) -> Float[Tensor, "height width 3"]:
    """Direction (x/z, y/z, 1) through each pixel's centre, camera axes; differentiable in the intrinsics."""
    columns = torch.arange(camera.width, device=device, dtype=dtype) + 0.5
    rows = torch.arange(camera.height, device=device, dtype=dtype) + 0.5
    y, x = torch.meshgrid((rows - camera.cy) / camera.fy, (columns - camera.cx) / camera.fx, indexing="ij")
    return torch.stack([x, y, torch.ones_like(x)], dim=-1)


def rotation_matrix(vector: Float[Tensor, "*batch 3"]) -> Float[Tensor, "*batch 3 3"]:
    """Rotation matrix of a rotation vector (axis × angle, radians); differentiable, also at 0."""
    return roma.rotvec_to_rotmat(vector)


def head_rotation(yaw: Number, pitch: Number = 0.0, roll: Number = 0.0) -> Float[Tensor, "3 3"]:
    """Head → camera rotation of a turned head, radians; all zero looks into the camera.

    Yaw turns the face to the person's left (right in the image), pitch turns it down, roll tilts the
    head clockwise as the camera sees it.
    """
    about_y = rotation_matrix(torch.tensor([0.0, float(yaw), 0.0]))
    about_x = rotation_matrix(torch.tensor([float(pitch), 0.0, 0.0]))
    about_z = rotation_matrix(torch.tensor([0.0, 0.0, -roll]))
    return torch.diag(torch.tensor([1.0, -1.0, -1.0])) @ about_z @ about_y @ about_x


def portrait_camera(
    size: int | tuple[int, int],
    field_of_view: Number = PORTRAIT_FIELD_OF_VIEW,
    yaw: Number = 0.0,
    pitch: Number = 0.0,
    distance: Number = 1.0,
    target: tuple[Number, Number, Number] = (0.0, 0.0, 0.0),
) -> tuple[Camera, Float[Tensor, "3 3"], Float[Tensor, "3"]]:
    """Camera and pose that frame a head for a render.

    Args:
        size: image side, or (width, height), in pixels.
        field_of_view: vertical, radians.
        yaw, pitch: as in :func:`head_rotation`.
        distance: camera to ``target``, metres.
        target: point of head space in the middle of the image, metres.

    Returns:
        camera, rotation, translation.
    """
    width, height = (size, size) if isinstance(size, int) else size
    focal = 0.5 * height / math.tan(0.5 * field_of_view)
    rotation = head_rotation(yaw, pitch)
    translation = torch.tensor([0.0, 0.0, distance]) - rotation @ torch.tensor(target, dtype=torch.float32)
    return Camera.centred(focal, width, height), rotation, translation
