"""Who is in front of the camera: guessed at first, measured in the first good seconds, then held."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np
from jaxtyping import Float, Float32
from numpy import ndarray

from core.face_model.model import FaceModel
from core.rig import Rig
from core.tracking.clip_identity import (
    estimate_identity,
    head_points,
    spread_frames,
    upright_points,
    with_habit,
)
from core.tracking.performance import Belief, HeadPoints, PerformanceSolver
from core.tracking.prior import ExpressionPrior
from core.workers import one_library_thread

MEASURED_AT: Final = (1.0, 4.0, 12.0)
"""Seconds after the face was first seen at which the person is measured on all frames so far."""

_MOST: Final = 240  # frames that are kept; then every second one is let go, and half as many taken
_USUAL_FOCAL: Final = 1.2  # of the frame's longer side: a webcam's, until it is measured


@dataclass(frozen=True)
class Known:
    """What holds for every frame until more is known.

    Attributes:
        focal: pixels; the same for good once it was measured.
        reference: the person at rest, for the prior; none without one.
    """

    head: HeadPoints
    focal: float
    reference: Float[ndarray, "478 3"] | None
    centre: tuple[float, float]
    solver: PerformanceSolver

    def belief(
        self, landmarks: Float32[ndarray, "frames 478 3"], prior: ExpressionPrior | None
    ) -> Belief | None:
        """What the prior says of frames."""
        if prior is None or self.reference is None:
            return None
        return prior(landmarks, self.reference)


class PersonEstimate:
    """Keeps landmarks of the person and measures head, lens and rest on them, beside the tracking.

    Args:
        rig: of the person; its head is used, and only lens, rest and the landmark network's habits measured.
        beside: measure in a thread of its own; else within :meth:`add`, which then takes a second.
    """

    def __init__(
        self, model: FaceModel, rig: Rig | None, prior: ExpressionPrior | None, beside: bool = True
    ) -> None:
        self._model, self._prior = model, prior
        self._own = None if rig is None else head_points(model, rig.neutral, rig.shape_keys)
        self.head = self._own or head_points(model)  # the first guess
        self._kept: list[Float32[ndarray, "478 3"]] = []
        self._stride, self._seen = 1, 0
        self._first_time: float | None = None
        self._rounds = list(MEASURED_AT)
        self._pool = ThreadPoolExecutor(1, "person") if beside else None
        self._pending: Future[Known] | None = None
        self.known: Known | None = None

    def close(self) -> None:
        """Stop measuring."""
        if self._pool:
            self._pool.shutdown(wait=False, cancel_futures=True)

    def add(self, time: float, landmarks: Float32[ndarray, "478 3"], size: tuple[int, int]) -> bool:
        """Take in a frame that shows the face; whether something else is known from now on."""
        if self._first_time is None:
            self._first_time = time
        if self._seen % self._stride == 0:
            self._kept.append(landmarks)
        self._seen += 1
        if len(self._kept) > _MOST:
            self._kept, self._stride = self._kept[::2], 2 * self._stride
        if self.known is None:
            self.known = self._guess(landmarks, size)
            return True
        if self._pending is None and self._rounds and time - self._first_time >= self._rounds[0]:
            self._rounds.pop(0)
            self._pending = self._begin(partial(self._measure, np.array(self._kept), size))
        if self._pending is not None and self._pending.done():
            self.known, self._pending = self._pending.result(), None
            return True
        return False

    def _begin(self, work: Callable[[], Known]) -> Future[Known]:
        if self._pool:
            return self._pool.submit(work)
        done: Future[Known] = Future()
        done.set_result(work())
        return done

    def _guess(self, landmarks: Float32[ndarray, "478 3"], size: tuple[int, int]) -> Known:
        reference = None if self._prior is None else self._prior.reference(landmarks[None])
        return _known(self.head, _USUAL_FOCAL * max(size), reference, size)

    @one_library_thread()
    def _measure(self, sample: Float32[ndarray, "frames 478 3"], size: tuple[int, int]) -> Known:
        fit = estimate_identity(self._model, list(sample[spread_frames(sample)]), size)
        head = self._own or upright_points(self._model, fit.identity)
        assert self.known is not None
        first = len(self._rounds) == len(MEASURED_AT) - 1
        focal = float(np.median([photo.camera.fx for photo in fit.photos])) if first else self.known.focal
        reference = None if self._prior is None else self._prior.reference(sample)
        rough = _known(head, focal, reference, size)
        shown = rough.solver.solve(sample, focal, rough.centre, rough.belief(sample, self._prior))
        return _known(with_habit(head, shown, focal), focal, reference, size)


def _known(
    head: HeadPoints, focal: float, reference: Float[ndarray, "478 3"] | None, size: tuple[int, int]
) -> Known:
    return Known(head, focal, reference, (size[0] / 2, size[1] / 2), PerformanceSolver(head))
