"""A commune's annual review of 2022, step by step: what integration tests and benchmarks drive through the engine."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import TYPE_CHECKING, Any

from rasoat.deadlines.releases import calendar
from rasoat.engine.service import CaseOpening, Engine
from rasoat.engine.values import SYSTEM, Actor, ActRequest, Mandate
from rasoat.foundation.clock import LEGAL_ZONE, FrozenClock
from rasoat.foundation.ids import CountingIds
from rasoat.persistence.database import Database
from rasoat.persistence.migrating import upgrade
from rasoat.persistence.rounds import RoundRow, insert_round
from rasoat.workflows.library import WorkflowLibrary

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from rasoat.engine.service import Outcome
    from rasoat.foundation.ids import IdSource
    from rasoat.persistence.database import Tx

__all__ = ["BEATS", "COMMUNE", "DISTRICT", "STARTED", "Beat", "Review", "commune", "officials"]

DISTRICT = "42/446"
COMMUNE = "42/446/18766"
STARTED = date(2022, 9, 26)
WORKFLOW = "annual@2022"
_MINUTES = {
    "attendees": 90, "in_favour": 85, "copies": 2,
    "signed_by_chair": True, "signed_by_secretary": True, "signed_by_households": True,
}  # fmt: skip


def officials(district: str = DISTRICT) -> Actor:
    """One actor who holds every office below and in a district: who may do what is tested elsewhere."""
    offices = ("committee", "enumerator", "commune_chair", "village_head", "superior_chair")
    return Actor("cb01", tuple(Mandate(office, district) for office in offices), everywhere=frozenset(offices))


def commune(number: int) -> str:
    """Path of one of the benchmark's communes."""
    return f"{DISTRICT}/{20_000 + number}"


def _survey_row(case_id: int) -> dict[str, Any]:
    b1, b2 = 90 + case_id % 90, 10 * (case_id % 7)
    return {"b1": b1, "b2": b2, "area": "rural", "respondent": "head", "surveyor": "rsv1"}


@dataclass(frozen=True, slots=True)
class Beat:
    """One act of the review's plain course: on which day, with which form, entered at which hour."""

    trigger: str
    day: date
    body: dict[str, Any] = field(default_factory=dict)
    row: Callable[[int], dict[str, Any]] | None = None
    entered: datetime | None = None

    def at(self) -> datetime:
        """The instant at which the act is entered."""
        return self.entered or datetime.combine(self.day, time(17), tzinfo=LEGAL_ZONE)

    def request(self, ids: Sequence[int], **more: Any) -> ActRequest:
        """The act, asked for over `ids`."""
        actor = SYSTEM if self.trigger == "posting_ended" else officials()
        rows = {} if self.row is None else {i: self.row(i) for i in ids}
        return ActRequest(self.trigger, tuple(ids), self.day, actor, **{"body": self.body, "rows": rows, **more})


BEATS = (
    Beat("list_managed", date(2022, 9, 27)),
    Beat("survey", date(2022, 10, 3), row=_survey_row),
    Beat("meet", date(2022, 10, 10), _MINUTES),
    Beat("post", date(2022, 10, 24), {"at_commune_office": True, "at_village_house": True}),
    Beat("posting_ended", date(2022, 10, 27), entered=datetime(2022, 10, 28, 0, 5, tzinfo=LEGAL_ZONE)),
    Beat("summarise", date(2022, 10, 28)),
    Beat("report", date(2022, 10, 31), {"number": "31/BC-UBND"}),
    Beat("receive_report", date(2022, 11, 1)),
    Beat("give_opinion", date(2022, 11, 4), {"number": "412/UBND-LĐTBXH"}),
    Beat("recognise", date(2022, 11, 7), {"number": "77/QĐ-UBND", "opinion": "412/UBND-LĐTBXH"}),
)


class Review:
    """A database at the head of its schema and an engine on a clock that moves with the acts."""

    def __init__(
        self, database: Database, *, ids: IdSource | None = None, library: WorkflowLibrary | None = None
    ) -> None:
        self.database = database
        self.clock = FrozenClock(datetime.combine(STARTED, time(8), tzinfo=LEGAL_ZONE))
        self.engine = Engine(
            library or WorkflowLibrary(),
            lambda day, unit: calendar(as_known_on=day, unit=unit),
            self.clock,
            ids if ids is not None else CountingIds(),
        )

    @classmethod
    def start(cls, url: str, *, ids: IdSource | None = None, **options: Any) -> Review:
        """Open `url`, bring it to the head of the schema, and be ready to open rounds."""
        database = Database.open(url, **options)
        upgrade(database)
        return cls(database, ids=ids)

    def open_round(self, number: int, villages: int, households: int, path: str = COMMUNE) -> list[int]:
        """Open a commune's round with `households` managed households in each village; return the case ids."""
        with self.database.begin() as tx:
            insert_round(tx, self._round(number, path))
            return self.engine.open_cases(tx, number, list(_openings(number, villages, households, path)))

    def fire(self, beat: Beat, ids: Sequence[int], **more: Any) -> Outcome:
        """Do one act in a transaction of its own, at the hour it is entered."""
        self.move_to(beat)
        with self.database.begin() as tx:
            return self.engine.fire_many(tx, beat.request(ids, **more))

    def fire_in(self, tx: Tx, beat: Beat, ids: Sequence[int], **more: Any) -> Outcome:
        """Do one act in the caller's transaction."""
        self.move_to(beat)
        return self.engine.fire_many(tx, beat.request(ids, **more))

    def move_to(self, beat: Beat) -> None:
        """Let the clock stand at the hour of `beat`, or where it is if that has passed."""
        if beat.at() > self.clock.now():
            self.clock.move_to(beat.at())

    def run(self, beats: Iterable[Beat], ids: Sequence[int]) -> None:
        """Do acts one after the other to the same cases; each must move all of them."""
        for beat in beats:
            outcome = self.fire(beat, ids)
            assert len(outcome.accepted) == len(ids), (beat.trigger, outcome.refused[:3])

    def _round(self, number: int, path: str) -> RoundRow:
        return RoundRow(number, f"R{number}", WORKFLOW, path, STARTED, date(2022, 12, 14), None, self.clock.now())


def _openings(number: int, villages: int, households: int, path: str) -> Iterable[CaseOpening]:
    for village in range(villages):
        for i in range(households):
            household = number * 1_000_000 + village * households + i
            before = "poor" if i % 2 else "near_poor"
            yield CaseOpening(household, f"{path}/{village + 1:02d}", before, STARTED, {"origin": "managed"})
