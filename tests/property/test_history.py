"""Whatever is entered, corrected and taken back: the past is what was on record then, in memory and in SQL alike."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from hypothesis import event, given, settings
from hypothesis import strategies as st

from rasoat.engine.correcting import Correction, Undo, correct, undo
from rasoat.engine.history import case_as_of, cases_as_of, states_as_of
from rasoat.engine.replaying import STEPS, in_force
from rasoat.engine.timers import run_due
from rasoat.engine.values import Mode
from rasoat.foundation.clock import legal_date
from rasoat.persistence.cases import load
from rasoat.persistence.deadlines import of_subjects
from rasoat.persistence.events import history
from rasoat.persistence.historical import cases_on
from tests.support.effort import effort
from tests.support.invariants import broken
from tests.support.reviews import BEATS, Beat, Review, officials

if TYPE_CHECKING:
    from rasoat.persistence.cases import CaseRow

_AFTERWARDS = st.lists(
    st.one_of(
        st.sampled_from(["go", "go", "due", "complain", "again", "undo"]).map(lambda name: (name, 0)),
        st.tuples(st.just("votes"), st.sampled_from([30, 45, 60, 85])),
        st.tuples(st.just("posted"), st.sampled_from([20, 21, 24, 25])),
        st.tuples(st.just("score"), st.sampled_from([100, 139, 200])),
    ),
    min_size=2,
    max_size=10,
)
MOVES = st.builds(lambda far, rest: [("go", 0)] * far + rest, st.integers(2, len(BEATS)), _AFTERWARDS)


class Then(NamedTuple):
    """What stood in the tables at an instant."""

    at: datetime
    cases: list[CaseRow]
    terms: dict[int, list[tuple[Any, ...]]]


class Story:
    """A small village driven by whatever comes; what is refused is refused."""

    def __init__(self) -> None:
        self.review = Review.start("sqlite://")
        self.ids = self.review.open_round(1, villages=2, households=2)
        self.next = 0
        self.snapshots: list[Then] = [self.now()]

    def tell(self, moves: list[tuple[str, int]]) -> None:
        for name, value in moves:
            self.review.clock.advance(timedelta(minutes=1))
            getattr(self, "_" + name)(value)
            self.snapshots.append(self.now())

    def now(self) -> Then:
        with self.review.database.read() as tx:
            rows = of_subjects(tx, self.ids)
            terms = {
                i: sorted(term(r) for r in rows if r.subject_id == i and r.status != "superseded") for i in self.ids
            }
            return Then(self.review.clock.now(), load(tx, self.ids), terms)

    def _go(self, _: int) -> None:
        beat = BEATS[min(self.next, len(BEATS) - 1)]
        self.next += 1
        if beat.trigger != "posting_ended":
            self.review.fire(beat, self.ids, mode=Mode.EACH)
        else:
            self.review.move_to(beat)
            self._work()

    def _again(self, _: int) -> None:
        today = legal_date(self.review.clock.now())
        for beat in BEATS[1:4]:
            self.review.fire(replace(beat, day=today, entered=self.review.clock.now()), self.ids, mode=Mode.EACH)

    def _due(self, _: int) -> None:
        self.review.clock.advance(timedelta(days=1))
        self._work()

    def _work(self) -> None:
        run_due(self.review.database, self.review.engine)

    def _complain(self, _: int) -> None:
        beat = Beat("complain", date(2022, 10, 26), {"subject_code": "B1"})
        self.review.fire(beat, self.ids[:1], mode=Mode.EACH)

    def _votes(self, value: int) -> None:
        self._correct("meet", body={"in_favour": value})

    def _posted(self, value: int) -> None:
        self._correct("post", occurred_on=date(2022, 10, value))

    def _score(self, value: int) -> None:
        self._correct("survey", rows={self.ids[0]: {"b1": value}})

    def _correct(self, trigger: str, **changes: Any) -> None:
        found = [e.act_id for e in self._counting(self.ids[0]) if e.trigger == trigger and e.act_id]
        if found:
            order = Correction(found[-1], officials(), self._today(), "1/QĐ", "nhầm", **changes)
            with self.review.database.begin() as tx:
                event(f"{trigger} {'corrected' if correct(tx, self.review.engine, order).ok else 'refused'}")

    def _undo(self, _: int) -> None:
        found = [e.act_id for e in self._counting(self.ids[0]) if e.kind in STEPS and e.act_id]
        if found:
            order = Undo(found[-1], officials(), self._today(), "1/QĐ", "nhầm")
            with self.review.database.begin() as tx:
                event(f"undo {'done' if undo(tx, self.review.engine, order).ok else 'refused'}")

    def _counting(self, case_id: int) -> Any:
        with self.review.database.read() as tx:
            return in_force(history(tx, [case_id]))

    def _today(self) -> date:
        return legal_date(self.review.clock.now())


def term(row: Any) -> tuple[Any, ...]:
    return (row.rule, row.started_on, row.due_on, row.status, str(row.closed_on), row.cause, row.breached_at is None)


def told(moves: list[tuple[str, int]]) -> Story:
    story = Story()
    story.tell(moves)
    return story


@settings(max_examples=effort(15))
@given(MOVES)
def test_what_stood_in_the_tables_is_found_again_from_events_alone(moves):
    story = told(moves)
    engine = story.review.engine
    assert broken(story.review.database, engine.library) == []
    with story.review.database.read() as tx:
        for then in story.snapshots:
            past = list(cases_as_of(tx, engine, legal_date(then.at), then.at, round_id=1))
            assert [(p.case.state, p.case.class_after, p.case.facts, p.case.unit_path) for p in past] == [
                (c.state, c.class_after, c.facts, c.unit_path) for c in then.cases
            ]
            assert {p.case.id: sorted(map(term, p.deadlines)) for p in past} == then.terms


@settings(max_examples=effort(15))
@given(MOVES)
def test_as_of_any_event_sql_and_memory_tell_the_same_of_the_replayed_prefix(moves):
    story = told(moves)
    with story.review.database.read() as tx:
        events = {i: history(tx, [i]) for i in story.ids}
        moments = sorted({(e.occurred_on, e.recorded_at) for rows in events.values() for e in rows})
        for day, instant in moments:
            by_sql = {case_id: state for case_id, _, state in cases_on(tx, day, instant)}
            prefix = {
                i: [e for e in in_force([e for e in rows if e.recorded_at <= instant]) if e.occurred_on <= day]
                for i, rows in events.items()
            }
            assert by_sql == {i: rows[-1].to_state for i, rows in prefix.items() if rows}
            for i, state in by_sql.items():
                assert case_as_of(tx, story.review.engine, i, day, instant).case.state == state
            counted = states_as_of(tx, day, instant, round_id=1)
            assert sum(line.count for line in counted) == len(by_sql)
