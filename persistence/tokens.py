"""Service tokens: random secrets of programs, kept as hashes, with scopes, mandates and an end.

The secret has 256 random bits, so a plain SHA-256 of it cannot be searched for. It is shown once, at creation.
"""

from __future__ import annotations

import hmac
import json
import re
import secrets
from datetime import date
from hashlib import sha256
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import insert, select, update

from ..foundation.errors import InputError, NotFoundError
from ..foundation.messages import fault
from .canonical import canonical_json

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence
    from datetime import datetime

    from .database import Tx
    from .scoping import HoldsRole

__all__ = ["SCOPES", "TOKEN_START", "Holding", "NewToken", "ServiceToken", "create", "find", "revoke", "tokens"]

SCOPES = ("read", "act", "admin")
TOKEN_START = "rst_"  # noqa: S105  a mark by which secret scanners know a token, no secret
_SECRET_BYTES = 32
_WORKER = "system"  # who fires timers: nobody who holds a token
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:@-]{0,63}")
_WRITTEN = re.compile(r"rst_([0-9]{1,19})_([A-Za-z0-9_-]{43})")


class Holding(NamedTuple):
    """A role held in a unit, as a token carries it."""

    role: str
    unit_path: str
    valid_from: date | None = None
    valid_to: date | None = None


class ServiceToken(NamedTuple):
    """A token as it is kept. `acts_for` names the staff keys on whose behalf it may act (``*``: anybody's)."""

    id: int
    name: str
    digest: bytes
    scopes: tuple[str, ...]
    holdings: tuple[Holding, ...]
    acts_for: tuple[str, ...]
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None

    def valid(self, now: datetime) -> bool:
        """Whether the token opens anything at `now`."""
        return self.revoked_at is None and now < self.expires_at


class NewToken(NamedTuple):
    """What is asked for: whose token, what it opens, in which roles, on whose behalf, how long."""

    name: str
    scopes: Collection[str]
    holdings: Sequence[HoldsRole]
    acts_for: Sequence[str]
    expires_at: datetime


def create(
    tx: Tx, token_id: int, asked: NewToken, now: datetime, entropy: Callable[[int], str] = secrets.token_urlsafe
) -> tuple[ServiceToken, str]:
    """Write a new token; return it with the secret text, which is not kept. `InputError` for a faulty wish."""
    _check(asked, now)
    written = f"{TOKEN_START}{token_id}_{entropy(_SECRET_BYTES)}"
    held = tuple(Holding(h.role, h.unit_path, h.valid_from, h.valid_to) for h in asked.holdings)
    kept = tuple(scope for scope in SCOPES if scope in asked.scopes)
    token = ServiceToken(
        token_id, asked.name, _digest(written), kept, held, tuple(asked.acts_for), now, asked.expires_at, None
    )
    tx.execute(insert(tx.tables.service_token), _stored(token))
    return token, written


def find(tx: Tx, written: str, now: datetime) -> ServiceToken | None:
    """Return the valid token whose secret this is; None for every other text."""
    match = _WRITTEN.fullmatch(written)
    if match is None or int(match[1]) >= 2**63:
        return None
    table = tx.tables.service_token
    found = tx.select(select(table).where(table.c.id == int(match[1])))
    if not found:
        return None
    token = _read(found[0])
    return token if hmac.compare_digest(token.digest, _digest(written)) and token.valid(now) else None


def tokens(tx: Tx) -> list[ServiceToken]:
    """Return every token ever created, in order."""
    table = tx.tables.service_token
    return [_read(row) for row in tx.select(select(table).order_by(table.c.id))]


def revoke(tx: Tx, token_id: int, now: datetime) -> None:
    """Close a token for good; one that is revoked already stays as it is. `NotFoundError` if there is none."""
    table = tx.tables.service_token
    if not tx.select(select(table.c.id).where(table.c.id == token_id)):
        raise fault(NotFoundError, "token.none", token_id=token_id)
    open_one = (table.c.id == token_id, table.c.revoked_at.is_(None))
    tx.execute(update(table).where(*open_one).values(revoked_at=now))


def _check(asked: NewToken, now: datetime) -> None:
    for name in (asked.name, *(key for key in asked.acts_for if key != "*")):
        if not _NAME.fullmatch(name) or name == _WORKER:
            raise fault(InputError, "token.name", name=name)
    unknown = sorted(set(asked.scopes) - set(SCOPES))
    if unknown or not asked.scopes:
        raise fault(InputError, "token.scopes", scopes=", ".join(unknown) or "(none)", known=", ".join(SCOPES))
    if asked.expires_at <= now:
        raise fault(InputError, "token.expiry", now=now.isoformat(), expires=asked.expires_at.isoformat())


def _digest(written: str) -> bytes:
    return sha256(written.encode()).digest()


def _stored(token: ServiceToken) -> dict[str, Any]:
    return token._asdict() | {
        "scopes": canonical_json(list(token.scopes)).decode(),
        "holdings": canonical_json([_holding_out(h) for h in token.holdings]).decode(),
        "acts_for": canonical_json(list(token.acts_for)).decode(),
    }


def _read(row: Any) -> ServiceToken:
    found = ServiceToken(*row)
    return found._replace(
        digest=bytes(found.digest),
        scopes=tuple(json.loads(row.scopes)),
        holdings=tuple(_holding_in(h) for h in json.loads(row.holdings)),
        acts_for=tuple(json.loads(row.acts_for)),
    )


def _holding_out(holding: Holding) -> list[str | None]:
    days = (holding.valid_from, holding.valid_to)
    return [holding.role, holding.unit_path, *(day.isoformat() if day else None for day in days)]


def _holding_in(stored: list[str | None]) -> Holding:
    role, path, *days = stored
    return Holding(role or "", path or "", *(date.fromisoformat(day) if day else None for day in days))
