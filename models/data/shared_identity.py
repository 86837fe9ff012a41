"""One identity code for heads of two face models: the anny head that lies nearest to an ICT head.

Networks speak anny's code but see rendered heads of both models. Both bases are linear, so with the templates
in correspondence the nearest head is a linear map of ICT's coefficients: a ridge regression of surface to
surface, with anny's own prior N(0, 1) as the ridge. How far mapped heads are from the true ones is printed
by ``python -m tests.benchmarks.shared_identity``.
"""

from __future__ import annotations

import hashlib
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from jaxtyping import Float, Float32, Int
from numpy import ndarray

from core.cache import cache_folder, write_atomically
from core.errors import OutputFailed
from core.face_model.model import FaceModel
from core.face_model.registry import load_model
from core.fitting.face_surface import face_weight
from core.geometry.alignment import align_similarity
from core.numbers import Number
from core.retarget.keyless.registration import TargetSkin, register
from core.retarget.keyless.sides import closest_on_side, find_sides
from core.scene.shading import vertex_normals

_VERSION: Final = 1  # raised when the map is made differently
# Metres between the surfaces that count as one standard deviation, if the face were a hundred points. With
# twice as much, mapped heads are 0.1 mm farther from the true ones; with half, 0.04 mm nearer, but their
# coefficients spread by 1.4 instead of 0.9, beyond what the prior calls a head.
_NOISE: Final = 0.0005
_POINTS: Final = 100
_SLIDE: Final = 0.1  # weight of a shift along the surface, against one across it
_FARTHEST: Final = 0.002  # metres from the registered vertex to the surface: nothing corresponds beyond
_ARRAYS: Final = (
    "matrix", "offset", "spread", "rotation", "scale_slope", "scale_offset", "place_slope", "place_offset",
)  # fmt: skip


@dataclass(frozen=True)
class SharedIdentity:
    """From heads of another model (*own* coefficients, its head space) to anny's nearest heads.

    A point ``x`` of the other head is ``scale * rotation.T @ x + place`` on anny's. The turn is the one
    between the templates, whose 478 landmarks fit best so; scale and place are each head's own, because
    anny's identity is learnt without them, and affine in its coefficients.

    Attributes:
        matrix, offset: ``own @ matrix + offset`` are anny's whitened coefficients.
        spread: standard deviation that is left to each of anny's coefficients when the other head is known:
            near 1 for those that its face does not show.
        rotation: takes directions in anny's head space to the other model's.
        scale_slope, scale_offset: metres on anny's head for one on the other.
        place_slope, place_offset: of the other head's origin in anny's head space, metres.
    """

    matrix: Float32[ndarray, "own modes"]
    offset: Float32[ndarray, "modes"]
    spread: Float32[ndarray, "modes"]
    rotation: Float32[ndarray, "3 3"]
    scale_slope: Float32[ndarray, "own"]
    scale_offset: Float32[ndarray, ""]
    place_slope: Float32[ndarray, "own 3"]
    place_offset: Float32[ndarray, "3"]

    def identity(self, own: Float[ndarray, "*batch own"]) -> Float[ndarray, "*batch modes"]:
        """Anny's whitened coefficients."""
        return own @ self.matrix + self.offset

    def scale(self, own: Float[ndarray, "*batch own"]) -> Float[ndarray, "*batch"]:
        """How large anny's head is for one of the other's size."""
        return np.asarray(own @ self.scale_slope + self.scale_offset)

    def place(self, own: Float[ndarray, "*batch own"]) -> Float[ndarray, "*batch 3"]:
        """Where the other head's origin lies in anny's head space, metres."""
        return own @ self.place_slope + self.place_offset

    def points(
        self, points: Float[ndarray, "*batch points 3"], own: Float[ndarray, "*batch own"]
    ) -> Float[ndarray, "*batch points 3"]:
        """Points of the other head where anny's head space has them."""
        return self.scale(own)[..., None, None] * points @ self.rotation + self.place(own)[..., None, :]

    def pose(
        self,
        rotation: Float[ndarray, "*batch 3 3"],
        translation: Float[ndarray, "*batch 3"],
        own: Float[ndarray, "*batch own"],
    ) -> tuple[Float[ndarray, "*batch 3 3"], Float[ndarray, "*batch 3"]]:
        """The pose of anny's head that a camera sees where it saw the other, head → camera.

        The head comes in anny's size, and the scene is scaled along with it: the translation is multiplied
        by ``scale``, which no picture shows. What is seen in which pixel stays.
        """
        turned = rotation @ self.rotation
        shift = (turned @ self.place(own)[..., None])[..., 0]
        return turned, self.scale(own)[..., None] * translation - shift


