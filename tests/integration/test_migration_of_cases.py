"""01/07/2025: a round that began under the district ends under the province, on both databases."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, timedelta

import pytest
from sqlalchemy import select

from rasoat.engine import rehoming
from rasoat.engine.migrating import UnitChange, settled
from rasoat.engine.moving import Migration, Scope
from rasoat.engine.values import Actor, ActRequest, Mandate
from rasoat.foundation.errors import DefinitionError, InputError
from rasoat.registry import Household, Person
from rasoat.workflows.migrations import shipped_migrations
from tests.support.invariants import broken
from tests.support.regimes import NEW, OLD, ROUND, STARTED, JuneRound, june_round

PLAN = shipped_migrations()["2025-07-01.annual"]


@pytest.fixture
def june(database_url, tmp_path):
    started = JuneRound.open(database_url, tmp_path)
    yield started
    started.engine.close()


def migration(june, scope=None, **chosen):
    return Migration(june.engine.database, june.engine.engine, settled(PLAN, chosen), scope or Scope())


def whole(june):
    return broken(june.engine.database, june.engine.library)


def states(june):
    return {june.engine.case(i).case.state for i in june.ids()}


def running(june, case_id):
    return {d.rule: d for d in june.engine.case(case_id).deadlines if d.closed_on is None}


def test_a_round_of_june_2025_ends_under_the_new_regime_with_its_history_intact(june):
    ids = june.ids()
    june.to_posted(ids, date(2025, 6, 20))
    june.to_settled(date(2025, 6, 26))
    june.to_reported(ids, date(2025, 6, 27))
    before = {i: june.engine.case(i).events for i in ids}

    june.move_to(date(2025, 7, 1), 9)
    report = migration(june).apply("admin")
    assert (report.moved, report.blocked, report.finished) == (len(ids), (), 0)
    assert whole(june) == []

    june.to_decided(ids, date(2025, 7, 2), date(2025, 7, 8), date(2025, 7, 9))
    assert states(june) <= {"recognised", "not_poor"}
    assert whole(june) == []
    for case_id in ids:
        view = june.engine.case(case_id)
        assert view.events[: len(before[case_id])] == before[case_id]
        assert [e.kind for e in view.events].count("migration") == 1
        assert view.case.workflow == "annual@2025"
        assert view.case.unit_path.startswith(NEW + "/")
        opinion = next(d for d in view.deadlines if d.rule == "opinion")
        assert (opinion.owner_path, opinion.workflow) == ("42", "annual@2025")


def test_the_round_its_units_and_its_households_lose_the_district(june):
    june.move_to(date(2025, 7, 1), 9)
    migration(june).apply("admin")
    tables = june.engine.database.tables
    with june.engine.database.read() as tx:
        [place] = tx.select(select(tables.round))
        households = {row.unit_path for row in tx.select(select(tables.household.c.unit_path))}
        units = {row.path: row.valid_to for row in tx.select(select(tables.unit))}
        lineage = {(row.old_path, row.new_path) for row in tx.select(select(tables.unit_lineage))}
    assert (place.workflow, place.unit_path) == ("annual@2025", NEW)
    assert households == {f"{NEW}/01", f"{NEW}/02"}
    assert units[OLD] == units[f"{OLD}/01"] == date(2025, 6, 30)
    assert units[NEW] is None
    assert (f"{OLD}/02", f"{NEW}/02") in lineage
    assert june.engine.left_out(ROUND) == []


def test_a_household_put_forward_later_opens_in_the_moved_round(june):
    june.move_to(date(2025, 7, 1), 9)
    migration(june).apply("admin")
    case = june.engine.case(june.ids()[0]).case
    assert june.engine.library.in_force("annual", date(2025, 7, 1)).id == case.workflow


def test_a_posting_that_runs_keeps_its_last_day_and_closes_by_itself_afterwards(june):
    ids = june.ids()
    june.to_posted(ids, date(2025, 6, 30))
    due = running(june, ids[0])["posting"].due_on
    june.move_to(date(2025, 7, 1), 9)
    migration(june).apply("admin")
    moved = running(june, ids[0])["posting"]
    assert (moved.due_on, moved.unit_path) == (due, f"{NEW}/01")
    june.to_settled(due + timedelta(days=1))
    assert states(june) == {"settled"}
    assert whole(june) == []


def test_a_posting_that_ran_out_unseen_blocks_its_cases_until_the_worker_came(june):
    ids = june.ids()
    june.to_posted(ids, date(2025, 6, 20))
    june.move_to(date(2025, 7, 1), 9)
    report = migration(june).apply("admin")
    assert report.moved == 0
    assert {(b.case_id, b.code) for b in report.blocked} == {(i, "timer_due") for i in ids}
    june.engine.run_due()
    assert migration(june).apply("admin").moved == len(ids)
    assert whole(june) == []


def test_a_village_goes_over_together_so_that_its_barriers_find_every_household(june):
    """One household's posting ran out unseen: its village waits for it, the other village does not."""
    one, others = june.ids(1)[:1], june.ids(1)[1:]
    june.to_posted(june.ids(), date(2025, 6, 24))
    june.to_rechecked(others, date(2025, 6, 25), date(2025, 6, 25), date(2025, 6, 27))
    june.to_rechecked(june.ids(2), date(2025, 6, 25), date(2025, 6, 25), date(2025, 6, 27))
    june.move_to(date(2025, 7, 1), 9)
    report = migration(june).apply("admin")
    assert report.states == {("reposted", "reposted"): len(june.ids(2))}
    assert {(b.case_id, b.code) for b in report.blocked} == {(one[0], "timer_due"), *((i, "village") for i in others)}
    june.engine.run_due()
    assert migration(june).apply("admin").moved == len(june.ids(1))
    assert whole(june) == []


