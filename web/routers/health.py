"""Whether the service lives and may be given work (open to all), and figures for Prometheus."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel
from sqlalchemy.exc import SQLAlchemyError

from ...foundation.errors import StorageError
from ...persistence.migrating import require_current
from ..asking import Administering, desk_of
from ..problems import ProblemError

__all__ = ["open_router", "router"]

open_router = APIRouter(tags=["operations"])
router = APIRouter(tags=["operations"])


class Alive(BaseModel):
    """The answer of a health check."""

    status: Literal["ok"]


@open_router.get("/health/live")
async def live() -> Alive:
    """Say that the process answers."""
    return Alive(status="ok")


@open_router.get("/health/ready")
def ready(request: Request) -> Alive:
    """Say that the database answers and has this release's schema; 503 otherwise."""
    try:
        require_current(desk_of(request).facade.database)
    except (StorageError, SQLAlchemyError):
        raise ProblemError(503, "web.storage", retryable=True) from None
    return Alive(status="ok")


@router.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
def metrics(session: Administering) -> Response:
    """Return queue sizes, overdue counts, acts and request durations in Prometheus' text form."""
    return Response(session.desk.metrics.text(), media_type="text/plain; version=0.0.4")
