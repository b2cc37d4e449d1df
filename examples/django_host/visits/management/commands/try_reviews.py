"""`manage.py try_reviews`: what the example shows: a commit keeps both rows and is told, all else keeps neither."""

from datetime import UTC, date, datetime

from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import transaction

import engine
import notifications
from rasoat import FrozenClock, Household, Person, Rasoat
from visits.models import Visit
from visits.reviews import record_visit

START = date(2022, 9, 26)
UNITS = (("42", "province", None), ("446", "district", "42"), ("18766", "commune", "446"), ("01", "village", "18766"))


class HostError(Exception):
    """Something of the host's own goes wrong after the engine has written."""


class Command(BaseCommand):
    """Open a case; record a visit that the host then rolls back, one that is kept, one that is refused."""

    def handle(self, *_args: object, **_options: object) -> None:
        """Run."""
        case_id = self._open_case()
        try:
            with transaction.atomic():
                outcome = record_visit(case_id, "chưa xong", date(2022, 9, 27))
                self.stdout.write(f"inside: {outcome.accepted[0].to_state}")
                self._go_wrong()
        except HostError:
            self._show(case_id, "rolled back")
        record_visit(case_id, "gặp chủ hộ", date(2022, 9, 27))
        self._show(case_id, "committed")
        Visit.objects.all().delete()
        try:
            record_visit(case_id, "lần thứ hai", date(2022, 9, 27))
        except ValueError as error:
            self.stdout.write(f"refused: {error}")
        self._show(case_id, "refused")
        self.stdout.write(f"{engine.MARK}; {notifications.MARK}")

    def _go_wrong(self) -> None:
        raise HostError

    def _show(self, case_id: int, after: str) -> None:
        """Say what both sides have now, read on a connection that took no part."""
        reviews = Rasoat.open(settings.RASOAT_URL, keys=settings.RASOAT_KEYS, create=False)
        view = reviews.case(case_id)
        reviews.close()
        ours = f"state: {view.case.state}, events: {len(view.events)}"
        self.stdout.write(f"{after}: visits: {Visit.objects.count()}, {ours}, told: {len(notifications.SENT)}")

    def _open_case(self) -> int:
        clock = FrozenClock(datetime(2022, 9, 27, 3, tzinfo=UTC))
        reviews = Rasoat.open(settings.RASOAT_URL, keys=settings.RASOAT_KEYS, clock=clock)
        reviews.register_units(
            [{"code": c, "level": level, "name": c, "parent": p, "valid_from": START} for c, level, p in UNITS]
        )
        head = Person("Nguyễn Văn Mẫu", "chủ hộ", "1970-01-31", "male")
        reviews.register_households([Household("HB-001", "42/446/18766/01", (head,), "rural", "poor")])
        reviews.open_round("2022", "annual", "42/446/18766", START)
        opened = reviews.put_forward("2022", {"HB-001": {"origin": "managed"}}, START)
        reviews.close()
        return opened.case_ids["HB-001"]
