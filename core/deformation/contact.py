"""Skin that is pushed off what it must not enter, and bends as little as that allows.

Of all displacements δ that lift every corner of an overlap (``core.geometry.overlaps``) to a clearance c, the
one of the least energy:

    min ½ Σ_d δ_dᵀ K δ_d   subject to   h_i + n_i · Σ_v w_iv δ_v ≥ c

Its dual has one number for each corner, how hard it is pushed: δ = K⁻¹ Wᵀ (λ n) with

    λ ≥ 0,   A λ + h - c ≥ 0,   λ · (A λ + h - c) = 0,   A_ij = (n_i · n_j) (W K⁻¹ Wᵀ)_ij

which projected Gauss-Seidel solves (Erleben 2013, "Numerical Methods for Linear Complementarity Problems in
Physics-Based Animation", section 5.1). Corners that the others push far enough do not enter.
"""

from __future__ import annotations

from typing import Final, no_type_check

import numpy as np
from jaxtyping import Float, Int
from numba import njit
from numpy import ndarray
from scipy.sparse import csc_matrix, csr_matrix

from core.geometry.overlaps import Overlaps

_ROUNDS: Final = 6  # in which corners enter that pushing the others has brought too low
_SWEEPS: Final = 150
_SOFTNESS: Final = 1e-6  # of the mean of A's diagonal: corners that say the same twice
_ENOUGH: Final = 0.5  # of the clearance, which need not be met to the last


class Yielding:
    """Vertices that yield, with what their displacements cost.

    Args:
        stiffness: (own, own), positive definite: the energy of a displacement along one axis is ½ δᵀ K δ.
        own: the vertices.
        count: of all vertices.
    """

    def __init__(self, stiffness: csc_matrix, own: Int[ndarray, " own"], count: int) -> None:
        self._follow = np.linalg.inv(stiffness.toarray())
        self._place = np.full(count, -1)
        self._place[own] = np.arange(len(own))
        self._own = own

    def pushed(self, overlaps: Overlaps, clearance: float) -> Float[ndarray, "vertices 3"]:
        """Displacements that bring all corners up to the clearance, where the vertices can.

        Args:
            clearance: metres.
        """
        moves = np.zeros((len(self._place), 3))
        movable = (self._place[overlaps.vertices] >= 0).any(axis=1)
        overlaps = overlaps.where(movable)
        active = np.zeros(len(overlaps.height), bool)
        for _ in range(_ROUNDS):
            low = overlaps.raised(moves) < _ENOUGH * clearance
            if not low.any():
                break
            active |= low
            moves = self._solve(overlaps.where(active), clearance)
        return moves

    def _solve(self, corners: Overlaps, clearance: float) -> Float[ndarray, "vertices 3"]:
        place = self._place[corners.vertices]
        row = np.broadcast_to(np.arange(len(place))[:, None], place.shape)
        mine = place >= 0
        shape = (len(place), len(self._own))
        w = csr_matrix((corners.weights[mine], (row[mine], place[mine])), shape=shape)
        follow = w @ self._follow  # (K⁻¹ Wᵀ)ᵀ
        a = (w @ follow.T) * (corners.up @ corners.up.T)
        a[np.diag_indices(len(a))] += _SOFTNESS * a.diagonal().mean()
        force = _complementary(a, clearance - corners.height, _SWEEPS)
        moves = np.zeros((len(self._place), 3))
        moves[self._own] = follow.T @ (force[:, None] * corners.up)
        return moves


@njit(cache=True)
@no_type_check
def _complementary(a, wanted, sweeps):
    """The ``x`` ≥ 0 with a x ≥ wanted, and equal wherever x > 0."""
    x = np.zeros(len(wanted))
    enough = 1e-4 * np.abs(wanted).max()
    for _ in range(sweeps):
        worst = 0.0
        for i in range(len(x)):
            missing = wanted[i] - a[i] @ x
            step = max(missing / a[i, i], -x[i])
            x[i] += step
            worst = max(worst, abs(step) * a[i, i])
        if worst < enough:
            break
    return x
