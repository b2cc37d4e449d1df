"""No query shows what lies outside the reader's mandates: every query, every role, on generated trees of units."""

from __future__ import annotations

from collections import Counter
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import insert, update

from rasoat.deadlines.releases import calendar
from rasoat.engine import queries
from rasoat.engine.punctuality import By, punctuality
from rasoat.engine.tidings import tiding
from rasoat.engine.values import Mandate
from rasoat.persistence import changes, inbox, reading_log, reads, webhooks
from rasoat.persistence.canonical import canonical_json
from rasoat.persistence.cases import CaseRow, insert_cases
from rasoat.persistence.database import Database
from rasoat.persistence.deadlines import DeadlineRow, insert_deadlines
from rasoat.persistence.events import EventRow, insert_events
from rasoat.persistence.historical import cases_on, standing
from rasoat.persistence.migrating import upgrade
from rasoat.persistence.rounds import HouseholdRow, RoundRow, insert_households, insert_round, insert_units
from rasoat.persistence.scoping import scope_of
from tests.support.effort import effort

ROLES = ("enumerator", "village_head", "committee", "commune_chair", "superior_chair")
PERSONAL = frozenset({"enumerator", "committee"})
TODAY = date(2022, 10, 10)
_FIRM = False  # not provisional
NOW = datetime(2022, 10, 10, 3, tzinfo=UTC)
DAY = timedelta(days=1)
# Codes of which one begins like another, or sorts next to the separator: where a careless prefix would leak.
ADDRESSES = ("cb", "cb2", "CB", "c", "cb%", "*")
CODES = ("4", "42", "421", "42-1", "42.1", "420")


class _UndoError(Exception):
    pass


@dataclass(frozen=True)
class Tree:
    """Villages by path; each has one household, case, deadline, event, certificate and one noted read."""

    villages: tuple[str, ...]

    @property
    def communes(self):
        return sorted({path.rpartition("/")[0] for path in self.villages})

    @property
    def units(self):
        return sorted(
            {"/".join(path.split("/")[: i + 1]) for path in self.villages for i in range(path.count("/") + 1)}
        )


code = st.sampled_from(CODES)
trees = st.builds(
    Tree, st.lists(st.tuples(code, code, code).map("/".join), min_size=1, max_size=12, unique=True).map(tuple)
)
days = st.one_of(st.none(), st.integers(-2, 2).map(lambda n: TODAY + timedelta(days=n)))


@st.composite
def worlds(draw):
    tree = draw(trees)
    path = st.one_of(st.sampled_from(tree.units), st.tuples(code, code).map("/".join), st.just(""))
    mandate = st.builds(Mandate, st.sampled_from(ROLES), path, days, days)
    return tree, draw(st.lists(mandate, max_size=4))


@pytest.fixture(scope="module")
def database():
    made = Database.open("sqlite:///:memory:")
    upgrade(made)
    yield made
    made.dispose()


@contextmanager
def planted(database, tree):
    """The tree's rows, for the time of the test."""
    with suppress(_UndoError), database.begin() as tx:
        _plant(tx, tree)
        yield tx
        _undo()


def _undo():
    raise _UndoError


def _plant(tx, tree):
    level = ("province", "commune", "village")
    insert_units(
        tx,
        [
            {"path": p, "code": p, "level": level[p.count("/")], "name": p, "valid_from": TODAY, "valid_to": None}
            for p in tree.units
        ],
    )
    for number, commune in enumerate(tree.communes):
        insert_round(tx, RoundRow(1000 + number, f"R-{commune}", "annual@2022", commune, TODAY, None, None, NOW))
    for i, path in enumerate(tree.villages, 1):
        opened_in = 1000 + tree.communes.index(path.rpartition("/")[0])
        for household in (i, 500 + i):  # the second is managed, and left out of the round
            insert_households(tx, [_household(household, path)])
        insert_cases(
            tx, [CaseRow(i, opened_in, i, path, "annual@2022", "listed", 1, TODAY, "poor", None, "{}", b"h" * 32)]
        )
        insert_events(tx, [EventRow(i, 1, "opened", "open", "", "registered", None, TODAY, NOW, "cb", "{}", b"h" * 32)])
        insert_deadlines(tx, [_deadline(i, opened_in, path)])
        tx.execute(insert(tx.tables.certificate), {
            "series": path, "number": str(i), "case_id": i, "class": "poor", "issued_on": TODAY, "act_id": 1,
        })  # fmt: skip
        reading_log.note(tx, [reading_log.PersonalRead(i, NOW, "cb", None, i, path, "why")])


def _household(i, path):
    return HouseholdRow(i, f"H{i}", path, 1, "rural", "poor", b"", b"", "", b"", None, None, TODAY, None)


