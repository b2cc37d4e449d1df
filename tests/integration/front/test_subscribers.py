"""Who is told after the commit, and what a host's hooks see of a correction; on both databases."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy.orm import Session
from structlog.testing import capture_logs

from rasoat import Correction, CountingIds, Database, FrozenClock, Rasoat, Undo
from rasoat.foundation.clock import LEGAL_ZONE
from rasoat.persistence.keys import DevelopmentKeys
from tests.support.embedding import COMMITTEE, COMMUNE, OPENED, UNITS, household, listing

if TYPE_CHECKING:
    from collections.abc import Iterator

NOW = datetime(2022, 9, 28, 9, tzinfo=LEGAL_ZONE)


class Told:
    def __init__(self) -> None:
        self.events: list[tuple[str, str]] = []

    def __call__(self, events: Any) -> None:
        self.events += [(event.kind, event.trigger) for event in events]


class Seen:
    def __init__(self) -> None:
        self.requests: list[Any] = []
        self.veto = False

    def __call__(self, _tx: object, request: Any, steps: Any) -> None:
        self.requests.append((request.trigger, request.case_ids, [s.transition.target for s in steps]))
        if self.veto:
            raise PermissionError


@pytest.fixture
def seen() -> Seen:
    return Seen()


@pytest.fixture
def engine(database_url: str, seen: Seen) -> Iterator[Rasoat]:
    opened = Rasoat.open(
        database_url, keys="development-anywhere", clock=FrozenClock(NOW), ids=CountingIds(), observers=[seen]
    )
    opened.register_units(UNITS)
    opened.register_households([household(n) for n in range(2)])
    opened.open_round("R", "annual", COMMUNE, OPENED)
    opened.put_forward("R", {f"HB-{n:03}": {"origin": "managed"} for n in range(2)}, OPENED)
    yield opened
    opened.close()


@pytest.fixture
def case(engine: Rasoat) -> int:
    return engine.case("HB-000").case.id


@pytest.fixture
def told(engine: Rasoat) -> Told:
    heard = Told()
    engine.subscribe(heard)
    return heard


LISTED = [("step", "list_managed")]


def test_a_subscriber_is_told_after_the_commit_and_may_use_the_engine(engine: Rasoat, case: int) -> None:
    states = []
    engine.subscribe(lambda events: states.append((engine.case(events[0].case_id).case.state, len(events))))
    engine.fire(listing(case))
    assert states == [("listed", 1)]


def test_a_refusal_and_a_rollback_tell_nobody(engine: Rasoat, case: int, told: Told, seen: Seen) -> None:
    seen.veto = True
    with pytest.raises(PermissionError):
        engine.fire(listing(case))
    seen.veto = False
    engine.fire(listing(case))
    engine.fire(listing(case))  # refused: the case has left that state
    assert told.events == LISTED


def test_one_subscriber_that_fails_neither_undoes_the_act_nor_silences_the_others(engine: Rasoat, case: int) -> None:
    def broken(_events: object) -> None:
        raise ZeroDivisionError

    after = Told()
    engine.subscribe(broken)
    engine.subscribe(after)
    with capture_logs() as logs:
        assert engine.fire(listing(case)).ok
    assert (engine.case(case).case.state, after.events) == ("listed", LISTED)
    assert [line["event"] for line in logs if line["log_level"] == "error"] == ["subscriber_failed"]


def test_who_has_ended_the_subscription_is_told_no_more(engine: Rasoat, case: int) -> None:
    heard = Told()
    end = engine.subscribe(heard)
    end()
    engine.fire(listing(case))
    assert heard.events == []


def test_what_joins_the_engines_own_transaction_is_told_with_its_commit(engine: Rasoat, case: int, told: Told) -> None:
    with engine.transaction() as tx:
        engine.fire(listing(case), connection=tx.connection)
        assert told.events == []
    assert told.events == LISTED


@pytest.mark.parametrize(
    ("ending", "expected"), [("commit", LISTED), ("rollback", []), ("close", []), ("savepoint", [])]
)
def test_in_a_hosts_session_subscribers_are_told_if_and_when_it_commits(
    engine: Rasoat, case: int, told: Told, ending: str, expected: list[tuple[str, str]]
) -> None:
    with Session(engine.database.engine) as session:
        if ending == "savepoint":
            inner = session.begin_nested()
            engine.fire(listing(case), connection=session)
            inner.rollback()
        else:
            with session.begin_nested():
                engine.fire(listing(case), connection=session)
        assert told.events == []  # a savepoint's end is no commit
        if ending != "savepoint":
            getattr(session, ending)()
        session.commit()
    assert told.events == expected


def test_in_a_bare_connection_the_host_says_how_to_be_called_after_its_commit(engine: Rasoat, case: int) -> None:
    waiting: list[Any] = []
    options = {"keys": DevelopmentKeys("sqlite://"), "clock": engine.clock, "ids": engine.ids}
    silent = Rasoat.bind(Database(engine.database.engine), **options)
    bound = Rasoat.bind(Database(engine.database.engine), **options, after_commit=waiting.append)
    heard = Told()
    silent.subscribe(heard)
    bound.subscribe(heard)
    with engine.database.engine.begin() as connection, capture_logs() as logs:
        silent.fire(listing(case), connection=connection)
        assert "subscribers_not_told" in [line["event"] for line in logs]
        bound.fire(listing(engine.case("HB-001").case.id), connection=connection)
    assert heard.events == []
    for call in waiting:
        call()
    assert heard.events == LISTED


def test_a_hook_sees_a_correction_with_the_steps_that_now_hold_and_may_veto_it(
    engine: Rasoat, case: int, seen: Seen, told: Told
) -> None:
    engine.fire(listing(case))
    order = {"actor": COMMITTEE, "decided_on": date(2022, 9, 28), "authority": "15/QĐ-UBND", "reason": "nhầm ngày"}
    wrong_day = Correction(engine.entry(case), occurred_on=date(2022, 9, 28), **order)  # type: ignore[arg-type]  # shared fields
    seen.veto = True
    with pytest.raises(PermissionError):
        engine.correct(wrong_day)
    seen.veto = False
    assert engine.correct(wrong_day).ok
    assert seen.requests[1:] == [("correction", (case,), ["listed"])] * 2
    assert told.events == [*LISTED, ("correction", "correction"), ("restated", "list_managed")]
    assert engine.undo(Undo(engine.entry(case), **order)).ok  # type: ignore[arg-type]  # shared fields
    assert seen.requests[-1] == ("undo", (case,), [])
