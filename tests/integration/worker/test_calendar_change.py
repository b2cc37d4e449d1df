"""A calendar release decided at short notice: it moves exactly the open deadlines that it must, on record."""

from __future__ import annotations

import itertools
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, timedelta

import pytest

from rasoat.deadlines.release_files import parse_release
from rasoat.deadlines.releases import Library, Standing, calendar, library
from rasoat.engine import ledger as orders
from rasoat.engine.ledger import Order
from rasoat.engine.recalendar import recalendar
from rasoat.engine.superseding import supersede_alike
from rasoat.engine.values import Actor, Mandate
from rasoat.persistence.chain_rows import events_of, heads_of
from rasoat.persistence.database import Database
from rasoat.persistence.deadlines import insert_deadlines
from rasoat.persistence.events import EventRow
from rasoat.persistence.verification import verify_chain
from tests.support.caseload import open_terms
from tests.support.clockwork import at, deadlines, events, ledger, told, work_at

DAY = timedelta(days=1)
LENGTHS = {"posting": 3, "recheck": 7, "opinion": 5}
VILLAGES = ("42/446/18766/01", "42/446/18766/02")
SUPERIOR = Actor("ct01", (Mandate("supervisor", "42"),))


def naive_due(start: date, length: int, off: set[date], worked: set[date]) -> date:
    day = start
    while length:
        day += DAY
        length -= day in worked or (day.weekday() < 5 and day not in off)
    return day


@pytest.fixture
def new_year(review):
    """Terms begun around New Year 2026, counted on what was known on 24/12/2025."""
    review.clock.move_to(at(date(2025, 12, 24)))
    known = calendar(as_known_on=date(2025, 12, 24))
    starts = [date(2025, 12, 15) + n * DAY for n in range(10)]
    return open_terms(review, known, [(v, rule, s) for v in VILLAGES for rule in LENGTHS for s in starts])


def test_the_new_year_swap_of_2026_moves_exactly_the_deadlines_that_it_must(review, new_year):
    review.clock.move_to(at(date(2025, 12, 25)))
    holidays = {date(2026, 1, 1)}
    swapped = {row.id: naive_due(row.started_on, LENGTHS[row.rule], holidays | {date(2026, 1, 2)}, {date(2026, 1, 10)})
               for row in new_year}  # fmt: skip
    assert all(row.due_on == naive_due(row.started_on, LENGTHS[row.rule], holidays, set()) for row in new_year)
    must_move = {row.id for row in new_year if swapped[row.id] != row.due_on}
    assert 0 < len(must_move) < len(new_year)

    tried = recalendar(review.database, review.engine, library(), dry_run=True)
    assert (tried.moved, tried.checked) == (len(must_move), len(new_year))
    assert deadlines(review) == new_year
    assert told(review, "calendar_change") == []

    done = recalendar(review.database, review.engine, library())
    assert done == tried
    after = deadlines(review)
    assert {row.id: row.due_on for row in after} == swapped
    assert {row.id for row, old in zip(after, new_year, strict=True) if row != old} == must_move
    assert {row.calendar for row in after if row.id in must_move} == {"vn/2025-12-25"}
    assert all(row.due_at == at(row.due_on + DAY, 0) for row in after)
    assert {shift.decision for shift in done.shifts} == {"12729/VPCP-KGVX"}

    kept = ledger(review, list(must_move))
    assert {i: [(e.seq, e.kind) for e in entries] for i, entries in kept.items()} == {
        i: [(1, "superseded")] for i in must_move
    }
    row = next(row for row in new_year if row.id in must_move)
    assert json.loads(kept[row.id][0].detail) == {
        "old_due_on": row.due_on.isoformat(), "new_due_on": swapped[row.id].isoformat(),
        "old_calendar": row.calendar, "new_calendar": "vn/2025-12-25", "decision": "12729/VPCP-KGVX",
    }  # fmt: skip
    chained = events(review, "deadline")
    assert sorted(event.case_id for event in chained) == sorted(r.subject_id for r in new_year if r.id in must_move)
    messages = told(review, "calendar_change")
    assert sum(m["count"] for m in messages) == len(must_move)
    assert {(m["rule"], m["unit"]) for m in messages} <= {
        ("posting", "42/446/18766"), ("recheck", "42/446/18766"), ("opinion", "42/446")
    }  # fmt: skip
    assert all(date.fromisoformat(m["due_on"]) > date.fromisoformat(m["old_due_on"]) for m in messages)

    again = recalendar(review.database, review.engine, library())
    assert (again.moved, again.firm) == (0, 0)
    assert len(told(review, "calendar_change")) == len(messages)


