"""django-fsm-2 on Django's own ORM: a protected field, one decorated method a transition."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.contenders.workload import CLOSES, DAY, OPENS, PAYLOAD, STATES, TRIGGERS, arrows

if TYPE_CHECKING:
    from collections.abc import Callable


def run(path: str, cases: int, at_once: int, begin: Callable[[], None]) -> int:
    import django
    from django.conf import settings
    from django.db import connection, models, transaction
    from django_fsm import FSMField, transition

    database = {"ENGINE": "django.db.backends.sqlite3", "NAME": path}
    settings.configure(
        DATABASES={"default": database}, INSTALLED_APPS=[], DEFAULT_AUTO_FIELD="django.db.models.AutoField"
    )
    django.setup()

    body = {"__module__": __name__, "state": FSMField(default=STATES[0])}
    body["Meta"] = type("Meta", (), {"app_label": "bench"})
    for name, source, target in arrows():
        body[name] = transition(field=body["state"], source=source, target=target)(_nothing(name))
    case_model = type("Case", (models.Model,), body)

    class History(models.Model):  # noqa: DJ008  nobody looks at it
        case = models.IntegerField(db_index=True)
        trigger = models.CharField(max_length=32)
        payload = models.TextField()

        class Meta:
            app_label = "bench"

    class Deadline(models.Model):  # noqa: DJ008  as above
        case = models.IntegerField(db_index=True)
        rule = models.CharField(max_length=32)
        due_on = models.CharField(max_length=10, db_index=True)
        closed = models.BooleanField(default=False)

        class Meta:
            app_label = "bench"

    with connection.cursor() as cursor:
        for pragma in ("journal_mode=WAL", "synchronous=FULL"):
            cursor.execute(f"PRAGMA {pragma}")
    with connection.schema_editor() as editor:
        for model in (case_model, History, Deadline):
            editor.create_model(model)
    case_model.objects.bulk_create([case_model(id=i + 1) for i in range(cases)])
    begin()
    for trigger in TRIGGERS:
        for first in range(1, cases + 1, at_once):
            with transaction.atomic():
                for case in case_model.objects.filter(id__range=(first, first + at_once - 1)):
                    getattr(case, trigger)()
                    case.save()
                    History.objects.create(case=case.id, trigger=trigger, payload=PAYLOAD)
                    if trigger in OPENS:
                        Deadline.objects.create(case=case.id, rule=OPENS[trigger], due_on=DAY)
                    if trigger in CLOSES:
                        open_ = Deadline.objects.get(case=case.id, rule=CLOSES[trigger], closed=False)
                        open_.closed = True
                        open_.save()
    assert case_model.objects.filter(state=STATES[-1]).count() == cases
    return cases * len(TRIGGERS)


def _nothing(name: str) -> Callable[[object], None]:
    def act(_self: object) -> None:
        return None

    act.__name__ = name
    return act
