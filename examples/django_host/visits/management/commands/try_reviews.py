"""`manage.py try_reviews`: what the example shows: commit keeps both rows, a refusal keeps neither."""

from datetime import UTC, date, datetime

from django.conf import settings
from django.core.management.base import BaseCommand

import engine
import notifications
from rasoat import FrozenClock, Household, Person, Rasoat
from visits.models import Visit
from visits.reviews import record_visit

START = date(2022, 9, 26)
UNITS = (("42", "province", None), ("446", "district", "42"), ("18766", "commune", "446"), ("01", "village", "18766"))


class Command(BaseCommand):
    """Open a case, record a visit twice."""

    def handle(self, *_args: object, **_options: object) -> None:
        """Run."""
        case_id = self._open_case()
        record_visit(case_id, "gặp chủ hộ", date(2022, 9, 27))
        Visit.objects.all().delete()
        try:
            record_visit(case_id, "lần thứ hai", date(2022, 9, 27))
        except ValueError as error:
            self.stdout.write(f"refused: {error}")
        self.stdout.write(f"visits kept: {Visit.objects.count()}")
        reviews = Rasoat.open(settings.RASOAT_URL, keys=settings.RASOAT_KEYS, create=False)
        view = reviews.case(case_id)
        reviews.close()
        self.stdout.write(f"state: {view.case.state}, events: {len(view.events)}")
        self.stdout.write(f"{engine.MARK}; {notifications.MARK}")

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
