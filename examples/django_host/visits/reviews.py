"""The engine on Django's own connection: one transaction for both rows, told of once they are kept."""

from collections.abc import Sequence
from datetime import date

from django.conf import settings
from django.db import connection, transaction

import notifications
from rasoat import Actor, ActRequest, Database, EventRow, Mandate, Outcome, Rasoat, key_provider

from .models import Visit

COMMITTEE = Actor("BCD-01", (Mandate("committee", "42/446/18766"),))


def on_our_connection() -> Rasoat:
    """Return the engine bound to the connection Django holds now; call it inside `transaction.atomic()`."""
    keys = key_provider(settings.RASOAT_KEYS, settings.RASOAT_URL)
    database = Database.around(connection.connection)
    reviews = Rasoat.bind(database, keys=keys, after_commit=transaction.on_commit)
    reviews.subscribe(tell)
    return reviews


def tell(events: Sequence[EventRow]) -> None:
    """Tell the host's people what is on record now; after a rollback Django calls nobody."""
    for event in events:
        notifications.send(f"{event.trigger}: {event.from_state} → {event.to_state}")


@transaction.atomic
def record_visit(case_id: int, note: str, day: date) -> Outcome:
    """Record a visit and list the household, both or neither."""
    Visit.objects.create(case_id=case_id, note=note)
    outcome = on_our_connection().fire(ActRequest("list_managed", (case_id,), day, COMMITTEE))
    if outcome.refused:
        raise ValueError(outcome.refused[0].reason.vi)
    return outcome
