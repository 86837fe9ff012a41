"""Face models."""

from __future__ import annotations

from fastapi import APIRouter

from server.api.context import InContext
from server.api.errors import errors
from server.api.schemas import FaceModel, FaceModels

router = APIRouter(tags=["models"])


@router.get("/models", responses=errors())
def models(context: InContext) -> FaceModels:
    """The face models, the default first."""
    from core.face_model.providers import DEFAULT_MODEL
    from core.face_model.registry import list_models

    return FaceModels(
        models=[
            FaceModel(
                name=info.name,
                licence=info.licence,
                state=info.state,  # type: ignore[arg-type]  # face models know these three alone
                summary=f"from {info.source}" if info.source else "comes with Semblance",
                default=info.name == DEFAULT_MODEL,
            )
            for info in list_models()
        ]
    )
