"""All models that Semblance uses, by the registry that keeps them."""

from __future__ import annotations

from typing import Final

from core.errors import BadInput
from core.face_model.registry import FaceModels
from core.registered import Registry
from models.prior.registry import LandmarkPriors
from models.recognition import Recognisers
from models.registry import Networks

FACE_MODELS: Final[Registry] = FaceModels()
NETWORKS: Final[tuple[Registry, ...]] = (Networks(), Recognisers(), LandmarkPriors())
REGISTRIES: Final[tuple[Registry, ...]] = (FACE_MODELS, *NETWORKS)


def registry_of(name: str) -> Registry:
    """The registry that keeps a model.

    Raises:
        BadInput: there is no model of that name.
    """
    for registry in REGISTRIES:
        if name in registry.names:
            return registry
    known = ", ".join(name for registry in REGISTRIES for name in registry.names)
    raise BadInput(f"There is no model {name!r}.", f"Choose one of: {known}.")
