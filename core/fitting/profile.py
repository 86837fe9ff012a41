"""Photos without landmarks, placed by means of the head that the others gave.

A photo joins where two starts from different yaws end at one pose (only skin that others show can do that),
where the face's outline is that of the photo, and where its skin has the colours that the others say. The
head's own landmarks in that pose then stand for those that nobody found.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import cv2
import numpy as np
from jaxtyping import Float32, Int
from numpy import ndarray
from scipy.spatial.transform import Rotation

from core.capture.unmarked import UnmarkedFace
from core.face_model.model import FaceModel
from core.fitting.dense import DenseFit
from core.fitting.face_surface import face_weight, sample_face
from core.fitting.left_out import light_by_others
from core.fitting.profile_pose import KnownHead, Posed, solve_pose
from core.fitting.profile_search import Guess, profile_guesses
from core.fitting.silhouette import PhotoOutline, head_outline
from core.fitting.types import Observation, PhotoFit
from core.fitting.view_flow import ViewFlow
from core.scene.camera import Camera
from core.scene.lighting import ambient_light

_SIDE: Final = 256  # pixels of the crops in which the pose is sought, about a millimetre each
_MARGIN: Final = 1.3  # side of the crop over the landmarks' longer side
_POINTS: Final = 1000
_OTHERS: Final = 4  # photos whose skin is compared
_FARTHEST: Final = np.radians(80)  # between the directions that two photos look in whose skin is compared
_STARTS: Final = 3
_GREY: Final = 0.6  # linear, the light that a pose is sought in


@dataclass(frozen=True)
class PlacingLimits:
    """What a placed photo must keep to.

    Chosen on the half *decide* of ``tests.benchmarks.profiles``. Of the heads' own profiles, outlines lie 0.5
    to 1.8 mm apart, skin 0.7 to 1.2 mm, coverage is 0.12 to 0.19; of other heads with other skins at most
    one of the three does, and two starts seldom agree. Photos of one real person in one light: outlines
    0.4 mm, skin 0.4 mm, coverage 0.08 to 0.11.

    Attributes:
        outline, most_outline: metres between outlines, of which half and four fifths may be nearer.
        skin: metres between the skin's points and where flow finds them, the median.
        coverage: mean trust in the skin's points, at least.
        colour: median difference of linear colours from what the other photos say.
        agreement: radians between the poses that two starts end at.
    """

    outline: float = 0.0015
    most_outline: float = 0.0030
    skin: float = 0.0012
    coverage: float = 0.04
    colour: float = 0.045
    agreement: float = float(np.radians(3))


@dataclass(frozen=True)
class Placed:
    """A photo that was placed.

    Attributes:
        landmarks: of the head, as the fit puts them before the camera; like ``Observation.landmarks``.
        apart: radians between the poses of different starts; infinite where there was but one.
        colour: median difference of linear colours from what the others say.
    """

    posed: Posed
    landmarks: Float32[ndarray, "478 3"]
    apart: float
    colour: float

    def within(self, limits: PlacingLimits) -> bool:
        """Whether the photo may join."""
        half, most = self.posed.outline
        return (
            half < limits.outline
            and most < limits.most_outline
            and self.posed.skin < limits.skin
            and self.posed.coverage > limits.coverage
            and self.colour < limits.colour
            and self.apart < limits.agreement
        )


def place(
    model: FaceModel,
    fit: DenseFit,
    observations: Sequence[Observation],
    face: UnmarkedFace,
    focal: float,
    limits: PlacingLimits,
) -> Placed | None:
    """The best pose of the head in a photo; none where no outline is like the head's.

    Args:
        fit: of the other photos, with their light.
        observations: the other photos.
        focal: of the photo, pixels.
        limits: whose agreement ends the search.
    """
    neutral = model.neutral(fit.identity.astype(np.float32)) + fit.correction
    expression = np.median([photo.expression for photo in fit.photos], axis=0)
    head = neutral + np.tensordot(expression.astype(np.float32), model.expression_deltas, axes=1)
    solid = _solid(model)
    weight = face_weight(model).astype(np.float64)
    outline = _outline(face)
    camera = Camera.centred(focal, *face.photo.size)
    guesses = profile_guesses(head, solid, weight, outline, face.centre, face.side, camera)
    points = sample_face(model, _POINTS)
    found: list[tuple[Posed, KnownHead]] = []
    apart = np.inf
    for guess in _starts(guesses):
        start = PhotoFit(
            camera, guess.rotation, guess.translation, expression, ambient_light(np.full(3, _GREY))
        )
        near = _nearest(fit.photos, start)
        if not near:
            continue
        seen = _seen(model, head, face, start)
        flow = ViewFlow(model, [*(_small(observations[k]) for k in near), seen], points)
        views = [flow.view(neutral, fit.photos[k], number) for number, k in enumerate(near)]
        known = KnownHead(neutral, head, points.matrix(model) @ head, solid, weight, flow, views)
        posed = solve_pose(known, seen, outline, start)
        apart = min((_angle(posed.fit, other.fit) for other, _ in found), default=np.inf)
        found.append((posed, known))
        if apart < limits.agreement:
            break
    if not found:
        return None
    posed, known = found[-1]
    own = known.flow.view(neutral, posed.fit, len(known.views))
    light, colour = light_by_others(known.flow, [*known.views, own], len(known.views))
    posed = replace(posed, fit=replace(posed.fit, sh=light))
    return Placed(posed, _landmarks(model, head, posed.fit), apart, colour)


def outline_apart(model: FaceModel, fit: DenseFit, photo: PhotoFit, face: UnmarkedFace) -> float:
    """Median distance in metres between the outline of the head in a photo's fit and the photo's own."""
    neutral = model.neutral(fit.identity.astype(np.float32)) + fit.correction
    head = neutral + np.tensordot(photo.expression.astype(np.float32), model.expression_deltas, axes=1)
    camera = photo.camera.square(face.left, face.top, face.scale, max(face.person.shape))
    in_camera = (head @ photo.rotation.T + photo.translation).astype(np.float32)
    line = head_outline(in_camera, _solid(model), camera, face_weight(model).astype(np.float64))
    pixels = line.pixels / face.scale + np.array([face.left, face.top])
    _, far = _outline(face).nearest(pixels, line.normals)
    metre = float(photo.translation[2]) / photo.camera.intrinsics[0]
    return float(np.median(far)) * metre if len(far) else float("inf")


def _solid(model: FaceModel) -> Int[ndarray, "triangles 3"]:
    """All triangles but those of the lashes."""
    return model.triangles[~model.region_mask("lashes")[model.triangles].any(axis=1)]


def _outline(face: UnmarkedFace) -> PhotoOutline:
    return PhotoOutline.of_mask(face.person, face.left, face.top, face.scale)


def _starts(guesses: Sequence[Guess]) -> list[Guess]:
    """The best guesses, of one side."""
    side = [guess for guess in guesses if guess.rotation[2, 0] * guesses[0].rotation[2, 0] > 0]
    return side[:_STARTS]


def _nearest(photos: Sequence[PhotoFit], start: PhotoFit) -> list[int]:
    """Numbers of the photos that look at the head most as ``start`` does."""
    alike = np.array([photo.rotation[2] @ start.rotation[2] for photo in photos])
    return [int(k) for k in np.argsort(-alike)[:_OTHERS] if alike[k] > np.cos(_FARTHEST)]


def _seen(model: FaceModel, head: ndarray, face: UnmarkedFace, start: PhotoFit) -> Observation:
    """The square of the photo round the head's landmarks."""
    landmarks = _landmarks(model, head, start)
    low, high = landmarks[:, :2].min(axis=0), landmarks[:, :2].max(axis=0)
    side = float((high - low).max()) * _MARGIN
    corner = ((low + high) / 2 - side / 2).astype(np.float64)
    image, person = face.square(corner, side, _SIDE)
    width, height = face.photo.size
    return Observation(
        landmarks, width, height, None, image, person, float(corner[0]), float(corner[1]), _SIDE / side
    )


def _small(seen: Observation) -> Observation:
    """The observation with a crop of ``_SIDE`` pixels."""
    size, scale = (_SIDE, _SIDE), _SIDE / len(seen.image)
    image, skin = (cv2.resize(part, size, interpolation=cv2.INTER_AREA) for part in (seen.image, seen.skin))
    return replace(seen, image=image, skin=skin, crop_scale=seen.crop_scale * scale)


def _landmarks(model: FaceModel, head: ndarray, fit: PhotoFit) -> Float32[ndarray, "478 3"]:
    points = model.landmarks(head) @ fit.rotation.T + fit.translation
    fx, fy, cx, cy = fit.camera.intrinsics
    x, y, z = points.T
    middle = z.mean()
    return np.column_stack([fx * x / z + cx, fy * y / z + cy, (z - middle) * fx / middle]).astype(np.float32)


def _angle(a: PhotoFit, b: PhotoFit) -> float:
    return float(Rotation.from_matrix(a.rotation @ b.rotation.T).magnitude())
