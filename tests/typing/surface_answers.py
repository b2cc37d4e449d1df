"""What the engine answers: every field of every frozen value, with its type."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, assert_type

from rasoat import (
    ActRow,
    CaseRow,
    CaseView,
    Change,
    DeadlineRow,
    DeadlineView,
    Difference,
    DueLine,
    Duplicate,
    Erased,
    EventRow,
    FallsDue,
    HouseholdChange,
    LineageRow,
    MigrationReport,
    Moved,
    Outcome,
    PastCase,
    Punctuality,
    Ran,
    Recalendared,
    Refusal,
    Registered,
    Rehearsal,
    RoundOpened,
    RoundOutlook,
    RoundRow,
    Ruling,
    Shift,
    StateCount,
    Step,
    StoredSetting,
    Text,
    UnitRow,
    WhatIf,
)
from rasoat.deadlines.proof import Proof
from rasoat.engine import rehearsing
from rasoat.engine.definition import Transition, Workflow
from rasoat.engine.judging import Held
from rasoat.engine.migrating import Blocked, MigrationPlan
from rasoat.engine.moving import DeadlineLine
from rasoat.workflows.plans.outlooks import VillageOutlook


def act_row(value: ActRow) -> None:
    assert_type(value.id, int)
    assert_type(value.trigger, str)
    assert_type(value.form, str)
    assert_type(value.unit_path, str)
    assert_type(value.occurred_on, date)
    assert_type(value.recorded_at, datetime)
    assert_type(value.actor, str)
    assert_type(value.role, str)
    assert_type(value.on_behalf_of, str | None)
    assert_type(value.document, str | None)
    assert_type(value.body, str)
    assert_type(value.digest, bytes)


def case_row(value: CaseRow) -> None:
    assert_type(value.id, int)
    assert_type(value.round_id, int)
    assert_type(value.household_id, int)
    assert_type(value.unit_path, str)
    assert_type(value.workflow, str)
    assert_type(value.state, str)
    assert_type(value.seq, int)
    assert_type(value.last_on, date)
    assert_type(value.class_before, str)
    assert_type(value.class_after, str | None)
    assert_type(value.facts, str)
    assert_type(value.head, bytes)


def case_view(value: CaseView) -> None:
    assert_type(value.case, CaseRow)
    assert_type(value.household_code, str)
    assert_type(value.workflow, Workflow)
    assert_type(value.events, tuple[EventRow, ...])
    assert_type(value.acts, Mapping[int, ActRow])
    assert_type(value.deadlines, tuple[DeadlineRow, ...])
    assert_type(value.certificate, str | None)


def change(value: Change) -> None:
    assert_type(value.deadline_id, int)
    assert_type(value.kind, str)
    assert_type(value.old_due_on, date)
    assert_type(value.new_due_on, date)
    assert_type(value.status, str)


def deadline_row(value: DeadlineRow) -> None:
    assert_type(value.id, int)
    assert_type(value.subject, str)
    assert_type(value.subject_id, int)
    assert_type(value.round_id, int)
    assert_type(value.unit_path, str)
    assert_type(value.workflow, str)
    assert_type(value.rule, str)
    assert_type(value.kind, str)
    assert_type(value.owner_role, str)
    assert_type(value.owner_path, str)
    assert_type(value.started_on, date)
    assert_type(value.length, int)
    assert_type(value.unit, str)
    assert_type(value.calendar, str)
    assert_type(value.due_on, date)
    assert_type(value.due_at, datetime)
    assert_type(value.next_at, datetime | None)
    assert_type(value.status, str)
    assert_type(value.provisional, bool)
    assert_type(value.opened_seq, int)
    assert_type(value.breached_at, datetime | None)
    assert_type(value.closed_on, date | None)
    assert_type(value.cause, str | None)


def deadline_view(value: DeadlineView) -> None:
    assert_type(value.held, Held)
    assert_type(value.remaining, int | None)
    assert_type(value.consumed, int | None)
    assert_type(value.proof(), Proof)


def difference(value: Difference) -> None:
    assert_type(value.code, str)
    assert_type(value.column, str)
    assert_type(value.member, int | None)
    assert_type(value.kept, str | None)
    assert_type(value.given, str | None)
    assert_type(value.deciding, bool)


def due_line(value: DueLine) -> None:
    assert_type(value.unit_path, str)
    assert_type(value.workflow, str)
    assert_type(value.rule, str)
    assert_type(value.owner_role, str)
    assert_type(value.owner_path, str)
    assert_type(value.due_on, date)
    assert_type(value.count, int)
    assert_type(value.days, int)


def duplicate(value: Duplicate) -> None:
    assert_type(value.code, str)
    assert_type(value.other_code, str)
    assert_type(value.by, str)


def erased(value: Erased) -> None:
    assert_type(value.household_id, int)
    assert_type(value.case_ids, tuple[int, ...])


def event_row(value: EventRow) -> None:
    assert_type(value.case_id, int)
    assert_type(value.seq, int)
    assert_type(value.kind, str)
    assert_type(value.trigger, str)
    assert_type(value.from_state, str)
    assert_type(value.to_state, str)
    assert_type(value.act_id, int | None)
    assert_type(value.occurred_on, date)
    assert_type(value.recorded_at, datetime)
    assert_type(value.actor, str)
    assert_type(value.payload, str)
    assert_type(value.hash, bytes)


def falls_due(value: FallsDue) -> None:
    assert_type(value.due_on, date)
    assert_type(value.unit_path, str)
    assert_type(value.workflow, str)
    assert_type(value.rule, str)
    assert_type(value.owner_role, str)
    assert_type(value.owner_path, str)
    assert_type(value.outcome, str)
    assert_type(value.count, int)


def household_change(value: HouseholdChange) -> None:
    assert_type(value.households, Mapping[str, int])
    assert_type(value.followed, tuple[int, ...])
    assert_type(value.withdrawn, tuple[int, ...])


def lineage_row(value: LineageRow) -> None:
    assert_type(value.id, int)
    assert_type(value.household_id, int)
    assert_type(value.kind, str)
    assert_type(value.other_id, int | None)
    assert_type(value.old_code, str)
    assert_type(value.new_code, str)
    assert_type(value.old_path, str)
    assert_type(value.new_path, str)
    assert_type(value.on_day, date)
    assert_type(value.recorded_at, datetime)
    assert_type(value.actor, str)
    assert_type(value.document, str)
    assert_type(value.on_behalf_of, str | None)
    assert_type(value.old_area, str | None)
    assert_type(value.new_area, str | None)


def migration_report(value: MigrationReport) -> None:
    assert_type(value.plan, MigrationPlan)
    assert_type(value.written, bool)
    assert_type(value.states, Mapping[tuple[str, str], int])
    assert_type(value.deadlines, Mapping[DeadlineLine, int])
    assert_type(value.rounds, Mapping[str, tuple[str, str]])
    assert_type(value.blocked, tuple[Blocked, ...])
    assert_type(value.finished, int)
    assert_type(value.stopped_short, bool)
    assert_type(value.moved, int)


def moved(value: Moved) -> None:
    assert_type(value.case_id, int)
    assert_type(value.from_state, str)
    assert_type(value.to_state, str)


def outcome(value: Outcome) -> None:
    assert_type(value.act_id, int | None)
    assert_type(value.accepted, tuple[Moved, ...])
    assert_type(value.refused, tuple[Refusal, ...])
    assert_type(value.ok, bool)


def past_case(value: PastCase) -> None:
    assert_type(value.case, CaseRow)
    assert_type(value.as_of, date)
    assert_type(value.known_at, datetime)
    assert_type(value.events, tuple[EventRow, ...])
    assert_type(value.deadlines, tuple[DeadlineRow, ...])
    assert_type(value.certificate, str | None)
    assert_type(value.facts, Mapping[str, Any])


def punctuality(value: Punctuality) -> None:
    assert_type(value.unit_path, str)
    assert_type(value.workflow, str)
    assert_type(value.rule, str)
    assert_type(value.on_time, int)
    assert_type(value.late, int)
    assert_type(value.running_late, int)
    assert_type(value.breached, int)
    assert_type(value.days_late, int)
    assert_type(value.worst, int)
    assert_type(value.on_time_rate, float)
    assert_type(value.total, int)


def ran(value: Ran) -> None:
    assert_type(value.fired, int)
    assert_type(value.rungs, int)
    assert_type(value.breaches, int)
    assert_type(value.met, int)
    assert_type(value.groups, int)
    assert_type(value.conflicts, int)
    assert_type(value.failed, int)
    assert_type(value.refused, int)
    assert_type(value.stopped_short, bool)


def recalendared(value: Recalendared) -> None:
    assert_type(value.shifts, tuple[Shift, ...])
    assert_type(value.firm, int)
    assert_type(value.checked, int)
    assert_type(value.provisional, int)
    assert_type(value.moved, int)


def refusal(value: Refusal) -> None:
    assert_type(value.code, str)
    assert_type(value.article, str)
    assert_type(value.fields, Mapping[str, object])
    assert_type(value.case_id, int | None)
    assert_type(value.reason, Text)


def registered(value: Registered) -> None:
    assert_type(value.ids, Mapping[str, int])
    assert_type(value.new, int)
    assert_type(value.refused, tuple[Duplicate, ...])
    assert_type(value.flagged, tuple[Duplicate, ...])
    assert_type(value.differing, tuple[Difference, ...])


def rehearsal(value: Rehearsal) -> None:
    assert_type(value.cases, int)
    assert_type(value.differences, tuple[rehearsing.Difference, ...])
    assert_type(value.left_out, Mapping[int, Text])
    assert_type(value.unchanged, int)
    assert_type(value.summary(), Counter[tuple[str, str, str, str]])


def round_opened(value: RoundOpened) -> None:
    assert_type(value.round, RoundRow)
    assert_type(value.case_ids, Mapping[str, int])
    assert_type(value.new, int)


def round_outlook(value: RoundOutlook) -> None:
    assert_type(value.round, RoundRow)
    assert_type(value.deadline, DeadlineRow)
    assert_type(value.label, Text)
    assert_type(value.article, str)
    assert_type(value.villages, tuple[VillageOutlook, ...])
    assert_type(value.end, date)
    assert_type(value.impossible_on, date | None)
    assert_type(value.lost(date(2022, 10, 3)), tuple[VillageOutlook, ...])


def round_row(value: RoundRow) -> None:
    assert_type(value.id, int)
    assert_type(value.code, str)
    assert_type(value.workflow, str)
    assert_type(value.unit_path, str)
    assert_type(value.started_on, date)
    assert_type(value.ends_on, date | None)
    assert_type(value.plan, str | None)
    assert_type(value.created_at, datetime)


def ruling(value: Ruling) -> None:
    assert_type(value.changed, tuple[Change, ...])
    assert_type(value.refused, tuple[Refusal, ...])
    assert_type(value.ok, bool)


def shift(value: Shift) -> None:
    assert_type(value.unit_path, str)
    assert_type(value.workflow, str)
    assert_type(value.rule, str)
    assert_type(value.old_due_on, date)
    assert_type(value.new_due_on, date)
    assert_type(value.decision, str)
    assert_type(value.count, int)


def state_count(value: StateCount) -> None:
    assert_type(value.unit_path, str)
    assert_type(value.state, str)
    assert_type(value.count, int)


def step(value: Step) -> None:
    assert_type(value.case, CaseRow)
    assert_type(value.transition, Transition)
    assert_type(value.facts, Mapping[str, Any])
    assert_type(value.facts_text, str)
    assert_type(value.role, str)
    assert_type(value.class_after, str | None)


def stored_setting(value: StoredSetting) -> None:
    assert_type(value.unit_path, str)
    assert_type(value.workflow, str)
    assert_type(value.key, str)
    assert_type(value.value, Any)


def text(value: Text) -> None:
    assert_type(value.vi, str)
    assert_type(value.en, str)
    assert_type(value.within("vi"), str)


def unit_row(value: UnitRow) -> None:
    assert_type(value.path, str)
    assert_type(value.code, str)
    assert_type(value.level, str)
    assert_type(value.name, str)
    assert_type(value.valid_from, date)
    assert_type(value.valid_to, date | None)


def what_if(value: WhatIf) -> None:
    assert_type(value.until, date)
    assert_type(value.expected, tuple[FallsDue, ...])
    assert_type(value.supposed, tuple[FallsDue, ...])
    assert_type(value.moved, int)
    assert_type(value.refused, Mapping[str, int])
    assert_type(value.added, tuple[FallsDue, ...])
    assert_type(value.removed, tuple[FallsDue, ...])
