"""How people's heads vary, in anny's terms, from a model that was learnt from scans: makes what ships.

    python -m models.data.people

writes ``core/fitting/data/anny_people.npz`` for :mod:`core.fitting.people`. ICT-FaceKit (MIT; Li et al. 2020)
must have been added (``semblance models add ict``). Its heads are laid on anny's vertices
(:mod:`models.data.shared_identity`); what anny's basis cannot say of them is kept as modes of its own. The
prior is the Gaussian with the moments of a mixture, half anny's own heads and half ICT's, cut to the
coordinates that vary most on the face. Over skull and neck, of which the laid faces say nothing, each
coordinate is what anny's own heads usually have with such a face.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from scipy.sparse.linalg import splu
from scipy.spatial import cKDTree

from core.cache import write_atomically
from core.deformation.interior import settle_neutral
from core.face_model.laplacian import mesh_laplacian
from core.face_model.model import FaceModel
from core.face_model.registry import load_model
from models.data.shared_identity import LaidHeads, lay_heads

_BEYOND: Final = 48  # modes beyond anny's basis: 98 % of what it cannot say
_KEPT: Final = 120  # coordinates: as many as anny has, 99.6 % of the variance
_OWN_HEADS: Final = 0.5  # share of anny's own heads in the mixture
_SLACK: Final = 0.02  # variance of the modes beyond the basis that is not ICT's
_FAR: Final = 0.06  # metres from the face where what anny's heads do not explain has died away
# Metres on the face that count as one standard deviation, if it were a hundred points, when the rest of the
# head is drawn from it. With 3 mm and less skulls came out narrow at the top, like eggs.
_LOOSE: Final = 0.015
_POINTS: Final = 100


@dataclass(frozen=True)
class _Mixed:
    """A Gaussian of coefficients: anny's, then those of the modes beyond its basis."""

    mean: Float[ndarray, "all"]
    covariance: Float[ndarray, "all all"]


def learn_people(anny: FaceModel, other: FaceModel) -> dict[str, ndarray]:
    """The arrays of the file, see :func:`core.fitting.people.among_people`."""
    laid = lay_heads(anny, other)
    coefficients, beyond = _beyond(laid)
    on_face = np.concatenate([anny.identity_basis[:, laid.vertices], beyond])
    mixed = _mixture(np.concatenate([laid.identity, coefficients]), laid.covariance)
    factor, mean = _coordinates(on_face, laid.weight, mixed)
    moves = np.tensordot(factor.T, on_face, axes=1)
    usual = _usual_heads(anny, laid, moves)
    basis = np.stack([_over_head(anny, laid, *each) for each in zip(moves, usual, strict=True)])
    steps = np.abs(basis).max(axis=(1, 2)) / 32_767
    return {
        "mean": mean.astype(np.float32),
        "to_model": factor[: len(anny.identity_basis)].astype(np.float32),
        "basis": np.rint(basis / steps[:, None, None]).astype(np.int16),
        "steps": steps.astype(np.float32),
        "template": anny.template,
    }


def _beyond(laid: LaidHeads) -> tuple[Float[ndarray, "beyond fields"], Float[ndarray, "beyond points 3"]]:
    """Principal modes of what anny's basis leaves, and their coefficients (for 1, and ICT's own)."""
    weighted = (laid.left * np.sqrt(laid.weight)[:, None]).reshape(len(laid.left), -1)
    U, singular, _ = np.linalg.svd(weighted, full_matrices=False)
    coefficients = U[:, :_BEYOND] * singular[:_BEYOND]
    coefficients /= np.sqrt((coefficients**2).sum(axis=0))
    flat = laid.left.reshape(len(laid.left), -1)
    modes = np.linalg.lstsq(coefficients, flat, rcond=None)[0]
    return coefficients.T, modes.reshape(_BEYOND, -1, 3)