@pytest.mark.parametrize(
    ("answer", "state", "due"),
    [
        ("forward", "reported", None),
        ("keep_term", "awaiting_opinion", date(2025, 7, 7)),
        ("restart_term", "awaiting_opinion", date(2025, 7, 8)),
        ("report_again", "summarised", None),
    ],
)
def test_a_report_the_district_holds_goes_on_as_chosen(june, answer, state, due):
    """Doubt D3: no transitional rule was found, so the four answers are settings of the plan."""
    ids = june.ids()
    june.to_posted(ids, date(2025, 6, 20))
    june.to_settled(date(2025, 6, 26))
    june.to_reported(ids, date(2025, 6, 27))
    june.must("receive_report", date(2025, 6, 30), ids)
    june.move_to(date(2025, 7, 1), 9)
    migration(june, pending_at_district=answer).apply("admin")
    view = june.engine.case(ids[0])
    assert view.case.state == state
    found = running(june, ids[0]).get("opinion")
    assert (found.due_on if found else None) == due
    assert json.loads(view.events[-1].payload)["chosen"] == {"pending_at_district": answer}
    if found:
        assert (found.owner_role, found.owner_path) == ("superior_chair", "42")
    assert whole(june) == []


def test_a_restarted_term_leaves_the_old_one_superseded(june):
    ids = june.ids()
    june.to_posted(ids, date(2025, 6, 20))
    june.to_settled(date(2025, 6, 26))
    june.to_reported(ids, date(2025, 6, 27))
    june.must("receive_report", date(2025, 6, 30), ids)
    june.move_to(date(2025, 7, 1), 9)
    migration(june, pending_at_district="restart_term").apply("admin")
    opinions = [d for d in june.engine.case(ids[0]).deadlines if d.rule == "opinion"]
    assert [(d.status, d.started_on, d.cause) for d in opinions] == [
        ("superseded", date(2025, 6, 30), "migration"),
        ("open", date(2025, 7, 1), None),
    ]


