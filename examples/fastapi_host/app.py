"""A case-management app that records its own row and the engine's in one transaction.

Run: DATABASE_URL=sqlite:///host.db uvicorn app:app
"""

from __future__ import annotations

import os
from contextlib import asynccontextmanager
from datetime import date
from typing import TYPE_CHECKING

from fastapi import FastAPI, HTTPException
from pydantic import BaseModel
from sqlalchemy import Column, Integer, MetaData, String, Table
from sqlalchemy.exc import IntegrityError

from rasoat import Actor, ActRequest, Mandate, Rasoat

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

visits = Table(
    "visits",
    MetaData(),
    Column("id", Integer, primary_key=True),
    Column("household", String(64), nullable=False, unique=True),
    Column("note", String, nullable=False),
)


class Visit(BaseModel):
    """What the host's form sends."""

    household: str
    note: str
    day: date


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Open the engine with the app, close it with the app."""
    app.state.reviews = Rasoat.open(os.environ["DATABASE_URL"], keys=os.environ.get("RASOAT_KEYS"))
    visits.metadata.create_all(app.state.reviews.database.engine)
    yield
    app.state.reviews.close()


app = FastAPI(lifespan=lifespan)


@app.post("/visits")
def record_visit(visit: Visit) -> dict[str, str]:
    """Record a visit and list the household, both or neither."""
    reviews: Rasoat = app.state.reviews
    committee = Actor("BCD-01", (Mandate("committee", "42/446/18766"),))
    case_id = reviews.case(visit.household).case.id
    # The host's own transaction: a refusal raises, as does a row of the host's that cannot be, and neither row is kept.
    with reviews.database.engine.begin() as connection:
        request = ActRequest("list_managed", (case_id,), visit.day, committee)
        outcome = reviews.fire(request, connection=connection)
        if outcome.refused:
            raise HTTPException(409, {"code": outcome.refused[0].code, "reason": outcome.refused[0].reason.vi})
        try:
            connection.execute(visits.insert().values(household=visit.household, note=visit.note))
        except IntegrityError as error:
            raise HTTPException(409, {"code": "visited"}) from error
    return {"state": outcome.accepted[0].to_state}
