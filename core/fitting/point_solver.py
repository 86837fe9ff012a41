"""Levenberg-Marquardt on places of surface points in photos.

Unknowns are one identity shared by all photos (CPEM eq. 3 with the constraint made exact) and for each photo
its pose, focal length and expression. The points are MediaPipe's landmarks (INORig eq. 9), followed by any
others whose places in the photos are known. DECA's closure term (eq. 6), exclusive units (CPEM eq. 4) and
sparse expressions in [0, 1] come with the landmarks. Milliseconds per photo.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from scipy.spatial.transform import Rotation

from core.arkit import ARKIT_NAMES
from core.fitting.arrow import Part, solve_arrow
from core.fitting.landmark_terms import TONGUE
from core.fitting.point_terms import POSE, PointResiduals, PointTerms, PointWeights
from core.fitting.points import LinearPoints, PointView
from core.fitting.types import PhotoFit
from core.workers import map_threads


class PointSolver:
    """Minimises the energy; ``views`` and ``identity`` hold the present solution.

    Args:
        views: each with its start and with what is believed of its photo.
        identity: to start from.
        prior: mean and precision of the identity; N(0, 1) where not given.
    """

    def __init__(
        self,
        points: LinearPoints,
        views: Sequence[PointView],
        identity: Float[ndarray, "identity"],
        weights: PointWeights,
        prior: tuple[Float[ndarray, "identity"], Float[ndarray, "identity"]] | None = None,
    ) -> None:
        self.weights = weights
        self.views, self.identity = list(views), identity
        self._terms = PointTerms(points, weights)
        self._prior_mean: ndarray
        self._precision: ndarray
        self._prior_mean, self._precision = prior or (np.zeros(len(identity)), np.eye(len(identity)))

    def run(
        self,
        iterations: int,
        enough: float = 1e-5,
        progress: Callable[[float], None] = lambda fraction: None,
    ) -> float:
        """Damped Gauss-Newton steps until one gains less than the fraction ``enough``; returns the energy."""
        damping = 1e-3
        residuals = self._residuals(self.identity, self.views)
        cost = self._cost(self.identity, self.views, residuals)
        for done in range(iterations):
            progress(done / iterations)
            tried_identity, tried = self._apply(self._step(damping, residuals))
            tried_residuals = self._residuals(tried_identity, tried)
            tried_cost = self._cost(tried_identity, tried, tried_residuals)
            if tried_cost < cost:
                settled = cost - tried_cost < enough * cost
                self.identity, self.views = tried_identity, tried
                residuals, cost = tried_residuals, tried_cost
                damping = max(damping / 5, 1e-8)
                if settled:
                    break
            else:
                damping *= 8
                if damping > 1e4:
                    break
        return cost

    def solve_poses(self, iterations: int = 8) -> None:
        """Bring the heads into place before their shapes are asked for."""
        rigid = self._terms.shape[:, :, :0]

        def placed(view: PointView) -> PointView:
            for _ in range(iterations):
                H, g = self._terms.measured(view, self._terms.residuals(self.identity, view), rigid)
                d = np.linalg.solve(H[:6, :6] * (1 + 1e-3 * np.eye(6)), -g[:6])
                turned = Rotation.from_rotvec(d[:3]).as_matrix() @ view.rotation
                view = replace(view, rotation=turned, translation=view.translation + d[3:6])
            return view

        self.views = map_threads(placed, self.views)

    def fits(self) -> list[PhotoFit]:
        """The photos as the present solution has them."""
        found = self._residuals(self.identity, self.views)
        return [view.fit(each.in_camera) for view, each in zip(self.views, found, strict=True)]

    def _residuals(self, identity: ndarray, views: Sequence[PointView]) -> list[PointResiduals]:
        return [self._terms.residuals(identity, view) for view in views]

    def _cost(
        self, identity: ndarray, views: Sequence[PointView], residuals: Sequence[PointResiduals]
    ) -> float:
        """(x - m)ᵀ P (x - m) of the identity, and the photos' terms."""
        apart = identity - self._prior_mean
        known = self.weights.identity * float(apart @ self._precision @ apart)
        return known + sum(map(self._terms.cost, views, residuals))

    def _step(self, damping: float, residuals: Sequence[PointResiduals]) -> tuple[ndarray, list[ndarray]]:
        """(H + damping diag H) d = -g: the photos' unknowns within bounds, tied by the identity alone."""
        own = POSE + len(ARKIT_NAMES)
        shared = self.weights.identity * self._precision
        slope = self.weights.identity * self._precision @ (self.identity - self._prior_mean)
        parts = []
        pairs = zip(self.views, residuals, strict=True)
        found = map_threads(lambda pair: self._terms.normal_equations(*pair), pairs)
        for view, (H, g) in zip(self.views, found, strict=True):
            shared, slope = shared + H[own:, own:], slope + g[own:]
            low, high = np.full(own, -np.inf), np.full(own, np.inf)
            low[POSE:], high[POSE:] = -view.expression, 1 - view.expression
            low[POSE + TONGUE] = high[POSE + TONGUE] = 0
            parts.append(Part(_damped(H[:own, :own], damping), H[:own, own:], -g[:own], low, high))
        return solve_arrow(_damped(shared, damping), -slope, parts)

    def _apply(self, step: tuple[ndarray, list[ndarray]]) -> tuple[ndarray, list[PointView]]:
        moved = [
            replace(
                view,
                rotation=Rotation.from_rotvec(d[:3]).as_matrix() @ view.rotation,
                translation=view.translation + d[3:6],
                log_focal=view.log_focal + float(d[6]),
                expression=np.clip(view.expression + d[POSE:], 0, 1),
            )
            for view, d in zip(self.views, step[1], strict=True)
        ]
        return self.identity + step[0], moved


def _damped(H: ndarray, damping: float) -> ndarray:
    return H + np.diag(damping * np.diag(H))