def test_a_breach_recorded_before_the_move_stays_and_is_not_recorded_twice(june):
    ids = june.ids()
    june.to_posted(ids, date(2025, 6, 12))
    june.to_settled(date(2025, 6, 18))
    june.to_reported(ids, date(2025, 6, 18))
    june.must("receive_report", date(2025, 6, 18), ids)
    june.to_settled(date(2025, 6, 28))  # 5 working days from 18/6 ended with 25/6
    breached = running(june, ids[0])["opinion"].breached_at
    assert breached is not None
    june.move_to(date(2025, 7, 1), 9)
    migration(june, pending_at_district="keep_term").apply("admin")
    june.to_settled(date(2025, 7, 3))
    assert running(june, ids[0])["opinion"].breached_at == breached
    assert [e.kind for e in june.engine.case(ids[0]).events].count("breach") == 1
    assert whole(june) == []


def test_cases_that_have_ended_keep_their_definition(june):
    ended, other = june.ids(1), june.ids(2)
    june.must("list_managed", date(2025, 6, 3), [*ended, *other])
    leaving = Actor("cb01", (Mandate("committee", OLD),))
    reasons = {i: {"reason": "chuyển đi"} for i in ended}
    assert june.engine.fire_many(ActRequest("withdraw", tuple(ended), date(2025, 6, 3), leaving, rows=reasons)).ok
    june.move_to(date(2025, 7, 1), 9)
    judged = migration(june).dry_run()
    assert (judged.moved, judged.finished) == (len(other), len(ended))
    report = migration(june).apply("admin")
    assert (report.moved, report.finished) == (len(other), len(ended))
    assert {june.engine.case(i).case.workflow for i in ended} == {"annual@2022"}


def test_a_case_that_took_a_step_after_the_plans_day_goes_over_after_that_step(june):
    june.must("list_managed", date(2025, 7, 2), june.ids(1))
    june.move_to(date(2025, 7, 3), 9)
    migration(june).apply("admin")
    days = {i: june.engine.case(i).events[-1].occurred_on for i in june.ids()}
    assert {days[i] for i in june.ids(1)} == {date(2025, 7, 2)}
    assert {days[i] for i in june.ids(2)} == {date(2025, 7, 1)}
    june.must("survey", date(2025, 7, 2), june.ids(1))
    assert "refused.before_previous" in {
        r.code for r in june.act("list_managed", date(2025, 6, 30), june.ids(2)).refused
    }


def test_the_end_of_the_season_goes_with_its_round(june):
    june_round(june.engine, "18766-2025-07", OLD, date(2025, 6, 20), date(2025, 12, 14))
    june.move_to(date(2025, 6, 20), 9)
    head = Person("Chủ hộ mới", "head", "1960-02-02", "female")
    june.engine.register_households([Household("N1", f"{OLD}/01", (head,), "rural", "poor")])
    opened = june.engine.put_forward("18766-2025-07", {"N1": {"origin": "managed"}}, date(2025, 6, 20))
    june.move_to(date(2025, 7, 1), 9)
    migration(june, Scope(round_id=opened.round.id)).apply("admin")
    deadline = june.engine.database.tables.deadline
    with june.engine.database.read() as tx:
        [row] = tx.select(select(deadline).where(deadline.c.subject == "round"))
    assert (row.workflow, row.unit_path, row.owner_path) == ("annual@2025", NEW, NEW)
    assert row.due_on == date(2025, 12, 14)


def test_a_dry_run_says_what_will_change_and_writes_nothing(june):
    ids = june.ids()
    june.to_posted(ids, date(2025, 6, 20))
    june.to_settled(date(2025, 6, 26))
    june.to_reported(ids, date(2025, 6, 27))
    june.must("receive_report", date(2025, 6, 30), ids)
    before = [june.engine.case(i) for i in ids]
    report = migration(june, pending_at_district="keep_term").dry_run()
    assert [june.engine.case(i) for i in ids] == before
    assert report.states == {("awaiting_opinion", "awaiting_opinion"): len(ids)}
    assert report.rounds == {ROUND: (OLD, NEW)}
    owners = {(line.owner_from, line.owner_to) for line in report.deadlines}
    assert owners == {(("superior_chair", "42/446"), ("superior_chair", "42"))}
    june.move_to(date(2025, 7, 1), 9)
    done = migration(june, pending_at_district="keep_term").apply("admin")
    assert (done.states, done.deadlines, done.rounds) == (report.states, report.deadlines, report.rounds)