def _usual_heads(
    anny: FaceModel, laid: LaidHeads, moves: Float[ndarray, "kept points 3"]
) -> Float[ndarray, "kept vertices 3"]:
    """What anny's heads usually have with such faces: ridge regression on its basis, prior N(0, 1)."""
    each = np.sqrt(laid.weight * _POINTS / laid.weight.sum()) / _LOOSE
    known = (anny.identity_basis[:, laid.vertices] * each[:, None]).reshape(len(anny.identity_basis), -1)
    wanted = (moves * each[:, None]).reshape(len(moves), -1)
    coefficients = np.linalg.solve(known @ known.T + np.eye(len(known)), known @ wanted.T)
    return np.tensordot(coefficients.T, anny.identity_basis, axes=1)


def _over_head(
    anny: FaceModel,
    laid: LaidHeads,
    move: Float[ndarray, "points 3"],
    usual: Float[ndarray, "vertices 3"],
) -> Float[ndarray, "vertices 3"]:
    """A move of the face over the whole head: the usual one, and what the face has besides, dying away."""
    skin = anny.region_mask("skin")
    away, _ = cKDTree(anny.template[laid.vertices]).query(anny.template)
    fixed = ~skin | (away > _FAR)
    fixed[laid.vertices] = True
    free = np.flatnonzero(~fixed)
    besides = np.zeros((anny.vertex_count, 3))
    besides[laid.vertices] = move - usual[laid.vertices]
    bending = mesh_laplacian(anny)
    bending = (bending @ bending).tocsc()
    besides[free] = splu(bending[free][:, free].tocsc()).solve(-(bending[free] @ besides))
    ahead, back = (
        settle_neutral(anny, (anny.template + side * (usual + besides)).astype(np.float32), anny.template)
        for side in (1, -1)
    )
    return (ahead - back) / 2


def _mixture(laid: Float[ndarray, "all fields"], covariance: Float[ndarray, "modes modes"]) -> _Mixed:
    """Moments of a share p of N(0, 1) and 1 - p of N(m, S): p C + (1 - p) S + p (1 - p) m mᵀ about (1 - p) m.

    Args:
        laid: how the coefficients follow 1 and ICT's own, which are N(0, 1).
        covariance: of anny's coefficients when ICT's are known.
    """
    modes, p = len(covariance), _OWN_HEADS
    mean, slopes = laid[:, 0], laid[:, 1:]
    rest = np.diag(np.r_[np.zeros(modes), np.full(len(laid) - modes, _SLACK)])
    theirs = slopes @ slopes.T + rest
    theirs[:modes, :modes] += covariance
    own = rest + np.diag(np.r_[np.ones(modes), np.zeros(len(laid) - modes)])
    together = p * own + (1 - p) * theirs + p * (1 - p) * np.outer(mean, mean)
    return _Mixed((1 - p) * mean, together)


def _coordinates(
    on_face: Float[ndarray, "all points 3"], weight: Float[ndarray, "points"], mixed: _Mixed
) -> tuple[Float[ndarray, "all kept"], Float[ndarray, "kept"]]:
    """Coefficients ``F w`` for coordinates w of unit variance, those that move the face most; w's mean."""
    values, vectors = np.linalg.eigh(mixed.covariance)
    whole = vectors * np.sqrt(np.maximum(values, 1e-9))
    weighted = (on_face * np.sqrt(weight)[:, None]).reshape(len(on_face), -1)
    moves = whole.T @ weighted
    _, turns = np.linalg.eigh(moves @ moves.T)
    factor = whole @ turns[:, ::-1][:, :_KEPT]
    mean = np.linalg.lstsq((factor.T @ weighted).T, mixed.mean @ weighted, rcond=None)[0]
    return factor, mean


def main() -> None:
    """Write the file."""
    arrays = learn_people(load_model("anny"), load_model("ict"))
    file = Path(__file__).parents[2] / "core" / "fitting" / "data" / "anny_people.npz"
    write_atomically(file, lambda stream: np.savez_compressed(stream, **arrays))
    print(f"{file}: {file.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