def align_templates(own: FaceModel, other: FaceModel) -> tuple[Any, ndarray, ndarray]:
    """Scale, rotation and translation that bring one model's template onto another's, by their landmarks.

    Returns:
        As ``core.geometry.alignment.align_similarity``. The rotation takes directions in the first model's
        head space to the other's: a head of the other posed by ``R`` is one of the first posed by
        ``R @ rotation``.
    """
    return align_similarity(
        own.landmarks(own.template).astype(np.float64),
        other.landmarks(other.template).astype(np.float64),
        np.ones(len(own.landmark_triangles)),
    )


@dataclass(frozen=True)
class LaidHeads:
    """Another model's heads on vertices of anny's face, each as near to a head of anny's as it comes.

    Fields and coefficients follow 1 and the other's own coefficients, linearly: those of a head with
    coefficients c are ``identity @ (1, c)``.

    Attributes:
        vertices: anny's, of the face, where the other's skin is known.
        weight: of each.
        identity: anny's whitened coefficients.
        scale, place: that bring the other's head, in anny's axes and its template's size, onto anny's.
        covariance: of anny's coefficients when the other's are known.
        left: offsets that anny's basis leaves, metres.
        turn, unit, shift: the similarity between the templates, as :func:`align_templates` has it.
    """

    vertices: Int[ndarray, "points"]
    weight: Float[ndarray, "points"]
    identity: Float[ndarray, "modes fields"]
    scale: Float[ndarray, "fields"]
    place: Float[ndarray, "3 fields"]
    covariance: Float[ndarray, "modes modes"]
    left: Float[ndarray, "fields points 3"]
    turn: Float[ndarray, "3 3"]
    unit: Number
    shift: Float[ndarray, "3"]


def lay_heads(anny: FaceModel, other: FaceModel, modes: int | None = None) -> LaidHeads:
    """The other model's heads as anny's; about ten seconds.

    Args:
        modes: of anny's basis that are used; all where not given.
    """
    unit, turn, shift = align_templates(anny, other)
    # the other model in anny's axes, its template in anny's size and place
    template = (other.template.astype(np.float64) - shift) @ turn / unit
    basis = other.identity_basis.astype(np.float64) @ turn / unit
    own, corners, barycentrics, normals = _correspondence(anny, other, template)
    weight = face_weight(anny)[own].astype(np.float64)

    used = len(anny.identity_basis) if modes is None else modes
    anny_basis = anny.identity_basis[:used, own].astype(np.float64)
    mean = np.einsum("pk,pkd->pd", barycentrics, template[corners])
    moved = np.einsum("pk,mpkd->mpd", barycentrics, basis[:, corners])
    whitened = _Whitener(normals, weight)
    # anny's template + modes ~ s * (mean + moved) + t. The product of s and the coefficients is left out.
    unknown = np.concatenate(
        [
            whitened(anny_basis),
            -whitened(mean[None]),
            -whitened(np.eye(3)[:, None].repeat(len(own), axis=1)),
        ]
    )
    known = np.concatenate([-whitened(anny.template[own].astype(np.float64)[None]), whitened(moved)])
    ridge = np.r_[np.ones(used), np.zeros(4)]
    covariance = np.linalg.inv(unknown @ unknown.T + np.diag(ridge))
    found = covariance @ unknown @ known.T  # (modes, scale, place) for 1 and the other's coefficients
    identity, scale, place = found[:used], found[used], found[used + 1 :]
    fields = np.concatenate([-anny.template[own].astype(np.float64)[None], moved])
    left = (
        fields + scale[:, None, None] * mean + place.T[:, None] - np.tensordot(identity.T, anny_basis, axes=1)
    )
    return LaidHeads(
        own, weight, identity, scale, place, covariance[:used, :used], left, turn, float(unit), shift
    )  # fmt: skip