def test_a_run_that_was_cut_short_is_finished_by_running_it_again(june):
    ids = june.ids()
    june.move_to(date(2025, 7, 1), 9)
    first = migration(june).apply("admin", batch=2, max_batches=1)
    assert (first.moved, first.stopped_short) == (len(june.ids(1)), True)
    assert {june.engine.case(i).case.workflow for i in june.ids(2)} == {"annual@2022"}
    assert whole(june) == []
    second = migration(june).apply("admin", batch=2)
    assert second.moved == len(june.ids(2))
    assert migration(june).apply("admin").moved == 0
    for case_id in ids:
        assert [e.kind for e in june.engine.case(case_id).events] == ["opened", "migration"]


def test_a_case_that_another_run_moved_meanwhile_is_not_moved_twice(june, monkeypatch):
    """What was read before the locks were held may be old: the locked row decides."""
    june.move_to(date(2025, 7, 1), 9)
    migration(june).apply("admin")
    pages = iter([[(f"{OLD}/01", i) for i in june.ids()]])
    monkeypatch.setattr(Migration, "_page", lambda *_: next(pages, []))
    assert migration(june).apply("admin").moved == 0
    assert [e.kind for e in june.engine.case(june.ids()[0]).events] == ["opened", "migration"]


def test_a_crash_inside_a_batch_undoes_that_batch_alone(june, monkeypatch):
    june.move_to(date(2025, 7, 1), 9)
    written, real = [], rehoming.enqueue

    def failing(tx, rows):
        written.append(1)
        if len(written) == 2:
            msg = "power cut"
            raise RuntimeError(msg)
        real(tx, rows)

    monkeypatch.setattr(rehoming, "enqueue", failing)
    with pytest.raises(RuntimeError, match="power cut"):
        migration(june).apply("admin", batch=2)
    moved = [i for i in june.ids() if june.engine.case(i).case.workflow == "annual@2025"]
    assert moved == june.ids(1)
    assert whole(june) == []
    monkeypatch.undo()
    assert migration(june).apply("admin", batch=2).moved == len(june.ids(2))


def test_a_plan_is_not_carried_out_before_its_day(june):
    with pytest.raises(InputError, match="only a dry run"):
        migration(june).apply("admin")


def test_a_faulty_plan_is_refused_whole(june):
    with pytest.raises(DefinitionError, match="nowhere"):
        Migration(june.engine.database, june.engine.engine, replace(settled(PLAN, {}), states={"listed": "nowhere"}))


def test_only_the_cases_of_the_scope_are_moved(june):
    june.move_to(date(2025, 7, 1), 9)
    report = migration(june, Scope(unit_path=f"{OLD}/01")).apply("admin")
    assert report.moved == len(june.ids(1))
    assert {june.engine.case(i).case.workflow for i in june.ids(2)} == {"annual@2022"}


def test_the_office_on_whose_desk_the_cases_lie_is_told_once_a_village(june):
    june.move_to(date(2025, 7, 1), 9)
    migration(june).apply("admin")
    outbox = june.engine.database.tables.outbox
    with june.engine.database.read() as tx:
        rows = tx.select(select(outbox).where(outbox.c.kind == "migration_done").order_by(outbox.c.about_path))
    assert [(r.role, r.unit_path, r.about_path, json.loads(r.data)["moved"]) for r in rows] == [
        ("committee", NEW, f"{NEW}/01", 3),
        ("committee", NEW, f"{NEW}/02", 3),
    ]


