"""A person's own inbox: what the engine had to tell them. Nobody reads another's, but whom the credentials name."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from ...foundation.errors import InputError, PermissionDeniedError
from ...foundation.messages import fault
from ...persistence import inbox
from ...persistence.types import instant_from_text, instant_text
from ..asking import Acting, Paging, Reading, cursor_of, position_in
from ..offering import AS_TABLE, Page, listed, next_cursor

if TYPE_CHECKING:
    from ..desk import Session

__all__ = ["router"]

router = APIRouter(prefix="/v1/inbox", tags=["inbox"])
_Message = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{1,64}$")]


class InboxQuery(Paging):
    """What an inbox is narrowed to."""

    unread: bool = Field(default=False, description="Only what was not opened yet")


class LetterOut(BaseModel):
    """A message as its reader finds it."""

    id: str
    kind: str
    severity: str
    title: str
    text: str
    html: str
    created_at: datetime
    read_at: datetime | None


class ReadIn(BaseModel):
    """Messages that were opened."""

    model_config = ConfigDict(extra="forbid")

    messages: list[_Message] = Field(min_length=1, max_length=1_000)


class ReadOut(BaseModel):
    """How many of them were new to the reader, and how many messages are unread now."""

    read: int
    unread: int


class UnreadOut(BaseModel):
    """How many messages nobody has opened."""

    unread: int


@router.get("", response_model=Page[LetterOut], responses=AS_TABLE)
def letters(request: Request, session: Reading, asked: Annotated[InboxQuery, Query()]) -> Response:
    """List one's own messages, the newest first; a program reads that of an official its credentials name."""
    with session.facade.queries.read() as tx:
        rows = inbox.letters(
            tx, _address(session), unread_only=asked.unread, after=_after(asked.cursor), limit=asked.limit + 1
        )
    cursor = next_cursor(rows, asked.limit, lambda row: cursor_of(instant_text(row.created_at), row.message_id))
    return listed(request, LetterOut, [_out(row) for row in rows[: asked.limit]], cursor)


@router.get("/unread")
def unread(session: Reading) -> UnreadOut:
    """Count one's unread messages."""
    with session.facade.queries.read() as tx:
        return UnreadOut(unread=inbox.unread(tx, _address(session)))


@router.post("/read")
def read(session: Acting, asked: ReadIn) -> ReadOut:
    """Note that messages were opened; those of other inboxes are left alone."""
    with session.writing() as tx:
        new = inbox.mark_read(tx, _address(session), asked.messages, session.now)
        return ReadOut(read=new, unread=inbox.unread(tx, _address(session)))


def _address(session: Session) -> str:
    """Return whose inbox is meant; credentials that may act for anybody (``*``) open nobody's: they name no one."""
    whose = session.on_behalf_of
    if whose is None or whose == session.principal.key:
        return session.principal.key
    if whose not in session.principal.acts_for:
        raise fault(PermissionDeniedError, "mandate.inbox", key=session.principal.key, whose=whose)
    return whose


def _after(cursor: str | None) -> tuple[datetime, str] | None:
    found = position_in(cursor, str, str)
    if found is None:
        return None
    try:
        return instant_from_text(found[0]).astimezone(UTC), found[1]
    except (ValueError, OverflowError) as error:
        raise fault(InputError, "web.page_cursor") from error


def _out(row: inbox.InboxRow) -> LetterOut:
    return LetterOut(
        id=row.message_id, kind=row.kind, severity=row.severity, title=row.title, text=row.text, html=row.html,
        created_at=row.created_at, read_at=row.read_at,
    )  # fmt: skip
