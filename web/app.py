"""create_app: one ASGI application over one engine, alone or mounted under a prefix of a host's."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from anyio.to_thread import current_default_thread_limiter
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.responses import JSONResponse

from .desk import Desk
from .gate import Gate
from .problems import PROBLEM, Problem, install
from .routers import (
    acts,
    cases,
    corrections,
    deadlines,
    feed,
    health,
    households,
    inbox,
    migrations,
    past,
    people,
    planning,
    rounds,
    rulings,
    subscriptions,
    units,
    workflows,
)
from .settings import WebSettings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from .limits import Limiter
    from .ports import Facade, Registry

__all__ = ["ROUTERS", "create_app"]

ROUTERS = (
    units,
    households,
    people,
    rounds,
    cases,
    acts,
    corrections,
    past,
    deadlines,
    rulings,
    planning,
    workflows,
    migrations,
    feed,
    inbox,
    subscriptions,
)
"""The modules whose `router` stands behind the gate; a further family of routes joins here."""

_REASONS = {
    400: "The request cannot be read",
    401: "No valid credentials",
    403: "The credentials or mandates do not allow it",
    404: "There is none, or it lies outside the caller's mandates",
    406: "None of the media types asked for is offered",
    409: "Refused by law (code, reason, article), or somebody else was first",
    412: "The case is no longer at the version named",
    413: "Too large",
    422: "What was sent does not fit",
    429: "Too many requests; see Retry-After",
    503: "The database does not answer; try again",
}
_PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {
        "description": reason,
        "content": {PROBLEM: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
    for status, reason in _REASONS.items()
}


def create_app(
    facade: Facade,
    registry: Registry,
    settings: WebSettings | None = None,
    *,
    limiter: Limiter | None = None,
    version: str = "1",
) -> FastAPI:
    """Return the HTTP API over an engine: an ASGI application that may also be mounted under a prefix.

    `facade` is the engine (`rasoat.Rasoat`), `registry` reads household lists and changes who a household is.
    `rasoat.serving` gives both; see docs/http-api.md. `limiter` counts requests for several processes, if given.
    """
    desk = Desk(facade, registry, settings or WebSettings(), limiter)
    app = FastAPI(
        title="Rà soát hộ nghèo, hộ cận nghèo",
        version=version,
        summary="The case engine and the legal clock over HTTP.",
        openapi_url=None,  # told below, behind the gate like everything else
        docs_url=None,
        redoc_url=None,
        lifespan=_lifespan,
        responses=_PROBLEMS,
        redirect_slashes=False,
    )
    app.state.desk = desk
    install(app)
    app.include_router(health.open_router)
    app.include_router(health.router)
    for module in ROUTERS:
        app.include_router(module.router)
    app.add_api_route("/openapi.json", lambda: JSONResponse(_openapi(app)), include_in_schema=False)
    app.add_middleware(Gate, desk=desk)
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    threads = app.state.desk.settings.threads
    if threads is not None:
        current_default_thread_limiter().total_tokens = threads
    yield


def _openapi(app: FastAPI) -> dict[str, Any]:
    if app.openapi_schema is None:
        found = get_openapi(title=app.title, version=app.version, summary=app.summary, routes=app.routes)
        schemas = found.setdefault("components", {}).setdefault("schemas", {})
        problem = Problem.model_json_schema(ref_template="#/components/schemas/{model}", mode="serialization")
        schemas |= problem.pop("$defs", {})
        schemas["Problem"] = problem
        app.openapi_schema = found
    return app.openapi_schema
