"""Webhook subscriptions: another system is told, by signed events at its own address, what officials are told."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Literal

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from ...foundation.errors import NotFoundError, PermissionDeniedError
from ...foundation.logs import Log
from ...foundation.messages import fault
from ...notifications.kinds import Kind
from ...notifications.model import DeliveryFailure
from ...notifications.webhooks import guard_for, secret_of
from ...persistence import webhooks
from ...persistence.webhooks import WebhookRow
from ..asking import Administering, IdText, Paging, UnitPath, cursor_of, id_of, position_in
from ..offering import AS_TABLE, Page, listed, next_cursor
from ..problems import ProblemError

if TYPE_CHECKING:
    from ...persistence.database import Tx
    from ..desk import Session

__all__ = ["router"]

log = Log("rasoat.web")
router = APIRouter(prefix="/v1/subscriptions", tags=["subscriptions"])
_Id = Annotated[IdText, Path(description="The subscription's identifier")]
_Url = Annotated[str, StringConstraints(pattern=r"^https?://[\x21-\x7e]{1,500}$")]


class SubscriptionIn(BaseModel):
    """Where to deliver, which units' facts, and of which kinds (none named: all)."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"url": "https://case.example/hooks", "unit": "42/446/18766", "kinds": ["breach"]}]
        },
    )

    url: _Url
    unit: UnitPath
    kinds: list[Kind] = Field(default_factory=list, max_length=20)


class StatusIn(BaseModel):
    """Whether facts are delivered; a paused subscription is told later what it missed."""

    model_config = ConfigDict(extra="forbid")

    status: Literal["active", "paused"]


class SubscriptionOut(BaseModel):
    """A subscription. `delivered_through` is when the last fact it was looked at for was written."""

    id: str
    owner: str
    url: str
    unit: str
    kinds: list[str]
    status: str
    created_at: datetime
    delivered_through: datetime

    @classmethod
    def of(cls, row: WebhookRow) -> SubscriptionOut:
        """Return a subscription as JSON shows it; its secret is not part of it."""
        return cls(
            id=str(row.id), owner=row.owner, url=row.url, unit=row.unit_path, kinds=list(row.kinds),
            status=row.status, created_at=row.created_at, delivered_through=row.seen_at,
        )  # fmt: skip


class SubscriptionMade(SubscriptionOut):
    """A new subscription with its secret, which is shown this once (Standard Webhooks, ``whsec_…``)."""

    secret: str


class SecretOut(BaseModel):
    """A new secret, shown this once; for a day the one before signs too."""

    secret: str


@router.post("", status_code=201)
def subscribe(session: Administering, asked: SubscriptionIn) -> SubscriptionMade:
    """Subscribe to what is told about a unit and all below it, from now on; the secret is shown this once."""
    if not session.scope.covers(asked.unit):
        raise fault(PermissionDeniedError, "mandate.unit", unit=asked.unit)
    _require_reachable(session, asked.url)
    (new_id,) = session.facade.ids.take(1)
    kinds = tuple(dict.fromkeys(asked.kinds))
    row = WebhookRow(
        new_id, session.principal.key, asked.url, asked.unit, kinds, "active", session.now, 1, session.now,
        session.now, "",
    )  # fmt: skip
    with session.writing() as tx:
        webhooks.keep(tx, row)
    secret = secret_of(session.facade.vault, row.id, row.secret_number)
    return SubscriptionMade(**SubscriptionOut.of(row).model_dump(), secret=secret)


@router.get("", response_model=Page[SubscriptionOut], responses=AS_TABLE)
def subscriptions(request: Request, session: Administering, asked: Annotated[Paging, Query()]) -> Response:
    """List the subscriptions to one's units, by identifier."""
    (after,) = position_in(asked.cursor, int) or (0,)
    with session.facade.database.read() as tx:
        rows = webhooks.webhooks(tx, session.scope, after=after, limit=asked.limit + 1)
    cursor = next_cursor(rows, asked.limit, lambda row: cursor_of(row.id))
    return listed(request, SubscriptionOut, [SubscriptionOut.of(row) for row in rows[: asked.limit]], cursor)


@router.get("/{subscription_id}")
def subscription(session: Administering, subscription_id: _Id) -> SubscriptionOut:
    """Show one subscription."""
    with session.facade.database.read() as tx:
        return SubscriptionOut.of(_seen(tx, session, subscription_id))


@router.patch("/{subscription_id}")
def pause_or_go_on(session: Administering, subscription_id: _Id, asked: StatusIn) -> SubscriptionOut:
    """Pause a subscription, or let it go on with what it has missed."""
    with session.writing() as tx:
        row = _seen(tx, session, subscription_id)
        webhooks.change(tx, row.id, status=asked.status)
    return SubscriptionOut.of(row._replace(status=asked.status))


@router.post("/{subscription_id}/secret", status_code=201)
def new_secret(session: Administering, subscription_id: _Id) -> SecretOut:
    """Give a subscription a new secret, shown this once."""
    with session.writing() as tx:
        row = _seen(tx, session, subscription_id)
        number = row.secret_number + 1
        webhooks.change(tx, row.id, secret_number=number, rotated_at=session.now)
    return SecretOut(secret=secret_of(session.facade.vault, row.id, number))


@router.delete("/{subscription_id}", status_code=204)
def unsubscribe(session: Administering, subscription_id: _Id) -> None:
    """End a subscription; what is queued for it is not sent any more."""
    with session.writing() as tx:
        webhooks.remove(tx, _seen(tx, session, subscription_id).id)


def _seen(tx: Tx, session: Session, written: str) -> WebhookRow:
    found = webhooks.webhook(tx, id_of(written, "subscription"))
    if found is None or not session.scope.covers(found.unit_path):
        raise fault(NotFoundError, "found.no_subscription", written=written)
    return found


def _require_reachable(session: Session, url: str) -> None:
    networks = session.desk.settings.subscriber_networks
    try:
        guard_for(networks).check_url(url, ("https", "http") if networks else ("https",))
    except DeliveryFailure as failure:
        # Where a name leads inside the installation's own network is told in its log, not to who asks.
        log.info("subscription_address_refused", owner=session.principal.key, why=str(failure))
        raise ProblemError(422, "web.address") from None
