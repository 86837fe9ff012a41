"""How usual a head is, by the face model's own distribution of heads.

All figures are free of size, place and turn, which photos do not tell. With ``e`` the distance of the eyes'
outer corners (landmarks 33 and 263) and the *facial plane* through these two and the middle of the mouth's
corners (61 and 291), whose normal points out of the face:

- *nose length*: from its root between the eyes (168) to its base (2), over ``e``;
- *nose tip*: the tip's (1) distance from the middle of the wings' feet (98 and 327), over ``e``;
- *chin*: signed distance of the chin's front (199) before the facial plane, over ``e``;
- *jaw width*: between its angles (172 and 397), over ``e``.

Each is given in standard deviations from the mean of heads drawn from the model, N(0, 1) in every mode.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from core.face_model.model import FaceModel
from core.geometry.alignment import align_similarity
from tests.benchmarks.heads_support.case import Head, face_model
from tests.benchmarks.support.ict_truth import now_region

MEASURES: Final = ("nose length", "nose tip", "chin", "jaw width")
_DRAWN: Final = 4000
_NOISE: Final = 5e-4  # metres between a head and the nearest one of the basis, a vertex
_ROUNDS: Final = 3


def measures(landmarks: Float[ndarray, "*heads 478 3"]) -> Float[ndarray, "*heads 4"]:
    """``MEASURES`` of heads, as fractions of the distance of the eyes' outer corners."""
    at = lambda index: landmarks[..., index, :]  # noqa: E731
    across = at(263) - at(33)
    size = np.linalg.norm(across, axis=-1)
    mouth = (at(61) + at(291)) / 2
    normal = np.cross(at(33) - mouth, across)  # mouth to the right eye, then to the left: towards the back
    normal = -normal / np.linalg.norm(normal, axis=-1, keepdims=True)
    wings = (at(98) + at(327)) / 2
    found = (
        np.linalg.norm(at(168) - at(2), axis=-1),
        np.linalg.norm(at(1) - wings, axis=-1),
        ((at(199) - mouth) * normal).sum(-1),
        np.linalg.norm(at(172) - at(397), axis=-1),
    )
    return np.stack(found, axis=-1) / size[..., None]


def deviations(head: Head) -> dict[str, float]:
    """Each of ``MEASURES`` of a head, in standard deviations of the model's heads."""
    mean, spread = _distribution()
    own = measures(head.model.landmarks(head.neutral).astype(np.float64))
    return dict(zip(MEASURES, ((own - mean) / spread).tolist(), strict=True))


def mahalanobis(head: Head) -> float:
    """Root mean square of the head's identity coefficients; heads of the model have 1.

    The coefficients are those most likely by N(0, 1) and by ``_NOISE`` a vertex of the face, after a
    similarity onto the head that they give.
    """
    model, face = head.model, _face(head.model)
    basis = model.identity_basis[:, face].reshape(len(model.identity_basis), -1).astype(np.float64)
    system = basis @ basis.T / _NOISE**2 + np.eye(len(basis))
    own, even = head.neutral[face].astype(np.float64), np.ones(len(face))
    mean = model.template[face].astype(np.float64)
    identity = np.zeros(len(basis))
    for _ in range(_ROUNDS):
        target = mean + (identity @ basis).reshape(-1, 3)
        scale, rotation, translation = align_similarity(own, target, even)
        off = scale * own @ rotation.T + translation - mean
        identity = np.linalg.solve(system, basis @ off.ravel() / _NOISE**2)
    return float(np.sqrt(np.square(identity).mean()))


def face_spread(neutrals: Float[ndarray, "heads vertices 3"]) -> float:
    """Root mean square distance in millimetres of heads' faces from their mean, after similarities."""
    face = _face(face_model())
    parts = neutrals[:, face].astype(np.float64)
    mean, even = parts[0], np.ones(len(face))
    placed = parts
    for _ in range(_ROUNDS):
        scale, rotation, translation = align_similarity(parts, mean, even)
        placed = scale[:, None, None] * parts @ rotation.transpose(0, 2, 1) + translation[:, None]
        mean = placed.mean(axis=0)
    return 1e3 * float(np.sqrt(np.square(placed - mean).sum(axis=-1).mean()))


def _face(model: FaceModel) -> ndarray:
    """Vertices of the face's skin."""
    near = now_region(model.landmarks(model.template), model.template)
    return np.flatnonzero(near & model.region_mask("skin"))


@lru_cache
def _distribution() -> tuple[ndarray, ndarray]:
    model = face_model()
    corners = model.triangles[model.landmark_triangles]
    basis = np.einsum("lk,mlkd->mld", model.landmark_barycentrics, model.identity_basis[:, corners])
    drawn = np.random.default_rng(0).standard_normal((_DRAWN, len(basis)))
    heads = model.landmarks(model.template) + np.tensordot(drawn, basis, axes=1)
    found = measures(heads)
    return found.mean(axis=0), found.std(axis=0)