def test_a_moved_deadline_is_alerted_and_breached_by_its_new_last_day(review, new_year):
    review.clock.move_to(at(date(2025, 12, 25)))
    row = next(row for row in new_year if row.rule == "recheck" and row.due_on == date(2026, 1, 2))
    recalendar(review.database, review.engine, library())
    work_at(review, at(date(2026, 1, 4)))
    assert [r.breached_at for r in deadlines(review) if r.id == row.id] == [None]
    work_at(review, at(date(2026, 1, 6), 0))
    assert [r.breached_at for r in deadlines(review) if r.id == row.id] == [at(date(2026, 1, 6), 0)]


def test_only_the_units_asked_about_are_moved(review, new_year):
    review.clock.move_to(at(date(2025, 12, 25)))
    done = recalendar(review.database, review.engine, library(), unit_path=VILLAGES[1])
    assert {shift.unit_path for shift in done.shifts} == {VILLAGES[1]}
    assert done.checked == len(new_year) // 2


def test_a_suspended_term_is_left_alone_until_it_runs_on(review, new_year):
    first, second = [r for r in new_year if r.rule == "recheck" and r.started_on == date(2025, 12, 15)]
    order = Order((first.id, second.id), date(2025, 12, 23), SUPERIOR, "15/CĐ-UBND")
    with review.database.begin() as tx:
        orders.suspend(tx, review.engine, order)
    review.clock.move_to(at(date(2025, 12, 24), 10))
    with review.database.begin() as tx:
        orders.resume(tx, review.engine, Order((first.id,), date(2025, 12, 24), SUPERIOR, "16/CĐ-UBND"))
    review.clock.move_to(at(date(2025, 12, 25)))
    # Two days are left from 24/12 on (16–22/12 used five): the swap touches neither; the suspended one is left alone.
    recalendar(review.database, review.engine, library())
    after = {row.id: row for row in deadlines(review)}
    assert (after[first.id].due_on, after[first.id].status) == (date(2025, 12, 25), "open")
    assert (after[second.id].due_on, after[second.id].status) == (date(2025, 12, 24), "suspended")
    review.clock.move_to(at(date(2025, 12, 31)))
    with review.database.begin() as tx:
        orders.resume(tx, review.engine, Order((second.id,), date(2025, 12, 31), SUPERIOR, "18/CĐ-UBND"))
    assert {row.id: row.due_on for row in deadlines(review)}[second.id] == date(2026, 1, 5)


def test_an_adjusted_term_moves_from_where_its_ledger_had_put_it(review, new_year):
    row = next(r for r in new_year if r.rule == "recheck" and r.started_on == date(2025, 12, 22))
    with review.database.begin() as tx:
        orders.suspend(tx, review.engine, Order((row.id,), date(2025, 12, 23), SUPERIOR, "15/CĐ-UBND"))
        orders.resume(tx, review.engine, Order((row.id,), date(2025, 12, 24), SUPERIOR, "16/CĐ-UBND"))
    before = {r.id: r.due_on for r in deadlines(review)}[row.id]
    assert before == naive_due(date(2025, 12, 23), 7, {date(2026, 1, 1)}, set())
    review.clock.move_to(at(date(2025, 12, 25)))
    recalendar(review.database, review.engine, library())
    after = {r.id: r.due_on for r in deadlines(review)}[row.id]
    assert after == naive_due(date(2025, 12, 23), 7, {date(2026, 1, 1), date(2026, 1, 2)}, {date(2026, 1, 10)})
    assert [entry.kind for entry in ledger(review, [row.id])[row.id]] == ["suspended", "resumed", "superseded"]


