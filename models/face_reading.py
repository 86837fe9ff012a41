"""What networks say of faces in photos: two looks at one, and several photos of one person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float32
from numpy import ndarray
from scipy.spatial.transform import Rotation

from core.arkit import MIRRORED_UNITS
from core.capture.crop import SquareCrop
from core.errors import BadInput
from core.scene.lighting import turned_light
from models.crops import picture_pose
from models.mirror import Mirror

_TWINS = list(MIRRORED_UNITS)


@dataclass(frozen=True)
class ExpressionReading:
    """Expression of a face.

    Attributes:
        expression: the 52 coefficients in ARKit's order, in [0, 1].
        expression_std: standard deviations of their errors; none where the network does not say.
    """

    expression: Float32[ndarray, "52"]
    expression_std: Float32[ndarray, "52"] | None


@dataclass(frozen=True)
class FaceReading:
    """A face in a photo, in terms of the network's face model.

    Attributes:
        identity, albedo: whitened coefficients.
        expression: the 52 coefficients in ARKit's order, in [0, 1].
        rotation, translation: head to camera of the photo (x right, y down, z forward), metres.
        sh: light in the photo's camera axes, as ``core.scene.lighting`` has it.
        camera: fx, fy, cx, cy in pixels of the photo that rotation and translation belong to; where none was
            given, one that looks at the middle of the face with ``models.face_code.FOCAL``.
        identity_std, expression_std: standard deviations of the errors; none where the network does
            not say.
        rotation_std: of the rotation's error about the camera's three axes, radians.
    """

    identity: Float32[ndarray, " modes"]
    expression: Float32[ndarray, "52"]
    albedo: Float32[ndarray, " skins"]
    rotation: Float32[ndarray, "3 3"]
    translation: Float32[ndarray, "3"]
    sh: Float32[ndarray, "9 3"]
    camera: Float32[ndarray, "4"]
    identity_std: Float32[ndarray, " modes"] | None = None
    expression_std: Float32[ndarray, "52"] | None = None
    rotation_std: Float32[ndarray, "3"] | None = None


def join_expressions(
    expression: Float[ndarray, "looks 52"],
    spread: Float[ndarray, "looks 52"] | None,
) -> ExpressionReading:
    """One reading of a crop (first look) and of its mirror image (second, where there is one).

    Both looks are the same network's at the same picture, so their errors are no less together than one's
    alone may be: the spread is that of one look.
    """
    looks, std = expression.copy(), None if spread is None else spread.copy()
    looks[1:] = looks[1:, _TWINS]
    if std is not None:
        std[1:] = std[1:, _TWINS]
    return ExpressionReading(
        looks.mean(axis=0).clip(0, 1).astype(np.float32), None if std is None else _together(std)
    )


def join_faces(
    looks: Mapping[str, Float[ndarray, "looks ..."]],
    mirror: Mirror,
    crop: SquareCrop,
    camera: Float[ndarray, "4"],
) -> FaceReading:
    """One reading, in the photo, of a crop (first look) and of its mirror image (second).

    Args:
        looks: a network's outputs by name.
        mirror: of its coefficients. Where the face model lacks mirror images of its identities, identity is
            the first look's alone.
        crop: where it lies in the photo.
        camera: of the photo.
    """
    plain = {name: values[0] for name, values in looks.items() if not name.endswith("_spread")}
    turned = {name: values[1] for name, values in looks.items() if not name.endswith("_spread")}
    # the camera's own mirror image is not needed: the pose already stands before the camera
    back = mirror.labels(turned | {"camera": camera})
    names = ("albedo", "translation", "sh") + (("identity",) if mirror.identity_known else ())
    mean = plain | {name: (plain[name] + back[name]) / 2 for name in names}
    both = np.stack([plain["rotation"], back["rotation"]])
    rotation, translation = picture_pose(
        crop, Rotation.from_matrix(both).mean().as_matrix(), mean["translation"]
    )
    said = join_expressions(looks["expression"], looks.get("expression_spread"))
    reading = FaceReading(
        _floats(mean["identity"]), said.expression, _floats(mean["albedo"]), rotation, translation,
        turned_light(mean["sh"], -crop.angle), _floats(camera), expression_std=said.expression_std,
    )  # fmt: skip
    if "identity_spread" not in looks:
        return reading
    identity = looks["identity_spread"]
    if mirror.identity_known:
        identity = np.stack([identity[0], np.sqrt(np.square(identity[1]) @ np.square(mirror.identity))])
    else:
        identity = identity[:1]
    about = np.square(looks["rotation_spread"])  # about the same axes in the mirror
    about[:, :2] = about[:, :2] @ np.square(crop.axes.T)
    return FaceReading(
        **vars(reading) | {"identity_std": _together(identity), "rotation_std": _together(np.sqrt(about))}
    )


def fuse_identity(
    readings: Sequence[FaceReading], correlation: float = 0.0
) -> tuple[Float32[ndarray, " modes"], Float32[ndarray, " modes"]]:
    """One identity of several photos of a person: mean and standard deviation of each coefficient.

    Each reading is taken as what a photo adds to the same prior, N(0, 1): its evidence 1/s² - 1 and its shift
    m/s² are summed, and the prior counts once. One reading gives itself; a spread of 1 or more adds nothing.

    Args:
        correlation: of the errors of two photos, from 0 (each counts in full) to 1 (all count as one): one
            network errs about one person in much the same way. Sums are divided by 1 + correlation (n - 1).

    Raises:
        BadInput: there are no readings, they are of networks that do not say how sure they are or of
            different face models, or the correlation is not between 0 and 1.
    """
    if not readings:
        raise BadInput("An identity needs at least one photo.")
    if not 0 <= correlation <= 1:
        raise BadInput("A correlation of photos must be from 0 to 1.")
    sizes = {len(reading.identity) for reading in readings}
    if len(sizes) > 1:
        raise BadInput("Readings of different face models cannot be joined.")
    spreads = [reading.identity_std for reading in readings if reading.identity_std is not None]
    if len(spreads) < len(readings):
        raise BadInput("The network does not say how sure it is of an identity.", "Use one that does.")
    mean = np.stack([reading.identity for reading in readings]).astype(np.float64)
    precision = 1 / np.square(np.maximum(np.stack(spreads).astype(np.float64), 1e-3))
    told = precision > 1
    share = 1 / (1 + correlation * (len(readings) - 1))
    whole = 1 + share * np.where(told, precision - 1, 0).sum(axis=0)
    shift = share * np.where(told, mean * precision, 0).sum(axis=0)
    return _floats(shift / whole), _floats(1 / np.sqrt(whole))


def _together(spreads: Float[ndarray, "looks n"]) -> Float32[ndarray, " n"]:
    """RMS over the looks."""
    return _floats(np.sqrt(np.square(spreads).mean(axis=0)))


def _floats(array: Float[ndarray, "..."]) -> Float32[ndarray, "..."]:
    return np.asarray(array, np.float32)