def test_settings_of_the_commune_hold_on_under_the_new_definition(june):
    setting = june.engine.database.tables.setting
    rows = [
        {"unit_path": OLD, "workflow": "annual@2022", "key": "silence_override", "value": "true"},
        {"unit_path": "42/446", "workflow": "annual@2022", "key": "second_recheck", "value": "true"},
    ]
    with june.engine.database.begin() as tx:
        tx.execute(setting.insert(), rows)
    june.move_to(date(2025, 7, 1), 9)
    migration(june).apply("admin")
    with june.engine.database.read() as tx:
        found = june.engine.engine.settings_in_force(tx, "annual@2025", f"{NEW}/01")
    assert found == {"silence_override": True}


SECOND, MERGED = "42/446/18767", "42/18770"


def with_a_neighbour(june):
    """A second commune of the district with a village of the same number, one household and its own round."""
    since = date(2016, 1, 1)
    rows = [(SECOND, "18767", "commune", "Xã Bên"), (f"{SECOND}/01", "01", "village", "Thôn Bên")]
    with june.engine.transaction() as tx:
        units = [
            {"path": p, "code": c, "level": level, "name": n, "valid_from": since, "valid_to": None}
            for p, c, level, n in rows
        ]
        tx.execute(tx.tables.unit.insert(), units)
    head = Person("Chủ hộ bên", "head", "1960-02-02", "female")
    june.engine.register_households([Household("B1", f"{SECOND}/01", (head,), "rural", "poor")])
    june_round(june.engine, "18767-2025-06", SECOND)
    june.engine.put_forward("18767-2025-06", {"B1": {"origin": "managed"}}, STARTED)


def merging(villages):
    return replace(PLAN, units=UnitChange(drops_district=True, recoded={OLD: MERGED, SECOND: MERGED, **villages}))


def test_communes_that_merge_on_the_day_the_district_ends_move_as_the_plan_says(june):
    """The reform of 01/07/2025: two communes become one, without a district; every household keeps its identity."""
    with_a_neighbour(june)
    before = {case: june.engine.case(case).case.household_id for case in [*june.ids(), june.engine.case("B1").case.id]}
    june.move_to(date(2025, 7, 1), 9)
    report = june.engine.migrate(merging({f"{SECOND}/01": f"{MERGED}/11"}), actor="admin")
    assert (report.moved, report.blocked) == (len(june.ids()) + 1, ())
    assert {case: june.engine.case(case).case.household_id for case in before} == before
    assert june.engine.case("B1").case.unit_path == f"{MERGED}/11"
    assert {june.engine.case(case).case.unit_path for case in june.ids()} == {f"{MERGED}/01", f"{MERGED}/02"}
    living = {unit.path: unit.name for unit in june.engine.units() if unit.valid_to is None}
    assert {path: name for path, name in living.items() if path.startswith(MERGED)} == {
        MERGED: "Xã Mẫu", f"{MERGED}/01": "Thôn 1", f"{MERGED}/02": "Thôn 2", f"{MERGED}/11": "Thôn Bên",
    }  # fmt: skip
    lineage = june.engine.database.tables.unit_lineage
    with june.engine.database.read() as tx:
        kinds = {(r.old_path, r.new_path): r.kind for r in tx.select(select(lineage))}
    assert (kinds[OLD, MERGED], kinds[SECOND, MERGED]) == ("merged", "merged")
    assert kinds[f"{SECOND}/01", f"{MERGED}/11"] == "recoded"
    assert not june.engine.migrate(merging({f"{SECOND}/01": f"{MERGED}/11"}), actor="admin").moved


def test_a_merger_that_would_take_one_village_for_another_is_refused_with_its_name(june):
    with_a_neighbour(june)
    june.move_to(date(2025, 7, 1), 9)
    with pytest.raises(InputError, match=f"{SECOND}/01 → {MERGED}/01: another unit lies there"):
        june.engine.migrate(merging({}), actor="admin")
    assert june.engine.case("B1").case.unit_path == f"{SECOND}/01"