def test_provisional_deadlines_become_firm_when_the_horizon_passes_them(review):
    """On 01/09/2026 the calendar of 2027 is only expected; made official, it moves nothing but makes dates firm."""
    latest = library()
    expected = [r for r in latest.releases if r.standing == "expected" and 2027 in r.years][-1]
    review.clock.move_to(at(expected.known_from + DAY))
    known = calendar(as_known_on=expected.known_from + DAY)
    (row,) = open_terms(review, known, [(VILLAGES[0], "recheck", date(2026, 12, 30))])
    assert row.provisional
    assert row.due_on.year == 2027
    official = decided(expected)
    review.clock.move_to(at(official.known_from))
    done = recalendar(review.database, review.engine, Library([*latest.releases, official]))
    assert (done.moved, done.firm) == (0, 1)
    (after,) = deadlines(review)
    assert after == row._replace(provisional=False, calendar=official.key)
    assert [entry.kind for entry in ledger(review, [row.id])[row.id]] == ["firm"]
    assert told(review, "calendar_change") == []


def test_a_proposal_makes_last_days_provisional_and_its_decision_moves_them_or_makes_them_firm(review):
    """The swap 23/11 ↔ 28/11/2026, proposed in September 2026: nothing moves before it is decided."""
    review.clock.move_to(at(date(2026, 9, 29)))
    known = calendar(as_known_on=date(2026, 9, 29))
    starts = [date(2026, 11, 17), date(2026, 11, 18), date(2026, 11, 20), date(2026, 11, 30)]
    rows = open_terms(review, known, [(VILLAGES[0], "opinion", start) for start in starts])
    assert not any(row.provisional for row in rows)
    review.clock.move_to(at(date(2026, 10, 1)))
    proposed = recalendar(review.database, review.engine, library())
    assert (proposed.moved, proposed.firm, proposed.provisional) == (0, 0, 3)
    after = deadlines(review)
    assert [row.provisional for row in after] == [True, True, True, False]
    assert [row.due_on for row in after] == [row.due_on for row in rows]
    assert [e.kind for row in rows for e in ledger(review, [row.id]).get(row.id, ())] == ["provisional"] * 3

    review.clock.move_to(at(date(2026, 11, 22)))
    swap = 'decision = "1/TB-BNV"\n[[swap]]\noff = 2026-11-23\nworked = 2026-11-28\n'
    done = recalendar(
        review.database, review.engine, Library([*library().releases, parse_release(HEAD + swap, "swap")])
    )
    last = deadlines(review)
    off = {date(2026, 11, 23), date(2026, 11, 24)}
    assert [row.due_on for row in last] == [naive_due(start, 5, off, {date(2026, 11, 28)}) for start in starts]
    assert not any(row.provisional for row in last)
    assert done.moved == sum(new.due_on != old.due_on for new, old in zip(last, rows, strict=True)) > 0


HEAD = """
scope = "vn"
known_from = 2026-11-22
standing = "official"
title = { vi = "Thử", en = "Trial" }
source = "Thử"
tag = "INFERRED"
"""


def decided(expected):
    """The expected release as the government might decide it a month later."""
    day = expected.known_from + 40 * DAY
    return replace(expected, standing=Standing.OFFICIAL, known_from=day, decision="1/QĐ-TTg", decided_on=day)