def _deadline(i, opened_in, path):
    due = TODAY - timedelta(days=3)
    return DeadlineRow(
        i, "case", i, opened_in, path, "annual@2022", "recheck", "maximum", "committee", path.rpartition("/")[0],
        due, 7, "working_days", "vn", due, NOW, None, "open", _FIRM, 1, None, None, None,
    )  # fmt: skip


def _move(tx, i, old, new):
    payload = canonical_json({"unit_from": old, "unit_to": new}).decode()
    row = EventRow(i, 2, "moved", "move", "registered", "registered", None, TODAY + DAY, NOW, "cb", payload, b"i" * 32)
    insert_events(tx, [row])
    tx.execute(update(tx.tables.case).where(tx.tables.case.c.id == i).values(unit_path=new))


def _fact(path):
    return tiding("job_stalled", "info", "committee", path, path, path, {"job": "x"}, NOW)


def _subscription(i, path):
    before = NOW - DAY
    return webhooks.WebhookRow(i, "cb", "https://x.vn", path, (), "active", before, 1, before, before, "")


def _sees(mandates, path):
    """Whether a mandate valid today reaches the unit: the engine's own test, asked role by role."""
    return any(m.unit_path and m.covers(m.role, path, TODAY) for m in mandates)


def _touches(mandates, path):
    return _sees(mandates, path) or any(
        m.unit_path.startswith(path + "/") and _sees([m], m.unit_path) for m in mandates
    )


@settings(max_examples=effort(30))
@given(world=worlds())
def test_every_query_shows_exactly_what_the_mandates_reach(database, world):
    tree, mandates = world
    scope = scope_of(mandates, TODAY, PERSONAL)
    seen = {path for path in tree.villages if _sees(mandates, path)}
    by_day = calendar(as_known_on=TODAY)
    with planted(database, tree) as tx:
        assert {c.unit_path for c in reads.cases(tx, scope, reads.CaseFilter(), limit=99)} == seen
        late = reads.CaseFilter(overdue_on=TODAY)
        assert {c.unit_path for c in reads.cases(tx, scope, late, limit=99)} == seen
        assert {d.unit_path for d in reads.deadlines(tx, scope, reads.DeadlineFilter(), limit=99)} == seen
        assert {h.unit_path for h in reads.households(tx, scope, limit=99)} == seen
        assert {c.unit_path for c in reads.certificates(tx, scope, limit=99)} == seen
        assert {r.unit_path for r in reading_log.noted(tx, scope, limit=99)} == seen
        after = NOW + timedelta(seconds=1)
        assert {c.unit_path for c in changes.changes(tx, scope, changes.START, after, limit=99)} == seen
        assert {line.unit_path for line in queries.overdue(tx, TODAY, by_day, scope=scope)} == seen
        due = queries.due_between(tx, TODAY, TODAY - timedelta(9), TODAY, by_day, scope=scope)
        assert {line.unit_path for line in due} == seen
        ahead = queries.agenda(tx, TODAY, by_day, working_days=3, unit_path=None, scope=scope)
        assert {line.unit_path for line in ahead} == seen
        kept = punctuality(tx, TODAY, by_day, by=By.VILLAGE, scope=scope)
        assert {each.unit_path for each in kept} == seen
        assert {count.unit_path for count in queries.states_by_unit(tx, scope=scope)} == seen
        assert {u.path for u in reads.units(tx, scope, limit=99)} == {u for u in tree.units if _touches(mandates, u)}
        rounds = reads.rounds(tx, scope, limit=99)
        assert {r.unit_path for r in rounds} == {c for c in tree.communes if _touches(mandates, c)}
        left = {code for r in rounds for code in reads.left_out(tx, scope, r, limit=99)}
        assert left == {f"H{500 + i}" for i, path in enumerate(tree.villages, 1) if path in seen}


@settings(max_examples=effort(20))
@given(world=worlds())
def test_a_single_read_outside_the_mandates_finds_nothing(database, world):
    tree, mandates = world
    scope = scope_of(mandates, TODAY, PERSONAL)
    with planted(database, tree) as tx:
        ids = list(range(1, len(tree.villages) + 1))
        assert set(reads.visible_cases(tx, scope, ids)) == {
            i for i in ids if _sees(mandates, tree.villages[i - 1])
        }  # fmt: skip
        for i, path in enumerate(tree.villages, 1):
            inside = _sees(mandates, path)
            assert (reads.case(tx, scope, i) is not None) == inside
            assert (reads.deadline(tx, scope, i) is not None) == inside
            assert (reads.household(tx, scope, f"H{i}") is not None) == inside
            assert (reads.unit(tx, scope, path) is not None) == _touches(mandates, path)
        for commune in tree.communes:
            assert (reads.round_seen(tx, scope, f"R-{commune}") is not None) == _touches(mandates, commune)


