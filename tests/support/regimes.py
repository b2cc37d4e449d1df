"""A commune's annual review that begins in June 2025 under the district and may end under the province."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time
from typing import TYPE_CHECKING, Any

from rasoat.api import Rasoat
from rasoat.engine.rounds import open_season_end
from rasoat.engine.values import Actor, ActRequest
from rasoat.foundation.clock import LEGAL_ZONE, FrozenClock
from rasoat.foundation.ids import CountingIds
from rasoat.persistence.keys import create_key_file
from rasoat.persistence.rounds import RoundRow, insert_round
from rasoat.registry import Household, Person

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from rasoat.engine.service import Outcome

__all__ = ["MINUTES", "NEW", "OLD", "ROUND", "STARTED", "JuneRound", "answers", "june_round"]

OLD, NEW = "42/446/18766", "42/18766"
STARTED = date(2025, 6, 2)
ROUND = "18766-2025-06"
_OFFICES = ("committee", "enumerator", "commune_chair", "village_head", "superior_chair")
MINUTES = {
    "attendees": 60, "in_favour": 55, "copies": 2,
    "signed_by_chair": True, "signed_by_secretary": True, "signed_by_households": True,
}  # fmt: skip
_POSTED = {"at_commune_office": True, "at_village_house": True}


def answers(case_id: int) -> dict[str, Any]:
    """Phiếu B of one household: poor, near-poor and neither, in turn."""
    b1, b2 = ((100, 40), (120, 10), (150, 0))[case_id % 3]
    return {"b1": b1, "b2": b2, "area": "rural", "respondent": "head", "surveyor": "rsv1"}


def june_round(
    engine: Rasoat, code: str, commune: str, started_on: date = STARTED, ends_on: date | None = None
) -> None:
    """Write an annual round of June 2025 past the front door, which opens none outside 01/9–14/12."""
    row = RoundRow(engine.ids.take(1)[0], code, "annual@2022", commune, started_on, ends_on, None, engine.clock.now())
    with engine.transaction() as tx:
        insert_round(tx, row)
        open_season_end(tx, engine.engine, row)


@dataclass(slots=True)
class JuneRound:
    """The round on its own clock; every office is held by one actor, before and after 01/07/2025."""

    engine: Rasoat
    clock: FrozenClock
    cases: Mapping[str, int]
    url: str
    folder: Path

    @classmethod
    def open(cls, url: str, folder: Path, *, villages: int = 2, households: int = 3, **options: Any) -> JuneRound:
        """Open the database and the round, with managed households in each village."""
        keys = folder / "keys"
        if not keys.exists():
            create_key_file(keys)
        clock = FrozenClock(_at(STARTED, 8))
        engine = Rasoat.open(url, keys=f"file:{keys}", clock=clock, ids=CountingIds(), **options)
        engine.register_units(_units(villages))
        engine.register_households(list(_households(villages, households)))
        june_round(engine, ROUND, OLD)
        listed = [h.code for h in _households(villages, households)]
        opened = engine.put_forward(ROUND, {code: {"origin": "managed"} for code in listed}, STARTED)
        return cls(engine, clock, opened.case_ids, url, folder)

    def ids(self, village: int | None = None) -> list[int]:
        """Case ids of the round, or of one village."""
        return sorted(i for code, i in self.cases.items() if village is None or code.startswith(f"H{village}-"))

    def act(self, trigger: str, day: date, ids: Sequence[int], body: Mapping[str, Any] | None = None) -> Outcome:
        """Do one act on the afternoon of `day`."""
        self.move_to(day, 15)
        rows = {i: answers(i) for i in ids} if trigger == "survey" else {}
        return self.engine.fire_many(ActRequest(trigger, tuple(ids), day, _everyone(), body=body or {}, rows=rows))

    def must(self, trigger: str, day: date, ids: Sequence[int], body: Mapping[str, Any] | None = None) -> None:
        """Do one act that every case must accept."""
        outcome = self.act(trigger, day, ids, body)
        assert outcome.ok, (trigger, outcome.refused[:2])

    def move_to(self, day: date, hour: int) -> None:
        """Let the clock stand at an hour of `day`, unless it is later already."""
        if _at(day, hour) > self.clock.now():
            self.clock.move_to(_at(day, hour))

    def to_posted(self, ids: Sequence[int], posted_on: date) -> None:
        """List, survey, meet and post."""
        self.must("list_managed", date(2025, 6, 3), ids)
        self.must("survey", date(2025, 6, 5), ids)
        self.must("meet", date(2025, 6, 9), ids, MINUTES)
        self.must("post", posted_on, ids, _POSTED)

    def to_settled(self, day: date) -> None:
        """Let postings that have run out close by themselves on the morning of `day`."""
        self.move_to(day, 7)
        self.engine.run_due()

    def to_reported(self, ids: Sequence[int], day: date) -> None:
        """Summarise and report to the superior."""
        self.must("summarise", day, ids)
        self.must("report", day, ids, {"number": "31/BC-UBND"})

    def to_rechecked(self, ids: Sequence[int], complained_on: date, met_on: date, posted_on: date) -> None:
        """Take a complaint, survey again by another enumerator, meet and post again."""
        self.must("complain", complained_on, ids, {"subject_code": "thu-nhap"})
        self.move_to(met_on, 9)
        rows = {i: {**answers(i), "surveyor": "rsv2"} for i in ids}
        again = ActRequest("survey", tuple(ids), met_on, _everyone(), rows=rows)
        assert self.engine.fire_many(again).ok
        self.must("meet", met_on, ids, MINUTES)
        self.must("post", posted_on, ids, _POSTED)

    def whole(self) -> None:
        """Play the round to its decisions in June, with one complaint in the first village."""
        ids, complaining = self.ids(), self.ids(1)[:1]
        self.to_posted(ids, date(2025, 6, 12))
        self.to_rechecked(complaining, date(2025, 6, 13), date(2025, 6, 17), date(2025, 6, 18))
        self.to_settled(date(2025, 6, 18))
        self.to_settled(date(2025, 6, 24))
        self.to_reported(ids, date(2025, 6, 24))
        self.to_decided(ids, date(2025, 6, 25), date(2025, 6, 27), date(2025, 6, 30))

    def to_decided(self, ids: Sequence[int], received_on: date, opined_on: date, decided_on: date) -> None:
        """Let the superior receive and answer, and the commune decide."""
        self.must("receive_report", received_on, ids)
        self.must("give_opinion", opined_on, ids, {"number": "412/UBND-NN"})
        self.must("recognise", decided_on, ids, {"number": "77/QĐ-UBND", "opinion": "412/UBND-NN"})


def _everyone() -> Actor:
    return Actor("cb01", everywhere=frozenset(_OFFICES))


def _at(day: date, hour: int) -> datetime:
    return datetime.combine(day, time(hour), tzinfo=LEGAL_ZONE)


def _units(villages: int) -> list[dict[str, Any]]:
    def unit(code: str, name: str, level: str, parent: str | None) -> dict[str, Any]:
        since = date(2016, 1, 1)
        return {"code": code, "name": name, "level": level, "parent": parent, "valid_from": since, "valid_to": None}

    return [
        unit("42", "Tỉnh Hà Tĩnh", "province", None),
        unit("446", "Huyện Cẩm Xuyên", "district", "42"),
        unit("18766", "Xã Mẫu", "commune", "446"),
        *(unit(f"{v:02d}", f"Thôn {v}", "village", "18766") for v in range(1, villages + 1)),
    ]


def _households(villages: int, households: int) -> list[Household]:
    return [
        Household(
            f"H{village}-{i}",
            f"{OLD}/{village:02d}",
            (Person(f"Chủ hộ {village}-{i}", "head", f"19{50 + i}-01-0{village}", "male"),),
            "rural",
            "poor" if i % 2 else "near_poor",
        )
        for village in range(1, villages + 1)
        for i in range(1, households + 1)
    ]
