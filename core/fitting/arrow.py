"""Bounded steps of problems whose parts touch each other only through a few shared unknowns.

The matrix of such a problem is an arrow: a block for each part, the shared unknowns' block, and what ties
them. Eliminating the parts one by one leaves a small problem of the shared unknowns (Schur complement).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float
from numpy import ndarray
from scipy.linalg import cho_factor, cho_solve

_ROUNDS = 6  # of the active set: enough inside an outer iteration that starts again from the result


@dataclass(frozen=True)
class Part:
    """The unknowns of one part.

    Attributes:
        own: the part's block of the matrix.
        tie: its rows in the shared unknowns' columns.
        right: its share of the right-hand side.
        low, high: bounds of its unknowns.
    """

    own: Float[ndarray, "n n"]
    tie: Float[ndarray, "n shared"]
    right: Float[ndarray, "n"]
    low: Float[ndarray, "n"]
    high: Float[ndarray, "n"]


def solve_arrow(
    shared: Float[ndarray, "shared shared"], right: Float[ndarray, "shared"], parts: Sequence[Part]
) -> tuple[Float[ndarray, "shared"], list[Float[ndarray, "n"]]]:
    """The shared unknowns, which have no bounds, and those of each part within theirs.

    Bounds are kept by fixing what a free solution pushes past its bound, a few times over.

    Args:
        shared: their block of the matrix, which as a whole is symmetric.
        right: their right-hand side.

    Raises:
        numpy.linalg.LinAlgError: the matrix is not positive definite.
    """
    states = [_State(part) for part in parts]
    for _ in range(_ROUNDS):
        for state in states:
            state.eliminate()
        left = shared - sum(state.matrix for state in states)
        x = cho_solve(cho_factor(left), right - sum(state.vector for state in states))
        within = [state.put_back(x) for state in states]
        if all(within):
            break
    return x, [np.clip(state.x, state.part.low, state.part.high) for state in states]


class _State:
    """A part, which of its unknowns are free, and what it leaves to the shared ones."""

    matrix: Float[ndarray, "shared shared"]
    vector: Float[ndarray, "shared"]

    def __init__(self, part: Part) -> None:
        self.part = part
        self.free: Bool[ndarray, "n"] = part.high > part.low
        self.x = np.zeros(len(part.right))
        self._changed = True

    def eliminate(self) -> None:
        """The part's free unknowns as the shared ones leave them."""
        if not self._changed:
            return
        part, free, fixed = self.part, self.free, ~self.free
        tie = part.tie[free]
        right = part.right[free] - part.own[np.ix_(free, fixed)] @ self.x[fixed]
        self._solved = cho_solve(cho_factor(part.own[np.ix_(free, free)]), np.column_stack([tie, right]))
        eliminated = (torch.from_numpy(tie).T @ torch.from_numpy(self._solved)).numpy()  # see jacobian
        self.matrix = eliminated[:, :-1]
        self.vector = eliminated[:, -1] + part.tie[fixed].T @ self.x[fixed]

    def put_back(self, shared: Float[ndarray, "shared"]) -> bool:
        """Solve for the free unknowns, and fix those beyond their bounds; whether there were none."""
        part = self.part
        self.x[self.free] = self._solved[:, -1] - self._solved[:, :-1] @ shared
        beyond = self.free & ((self.x < part.low) | (self.x > part.high))
        self.x[beyond] = np.clip(self.x[beyond], part.low[beyond], part.high[beyond])
        self.free &= ~beyond
        self._changed = bool(beyond.any())
        return not self._changed
