"""How requests ask: who for, which page, in which form; and the plain words that parameters may be."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Annotated, Any

from fastapi import Depends, Header, Request
from fastapi.security import HTTPBearer
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from ..foundation.errors import InputError, NotFoundError
from ..foundation.messages import fault
from .desk import Desk, Session
from .problems import ProblemError

__all__ = [
    "Acting",
    "Administering",
    "Born",
    "Code",
    "Day",
    "IdText",
    "IdentityNumber",
    "Instant",
    "Key",
    "OneLine",
    "Paging",
    "Reading",
    "UnitPath",
    "WorkflowId",
    "cursor_of",
    "desk_of",
    "id_of",
    "is_known",
    "position_in",
    "version_in",
]

_LARGEST_ID = 2**63 - 1
_SPOKEN_FOR = Annotated[
    str | None,
    Header(
        alias="Rasoat-On-Behalf-Of",
        description="Staff key of the official for whom the caller acts; the credentials must say so.",
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._:@|-]{0,63}$",
    ),
]
_bearer = HTTPBearer(auto_error=False, description="An OpenID provider's token, or a service token (rst_…).")

UnitPath = Annotated[
    str, StringConstraints(pattern=r"^[0-9A-Za-z.-]{1,24}(/[0-9A-Za-z.-]{1,24}){0,3}$", max_length=100)
]
Key = Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z_.-]{1,32}$")]
WorkflowId = Annotated[str, StringConstraints(pattern=r"^[0-9a-z-]{1,40}@[0-9a-z-]{1,20}$")]
Code = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f/]{1,64}$")]
OneLine = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]{1,500}$")]
Day = Annotated[date, Field(ge=date(1900, 1, 1), le=date(2999, 12, 31))]
"""A day that the calendar can reckon with, and whose end there is."""
Instant = Annotated[AwareDatetime, Field(ge=datetime(1900, 1, 1, tzinfo=UTC), le=datetime(2999, 12, 31, tzinfo=UTC))]
Born = Annotated[str, StringConstraints(pattern=r"^[0-9]{4}(-[0-9]{2}(-[0-9]{2})?)?$")]
"""A birth as exact as it is known: 2001-05-17, 2001-05, 2001."""
IdentityNumber = Annotated[str, StringConstraints(pattern=r"^([0-9]{9}|[0-9]{12})$")]
IdText = Annotated[str, StringConstraints(pattern=r"^[0-9]{1,19}$")]


def desk_of(request: Request) -> Desk:
    """Return the application's desk."""
    found = request.app.state.desk
    if not isinstance(found, Desk):
        msg = "the application was not made by create_app"
        raise TypeError(msg)
    return found


def _session(scope: str) -> Callable[..., Session]:
    # The gate has looked at the credentials; the bearer is named here for the OpenAPI document.
    def session(request: Request, _: Annotated[object, Depends(_bearer)], on_behalf_of: _SPOKEN_FOR = None) -> Session:
        desk, principal = desk_of(request), request.state.principal
        principal.require(scope)
        principal.actor(on_behalf_of)
        return Session(desk, principal, on_behalf_of, desk.facade.clock.now())

    return session


Reading = Annotated[Session, Depends(_session("read"))]
Acting = Annotated[Session, Depends(_session("act"))]
Administering = Annotated[Session, Depends(_session("admin"))]


class Paging(BaseModel):
    """Which page of a list: `cursor` is what the page before named as `next`."""

    model_config = ConfigDict(extra="forbid")

    cursor: str | None = Field(None, max_length=400)
    limit: int = Field(100, ge=1, le=1_000)


def cursor_of(*position: str | int | None) -> str:
    """Return a position in a list as an opaque word."""
    written = json.dumps(position, separators=(",", ":"), ensure_ascii=False).encode()
    return base64.urlsafe_b64encode(written).decode().rstrip("=")


def position_in(cursor: str | None, *kinds: type) -> tuple[Any, ...] | None:
    """Read what `cursor_of` wrote, None at the beginning; `InputError` for any other text."""
    if cursor is None:
        return None
    try:
        written = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        found = json.loads(written)
    except (binascii.Error, ValueError, RecursionError) as error:
        raise _no_cursor() from error
    if not isinstance(found, list) or len(found) != len(kinds):
        raise _no_cursor()
    if not all(type(part) is kind and _storable(part) for part, kind in zip(found, kinds, strict=True)):
        raise _no_cursor()
    return tuple(found)


def id_of(written: str, what: str) -> int:
    """Return an identifier from its digits; `NotFoundError` if no row can have it."""
    if not written.isascii() or not written.isdecimal() or int(written) > _LARGEST_ID:
        raise fault(NotFoundError, "found.no_id", thing=what, written=written)
    return int(written)


def version_in(if_match: str | None) -> int | None:
    """Return the version a client read before, from ``If-Match: "7"``; None if it does not care."""
    if if_match is None or if_match.strip() == "*":
        return None
    word = if_match.strip()
    if word[:1] == word[-1:] == '"' and word[1:-1].isascii() and word[1:-1].isdecimal():
        return int(word[1:-1])
    raise ProblemError(412, "web.changed", detail='If-Match: expected one entity tag such as "7"')


def is_known(if_none_match: str | None, tag: str) -> bool:
    """Whether a client that sent ``If-None-Match`` has what bears this tag: one of several, weak or not, or any."""
    known = [each.strip().removeprefix("W/") for each in (if_none_match or "").split(",")]
    return tag in known or known == ["*"]


def _no_cursor() -> InputError:
    return InputError("cursor: not one that a page of this list named; leave it out to begin anew")


def _storable(part: object) -> bool:
    if isinstance(part, int):
        return 0 <= part <= _LARGEST_ID
    return isinstance(part, str) and "\x00" not in part and part.isprintable()
