"""Photos of one person → their head, from coarse to fine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from core.deformation.expressions import personalise_expressions
from core.deformation.interior import settle_neutral
from core.deformation.lips import LipSeal
from core.deformation.posed_contact import keep_inside
from core.errors import BadInput
from core.face_model.model import FaceModel
from core.fitting.dense import fit_dense
from core.fitting.face_belief import FaceBelief, with_closed_bites
from core.fitting.face_surface import FaceSurface
from core.fitting.flow_fit import refine_by_flow
from core.fitting.landmark_solver import fit_landmarks
from core.fitting.lens import believable, origins
from core.fitting.lids import settle_lids
from core.fitting.people import among_people
from core.fitting.types import FittedHead, Observation
from core.fitting.upright import stand_upright
from core.progress import Progress
from core.workers import one_library_thread

EXPECTED_SECONDS = {"landmarks": 0.5, "surface": 1.5, "views": 2.0, "expressions": 0.6}


@one_library_thread()
def fit_head(
    model: FaceModel,
    observations: Sequence[Observation],
    progress: Progress | None = None,
    belief: FaceBelief | None = None,
) -> FittedHead:
    """One neutral head for all photos; expression, pose, lens and light for each.

    Args:
        observations: one per photo, of the same person.
        progress: must know the stages of ``EXPECTED_SECONDS``.
        belief: what networks say of the person and the photos.

    Raises:
        BadInput: no observation is given.
        Cancelled: the user asked to stop.
    """
    if not observations:
        raise BadInput("There is no photo to fit.", "Give at least one photo with a face.")
    progress = progress or Progress(EXPECTED_SECONDS)
    observations, warnings = believable(observations)
    lips = LipSeal(model)
    model, people = among_people(model)
    model = replace(model, identity_basis=lips.sealed(model.identity_basis))
    belief = replace(belief or FaceBelief(), people=people)
    belief = with_closed_bites(belief, [seen.teeth_meet for seen in observations])
    with progress.stage("landmarks"):
        coarse = fit_landmarks(model, observations, belief=belief, progress=progress.update)
    with progress.stage("surface"):
        fine = fit_dense(
            FaceSurface(model), observations, coarse.identity, coarse.photos,
            belief=belief, progress=progress.update,
        )  # fmt: skip
    with progress.stage("views"):
        # Seen from several sides, a face says more of its shape than the network knows.
        shown = replace(belief, identity=None, identity_std=None)
        fine = refine_by_flow(model, observations, fine, belief=shown, progress=progress.update)
    with progress.stage("expressions"):
        of_basis = model.neutral(fine.identity.astype(np.float32))
        settled = settle_neutral(model, lips.closed(of_basis + fine.correction), of_basis)
        neutral, photos = stand_upright(model, settled, fine.photos)
        expressions = personalise_expressions(model, neutral)
    photos = [
        replace(photo, lens=lens, warnings=[*photo.warnings, *said])
        for photo, lens, said in zip(photos, origins(observations), warnings, strict=True)
    ]
    head = FittedHead(model, fine.identity, neutral, expressions, photos)
    head = replace(head, photos=settle_lids(head, observations, belief))
    found = [photo.expression for photo in head.photos]
    neutral, expressions = keep_inside(model, neutral, expressions, found)
    return replace(head, neutral=neutral, expression_deltas=expressions)
