"""The change feed: what happened, in order, from where the reader stopped."""

from __future__ import annotations

from datetime import UTC
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from ...foundation.errors import InputError
from ...foundation.messages import fault
from ...persistence.changes import START, Position, changes, settled_before
from ...persistence.replicas import shows, written_to
from ...persistence.types import instant_from_text, instant_text
from ..asking import Paging, Reading, cursor_of, position_in
from ..representations import ChangeOut

__all__ = ["router"]

router = APIRouter(prefix="/v1/changes", tags=["changes"])


class FeedPage(BaseModel):
    """Events in the order they are delivered; go on with `next` at any later time, even if `items` is empty."""

    items: list[ChangeOut]
    next: str | None = Field(description="Where to go on; null only before the very first event")


@router.get("")
def feed(session: Reading, asked: Annotated[Paging, Query()]) -> FeedPage:
    """Deliver every event of one's units once, in an order that never changes behind the reader's back.

    An event is delivered as soon as no earlier one can still be committed: at once on SQLite, within about a second
    on PostgreSQL unless another transaction is still running.
    """
    after, facade = _position(asked.cursor), session.facade
    with facade.database.read() as tx:
        before, written = settled_before(tx, session.now), written_to(tx)
    # What is settled the primary alone knows: a standby that does not show all of it yet would leave events out.
    with facade.queries.read() as tx:
        place = facade.queries if shows(tx, written) else facade.database
    with place.read() as tx:
        rows = changes(tx, session.scope, after, before, limit=asked.limit)
    return FeedPage(
        items=[ChangeOut.of(row) for row in rows], next=_written(rows[-1].position) if rows else asked.cursor
    )


def _position(cursor: str | None) -> Position:
    found = position_in(cursor, str, int, int)
    if found is None:
        return START
    try:
        return Position(instant_from_text(found[0]).astimezone(UTC), found[1], found[2])
    except (ValueError, OverflowError) as error:
        raise fault(InputError, "web.feed_cursor") from error


def _written(position: Position) -> str | None:
    if position.recorded_at is None:
        return None
    return cursor_of(instant_text(position.recorded_at), position.case_id, position.seq)
