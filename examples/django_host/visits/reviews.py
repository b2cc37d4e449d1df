"""The engine on Django's own connection: one transaction for the host's row and the engine's."""

from datetime import date

from django.conf import settings
from django.db import connection, transaction

from rasoat import Actor, ActRequest, Database, Mandate, Outcome, Rasoat
from rasoat.persistence.keys import key_provider

from .models import Visit

COMMITTEE = Actor("BCD-01", (Mandate("committee", "42/446/18766"),))


def on_our_connection() -> Rasoat:
    """Return the engine bound to the connection Django holds now; call it inside `transaction.atomic()`."""
    keys = key_provider(settings.RASOAT_KEYS, settings.RASOAT_URL)
    return Rasoat.bind(Database.around(connection.connection), keys=keys)


@transaction.atomic
def record_visit(case_id: int, note: str, day: date) -> Outcome:
    """Record a visit and list the household, both or neither."""
    Visit.objects.create(case_id=case_id, note=note)
    outcome = on_our_connection().fire(ActRequest("list_managed", (case_id,), day, COMMITTEE))
    if outcome.refused:
        raise ValueError(outcome.refused[0].reason.vi)
    return outcome
