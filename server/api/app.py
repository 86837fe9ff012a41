"""The application: routes behind the gate."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import APIRouter, Depends, FastAPI
from fastapi.security import HTTPBearer

from server.api.context import Context
from server.api.errors import handle_errors
from server.api.guard import Guard
from server.api.routes import files, models, preview, rigs, status
from server.api.routes.jobs import jobs_router
from server.version import version


def create_app(context: Context, token: str) -> FastAPI:
    """The server as an ASGI application. Its queue runs between startup and shutdown."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        context.queue.start()
        try:
            yield
        finally:
            context.queue.stop()
            context.painter.close()
            context.store.close()

    app = FastAPI(
        title="Semblance",
        version=version(),
        description="Photos in, a rigged head out. Every call needs `Authorization: Bearer TOKEN`.",
        openapi_url="/v1/openapi.json",
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
    )
    app.state.context = context
    bearer = HTTPBearer(auto_error=False)  # the gate checks it; this puts it into the OpenAPI document
    v1 = APIRouter(prefix="/v1", dependencies=[Depends(bearer)])
    for router in (
        status.router,
        models.router,
        files.router,
        jobs_router(context.kinds.values()),
        rigs.router,
    ):
        v1.include_router(router)
    app.include_router(v1)
    app.include_router(preview.router, prefix="/v1")  # OpenAPI knows no WebSockets
    handle_errors(app)
    app.add_middleware(Guard, settings=context.settings, token=token)
    return app
