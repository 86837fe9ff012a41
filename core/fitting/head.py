"""Photos of one person → their head, from coarse to fine."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from core.capture.masks import PersonMasker
from core.deformation.expressions import personalise_expressions
from core.deformation.interior import settle_neutral
from core.deformation.lips import LipSeal
from core.deformation.posed_contact import keep_inside
from core.errors import BadInput
from core.face_model.model import FaceModel
from core.fitting.dense import DenseFit, fit_dense
from core.fitting.face_belief import FaceBelief, forgetting, with_closed_bites
from core.fitting.face_surface import FaceSurface
from core.fitting.flow_fit import refine_by_flow
from core.fitting.joining import join_profiles, with_profiles, with_warnings
from core.fitting.landmark_solver import fit_landmarks
from core.fitting.lens import believable, origins
from core.fitting.lids import settle_lids
from core.fitting.people import among_people
from core.fitting.types import FittedHead, JoinedProfile, Observation, Profile
from core.fitting.upright import stand_upright
from core.progress import Progress, part
from core.workers import one_library_thread

EXPECTED_SECONDS = {"landmarks": 0.5, "surface": 1.5, "views": 2.0, "expressions": 0.6}


@one_library_thread()
def fit_head(
    model: FaceModel,
    observations: Sequence[Observation],
    progress: Progress | None = None,
    belief: FaceBelief | None = None,
    profiles: Sequence[Profile] = (),
) -> FittedHead:
    """One neutral head for all photos; expression, pose, lens and light for each.

    Args:
        observations: one per photo, of the same person.
        progress: must know the stages of ``EXPECTED_SECONDS``.
        belief: what networks say of the person and the photos.
        profiles: photos from the side, which join if the others explain them; see ``FittedHead.profiles``.

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
        began = 0.3 if profiles else 0.0
        with PersonMasker() as masker:
            joined = join_profiles(
                model, fine, observations, profiles, masker, progress=part(progress.update, 0.0, began)
            )
        # Seen from several sides, a face says more of its shape than the network knows.
        shown = replace(belief, identity=None, identity_std=None)
        refining = part(progress.update, began, 1.0)
        fine, joined = _refined(model, observations, fine, shown, joined, refining)
        belief = _without(belief, joined, len(observations))
        warnings = with_warnings(warnings, joined)
        _, observations = with_profiles(fine, observations, joined)
    with progress.stage("expressions"):
        of_basis = model.neutral(fine.identity.astype(np.float32))
        settled = settle_neutral(model, lips.closed(of_basis + fine.correction), of_basis)
        neutral, photos = stand_upright(model, settled, fine.photos)
        expressions = personalise_expressions(model, neutral)
    photos = [
        replace(photo, lens=lens, warnings=[*photo.warnings, *said])
        for photo, lens, said in zip(photos, origins(observations), warnings, strict=True)
    ]
    head = FittedHead(model, fine.identity, neutral, expressions, photos, joined)
    head = replace(head, photos=settle_lids(head, observations, belief))
    found = [photo.expression for photo in head.photos]
    neutral, expressions = keep_inside(model, neutral, expressions, found)
    return replace(head, neutral=neutral, expression_deltas=expressions)


def _refined(
    model: FaceModel,
    observations: Sequence[Observation],
    fit: DenseFit,
    belief: FaceBelief,
    joined: list[JoinedProfile],
    report: Callable[[float], None],
) -> tuple[DenseFit, list[JoinedProfile]]:
    """The fit refined by flow, with the profiles unless they keep it from being better, and those it has."""
    start, seen = with_profiles(fit, observations, joined)
    told = _without(belief, joined, len(observations))
    refined = refine_by_flow(model, seen, start, belief=told, progress=part(report, 0.0, 0.9))
    if not joined or refined is not start:
        return refined, joined
    alone = refine_by_flow(model, observations, fit, belief=belief, progress=part(report, 0.9, 1.0))
    return (refined, joined) if alone is fit else (alone, [])


def _without(belief: FaceBelief, joined: Sequence[JoinedProfile], count: int) -> FaceBelief:
    """The belief about so many photos, without what wrong landmarks made it say, and of the profiles too."""
    numbers = [each.profile.number for each in joined]
    doubtful = [number for number in numbers if number is not None]
    return forgetting(belief, doubtful, count, len(numbers) - len(doubtful)) if joined else belief