def learn_shared_identity(anny: FaceModel, other: FaceModel, modes: int | None = None) -> SharedIdentity:
    """The map from the other model's heads to anny's; about ten seconds.

    Args:
        modes: of anny's basis that are used; the other coefficients are 0.
    """
    laid = lay_heads(anny, other, modes)
    used = len(laid.identity)
    matrix = np.zeros((len(anny.identity_basis), len(other.identity_basis) + 1))
    matrix[:used] = laid.identity
    # from the other head's own origin
    place = laid.place - np.outer(laid.turn.T @ laid.shift / laid.unit, laid.scale)
    spread = np.ones(len(matrix))
    spread[:used] = np.sqrt(np.diag(laid.covariance))
    size = laid.scale / laid.unit
    arrays = (
        matrix[:, 1:].T, matrix[:, 0], spread, laid.turn, size[1:], size[0], place[:, 1:].T, place[:, 0],
    )  # fmt: skip
    return SharedIdentity(*(np.array(array, np.float32, order="C") for array in arrays))


class _Whitener:
    """Offsets of points in standard deviations, those along the surface counted little; flat rows."""

    def __init__(self, normals: Float[ndarray, "points 3"], weight: Float[ndarray, "points"]) -> None:
        across = normals[:, :, None] * normals[:, None]
        each = np.sqrt(weight * _POINTS / weight.sum()) / _NOISE
        self._matrix = each[:, None, None] * (across + _SLIDE * (np.eye(3) - across))

    def __call__(self, offsets: Float[ndarray, "rows points 3"]) -> Float[ndarray, "rows coordinates"]:
        return np.einsum("pij,rpj->rpi", self._matrix, offsets).reshape(len(offsets), -1)


def _correspondence(
    anny: FaceModel, other: FaceModel, template: Float[ndarray, "vertices 3"]
) -> tuple[Int[ndarray, "points"], Int[ndarray, "points 3"], Float[ndarray, "points 3"], ndarray]:
    """Vertices of anny's face, where they lie on the other's skin, and normals there.

    Args:
        template: the other's, brought onto anny's.
    """
    skin = other.triangles[other.region_mask("skin")[other.triangles].all(axis=1)].astype(np.int64)
    places = other.landmarks(template.astype(np.float32)).astype(np.float64)
    sides = find_sides(template, skin, places)
    target = TargetSkin(template, skin, places, np.ones(len(places), bool), sides)
    laid = register(anny, target)
    own = np.flatnonzero(face_weight(anny) > 0)
    laid_sides = find_sides(
        laid, anny.triangles.astype(np.int64), anny.landmarks(laid.astype(np.float32)).astype(np.float64)
    )
    faces = torch.from_numpy(anny.triangles[anny.region_mask("skin")[anny.triangles].all(axis=1)]).long()
    normals = vertex_normals(torch.from_numpy(laid), faces).numpy()[own]
    found = closest_on_side(
        laid[own], laid_sides.label[own], normals, template, skin, sides.of_triangles(skin)
    )
    near = found.distance < _FARTHEST
    return own[near], skin[found.triangle[near]], found.barycentrics[near], normals[near]


def load_shared_identity(name: str = "ict") -> SharedIdentity:
    """The map from a face model's heads, from the cache if it is there (else some ten seconds).

    Raises:
        BadInput: there is no such model.
        ModelMissing: it has not been added.
        OutputFailed: the cache cannot be written.
    """
    anny, other = load_model("anny"), load_model(name)
    file = cache_folder() / "models" / f"shared-identity-{name}.npz"
    key = f"{_VERSION}/{_checksum(anny)}/{_checksum(other)}"
    kept = _read(file, key)
    if kept is not None:
        return kept
    shared = learn_shared_identity(anny, other)
    try:
        write_atomically(file, lambda stream: np.savez(stream, key=key, **vars(shared)))
    except OSError as error:
        raise OutputFailed(
            f"The identity shared with {name} cannot be stored at {file} ({error.strerror or error}).",
            "Free space there, or set SEMBLANCE_CACHE to a folder that can be written.",
        ) from error
    return shared


def _checksum(model: FaceModel) -> str:
    digest = hashlib.sha256(model.template.tobytes())
    digest.update(model.identity_basis.tobytes())
    return digest.hexdigest()[:16]


def _read(file: Path, key: str) -> SharedIdentity | None:
    try:
        with np.load(file, allow_pickle=False) as stored:
            if str(stored["key"]) != key:
                return None
            arrays: dict[str, Any] = {name: stored[name] for name in _ARRAYS}
            return SharedIdentity(**arrays)
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None
