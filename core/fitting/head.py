"""Photos of one person → their head, from coarse to fine."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from core.face_model.model import FaceModel
from core.fitting.landmark_solver import fit_landmarks
from core.fitting.types import FittedHead, Observation
from core.progress import Progress

EXPECTED_SECONDS = {"landmarks": 1.0}


def fit_head(
    model: FaceModel, observations: Sequence[Observation], progress: Progress | None = None
) -> FittedHead:
    """One neutral head for all photos; expression, pose, lens and light for each.

    Args:
        observations: one per photo, of the same person.
        progress: must know the stages of ``EXPECTED_SECONDS``.

    Raises:
        BadInput: no observation is given.
    """
    progress = progress or Progress(EXPECTED_SECONDS)
    with progress.stage("landmarks"):
        coarse = fit_landmarks(model, observations)
    return FittedHead(
        model=model,
        identity=coarse.identity,
        neutral=model.neutral(coarse.identity.astype(np.float32)),
        expression_deltas=model.expression_deltas,
        photos=coarse.photos,
    )