def test_what_the_change_writes_into_the_chains_follows_from_what_stood_there(review, new_year):
    """The database takes the hashes itself, whatever a decision is called: the whole record verifies, line by line."""
    holidays = {date(2026, 1, 1)}
    twice = {row.unit_path: row for row in new_year if row.rule == "opinion" and row.due_on >= date(2026, 1, 2)}
    second = [
        row._replace(id=row.id + 10**6, rule="recheck", length=7, due_on=naive_due(row.started_on, 7, holidays, set()))
        for row in twice.values()
    ]
    with review.database.begin() as tx:
        insert_deadlines(tx, second)
    told_of = []
    review.database.subscribers.add(told_of.extend)
    review.clock.move_to(at(date(2025, 12, 25)))
    recalendar(review.database, review.engine, named_otherwise('Số "1/QĐ" \\ của Bộ'))
    chained = events(review, "deadline")
    cases = [event.case_id for event in chained]
    with review.database.read() as tx:
        stored = events_of(tx, cases)
        heads = [case.head for case in heads_of(tx, cases)]
    assert [finding for head in heads for finding in verify_chain(stored[head.case_id], head)] == []
    both = [row.subject_id for row in second]
    assert [cases.count(case_id) for case_id in both] == [2] * len(both)
    assert all('Số \\"1/QĐ\\" \\\\ của Bộ' in event.payload for event in chained)
    assert sorted(told_of, key=lambda e: (e.case_id, e.seq)) == [EventRow(*event) for event in chained]


def test_a_change_broken_off_is_taken_up_where_it_stopped(review, new_year, monkeypatch):
    review.clock.move_to(at(date(2025, 12, 25)))
    monkeypatch.setattr("rasoat.engine.recalendar._AT_ONCE", 1)
    with monkeypatch.context() as breaking:
        breaking.setattr("rasoat.engine.recalendar.supersede_alike", broken_off_after(1))
        with pytest.raises(ConnectionError):
            recalendar(review.database, review.engine, library())
    half = events(review, "deadline")
    assert half
    rest = recalendar(review.database, review.engine, library())
    assert {shift.unit_path for shift in rest.shifts} == {VILLAGES[1]}
    chained = events(review, "deadline")
    assert len(chained) == len({event.case_id for event in chained}) == len(half) + rest.moved
    assert sum(m["count"] for m in told(review, "calendar_change")) == len(chained)


def test_a_change_begun_twice_at_once_is_done_once(review, new_year, monkeypatch):
    monkeypatch.setattr("rasoat.engine.recalendar._AT_ONCE", 1)
    review.clock.move_to(at(date(2025, 12, 25)))
    ready = threading.Barrier(2)

    def change(_):
        ready.wait(60)
        return recalendar(review.database, review.engine, library())

    with ThreadPoolExecutor(2) as pool:
        done = list(pool.map(change, range(2)))
    moved = {row.id for row, old in zip(deadlines(review), new_year, strict=True) if row != old}
    assert max(each.moved for each in done) == len(moved)
    assert {i: len(entries) for i, entries in ledger(review, sorted(moved)).items()} == dict.fromkeys(moved, 1)
    assert len(events(review, "deadline")) == len(moved) == sum(m["count"] for m in told(review, "calendar_change"))


def test_a_hosts_own_connection_carries_the_change(review, new_year):
    """SQLite is taught the chain's hash on whatever connection it is asked over."""
    review.clock.move_to(at(date(2025, 12, 25)))
    lent = review.database.engine.raw_connection()
    try:
        host = lent.driver_connection
        if review.database.engine.dialect.name == "sqlite":
            host.execute("BEGIN IMMEDIATE")
        else:
            host.execute("SELECT 1")
        done = recalendar(Database.around(host), review.engine, library())
        host.commit()
    finally:
        lent.close()
    assert len(events(review, "deadline")) == done.moved > 0


def named_otherwise(decision):
    """The shipped releases, with another number on the decision that swapped New Year 2026."""
    swap = [r for r in library().releases if r.key == "vn/2025-12-25"]
    renamed = [replace(r, days=tuple(replace(fact, decision=decision) for fact in r.days)) for r in swap]
    return Library([*(r for r in library().releases if r not in swap), *renamed])


def broken_off_after(times):
    """Supersede so many chunks, then lose the connection."""
    done = itertools.count(1)

    def breaking(*args):
        if next(done) > times:
            raise ConnectionError
        supersede_alike(*args)

    return breaking
