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
from scipy.linalg import block_diag
from scipy.spatial.transform import Rotation

from core.arkit import ARKIT_NAMES
from core.fitting.arrow import Part, solve_arrow
from core.fitting.landmark_terms import TONGUE
from core.fitting.lens import SharedLens, shared_lenses
from core.fitting.point_terms import POSE, ZOOM, PointResiduals, PointTerms, PointWeights
from core.fitting.points import LinearPoints, PointView
from core.fitting.types import PhotoFit
from core.workers import map_threads


class PointSolver:
    """Minimises the energy; ``views`` and ``identity`` hold the present solution.

    Args:
        views: each with its start and with what is believed of its photo.
        identity: to start from.
        prior: mean and precision of the identity; N(0, 1) where not given.

    Photos of one camera are held to a lens that they share, see ``core.fitting.lens``.
    """

    def __init__(
        self,
        points: LinearPoints,
        views: Sequence[PointView],
        identity: Float[ndarray, "identity"],
        weights: PointWeights,
        prior: tuple[Float[ndarray, "identity"], Float[ndarray, "identity identity"]] | None = None,
    ) -> None:
        self.weights, self.identity = weights, identity
        self._lenses = shared_lenses([view.seen for view in views], [view.focal_prior for view in views])
        self.views = _tied(list(views), self._lenses)
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
        cost = self._cost(self.identity, self._lenses, self.views, residuals)
        for done in range(iterations):
            progress(done / iterations)
            tried_identity, lenses, tried = self._apply(self._step(damping, residuals))
            tried_residuals = self._residuals(tried_identity, tried)
            tried_cost = self._cost(tried_identity, lenses, tried, tried_residuals)
            if tried_cost < cost:
                settled = cost - tried_cost < enough * cost
                self.identity, self._lenses, self.views = tried_identity, lenses, tried
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
        self,
        identity: ndarray,
        lenses: Sequence[SharedLens],
        views: Sequence[PointView],
        residuals: Sequence[PointResiduals],
    ) -> float:
        """(x - m)ᵀ P (x - m) of the identity, ((log f - m) / σ)² of each lens, and the photos' terms."""
        apart = identity - self._prior_mean
        known = self.weights.identity * float(apart @ self._precision @ apart)
        known += sum(((lens.log_focal - lens.prior[0]) / lens.prior[1]) ** 2 for lens in lenses)
        return known + sum(map(self._terms.cost, views, residuals))

    def _step(self, damping: float, residuals: Sequence[PointResiduals]) -> tuple[ndarray, list[ndarray]]:
        """(H + damping diag H) d = -g: photos' unknowns within bounds, tied by identity and lenses alone."""
        own = POSE + len(ARKIT_NAMES)
        shared = self.weights.identity * self._precision
        slope = self.weights.identity * self._precision @ (self.identity - self._prior_mean)
        lens_of = {
            photo: (number, tie)
            for number, lens in enumerate(self._lenses)
            for photo, tie in zip(lens.photos, lens.ties, strict=True)
        }
        firm = np.diag([1 / lens.prior[1] ** 2 for lens in self._lenses])
        pull = np.array([(lens.log_focal - lens.prior[0]) / lens.prior[1] ** 2 for lens in self._lenses])
        parts = []
        pairs = zip(self.views, residuals, strict=True)
        found = map_threads(lambda pair: self._terms.normal_equations(*pair), pairs)
        for number, (view, (H, g)) in enumerate(zip(self.views, found, strict=True)):
            to_lenses = np.zeros((own, len(self._lenses)))
            if number in lens_of:  # ((log f_i - log f) / tie)²
                lens, tie = lens_of[number]
                to_lenses[ZOOM, lens] = -1 / tie**2
                firm[lens, lens] += 1 / tie**2
                pull[lens] += (self._lenses[lens].log_focal - view.log_focal) / tie**2
            shared, slope = shared + H[own:, own:], slope + g[own:]
            low, high = np.full(own, -np.inf), np.full(own, np.inf)
            low[POSE:], high[POSE:] = -view.expression, 1 - view.expression
            low[POSE + TONGUE] = high[POSE + TONGUE] = 0
            to_shared = np.hstack([H[:own, own:], to_lenses])
            parts.append(Part(_damped(H[:own, :own], damping), to_shared, -g[:own], low, high))
        return solve_arrow(_damped(block_diag(shared, firm), damping), -np.append(slope, pull), parts)

    def _apply(
        self, step: tuple[ndarray, list[ndarray]]
    ) -> tuple[ndarray, list[SharedLens], list[PointView]]:
        modes = len(self.identity)
        lenses = [
            lens.at(lens.log_focal + float(change))
            for lens, change in zip(self._lenses, step[0][modes:], strict=True)
        ]
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
        return self.identity + step[0][:modes], lenses, _tied(moved, lenses)


def _tied(views: list[PointView], lenses: Sequence[SharedLens]) -> list[PointView]:
    """The views, those that share a lens held to it."""
    tied = list(views)
    for lens in lenses:
        for photo, tie in zip(lens.photos, lens.ties, strict=True):
            tied[photo] = replace(tied[photo], focal_prior=(lens.log_focal, tie))
    return tied


def _damped(H: ndarray, damping: float) -> ndarray:
    return H + np.diag(damping * np.diag(H))