@settings(max_examples=effort(30))
@given(world=worlds())
def test_a_filter_narrows_the_scope_and_never_widens_it(database, world):
    tree, mandates = world
    scope = scope_of(mandates, TODAY, PERSONAL)
    with planted(database, tree) as tx:
        for top in tree.units:
            wanted = {p for p in tree.villages if _sees(mandates, p) and (p == top or p.startswith(top + "/"))}
            assert {c.unit_path for c in reads.cases(tx, scope, reads.CaseFilter(unit_path=top), limit=99)} == wanted
            assert {h.unit_path for h in reads.households(tx, scope, unit_path=top, limit=99)} == wanted
            late = queries.overdue(tx, TODAY, calendar(as_known_on=TODAY), unit_path=top, scope=scope)
            assert {line.unit_path for line in late} == wanted


@settings(max_examples=effort(30))
@given(world=worlds())
def test_the_past_of_what_the_mandates_reach_shows_what_lay_there_then_and_nothing_beside(database, world):
    tree, mandates = world
    scope = scope_of(mandates, TODAY, PERSONAL)
    known = NOW + timedelta(seconds=1)
    with planted(database, tree) as tx:
        moved = {}  # every second case has gone to another village since
        for i, path in list(enumerate(tree.villages, 1))[::2]:
            moved[i] = tree.villages[-i]
            _move(tx, i, path, moved[i])
        for day, places in ((TODAY, {}), (TODAY + DAY, moved)):
            then = {i: places.get(i, path) for i, path in enumerate(tree.villages, 1)}
            counts = [line for top in scope.paths for line in standing(tx, day, known + DAY, unit_path=top)]
            expected = Counter(path for path in then.values() if _sees(mandates, path))
            assert {path: n for path, _, n in counts} == dict(expected)
            for top in tree.units:
                found = {case_id for case_id, *_ in cases_on(tx, day, known + DAY, unit_path=top)}
                assert found == {i for i, path in then.items() if path == top or path.startswith(top + "/")}


@settings(max_examples=effort(20))
@given(world=worlds())
def test_a_subscription_is_seen_by_its_unit_s_readers_and_told_of_its_unit_alone(database, world):
    tree, mandates = world
    scope = scope_of(mandates, TODAY, PERSONAL)
    with planted(database, tree) as tx:
        for path in tree.units:
            tx.execute(insert(tx.tables.outbox), _fact(path)._asdict())
        for i, path in enumerate(tree.units, 1):
            webhooks.keep(tx, _subscription(i, path))
        seen = webhooks.webhooks(tx, scope, limit=999)
        assert {row.unit_path for row in seen} == {path for path in tree.units if _sees(mandates, path)}
        for row in seen:
            told = {fact.about_path for fact in webhooks.facts_for(tx, row, NOW + DAY, 999)}
            assert told == {p for p in tree.units if p == row.unit_path or p.startswith(row.unit_path + "/")}
            assert all(_sees(mandates, path) for path in told)


@settings(max_examples=effort(20))
@given(owners=st.lists(st.sampled_from(ADDRESSES), max_size=12))
def test_an_inbox_shows_counts_and_marks_its_owner_s_messages_alone(database, owners):
    with planted(database, Tree(())) as tx:
        for i, owner in enumerate(owners):
            inbox.put(tx, inbox.InboxRow(f"m{i:02}", owner, "deadline", "info", "", "", "", NOW, None))
        everything = [f"m{i:02}" for i in range(len(owners))]
        for owner in ADDRESSES:
            mine = {f"m{i:02}" for i, whose in enumerate(owners) if whose == owner}
            assert {row.message_id for row in inbox.letters(tx, owner, limit=99)} == mine
            assert inbox.unread(tx, owner) == len(mine)
            assert inbox.mark_read(tx, owner, everything, NOW) == len(mine)
            assert inbox.unread(tx, owner) == 0


@given(world=worlds())
def test_persons_show_only_under_a_role_that_may_see_them(world):
    tree, mandates = world
    scope = scope_of(mandates, TODAY, PERSONAL)
    trusted = [m for m in mandates if m.role in PERSONAL]
    for path in tree.villages:
        assert scope.shows_persons(path) == _sees(trusted, path)
        assert scope.covers(path) == _sees(mandates, path)


@settings(max_examples=effort(20))
@given(world=worlds(), size=st.integers(1, 4))
def test_pages_put_together_are_the_whole_list(database, world, size):
    tree, mandates = world
    scope = scope_of(mandates, TODAY, PERSONAL)
    with planted(database, tree) as tx:
        whole = reads.cases(tx, scope, reads.CaseFilter(), limit=99)
        found, after = [], 0
        while page := reads.cases(tx, scope, reads.CaseFilter(), after=after, limit=size):
            found += page
            after = page[-1].id
        assert found == whole
        fed, position = [], changes.START
        while news := changes.changes(tx, scope, position, NOW + timedelta(seconds=1), limit=size):
            fed += news
            position = news[-1].position
        assert [c.case_id for c in fed] == [c.id for c in whole]
