"""The clock of a round itself: its season's end, the dates of its plan. Fixed dates that belong to no single case."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from ..deadlines.ladder import ladder, next_wake
from ..foundation.clock import LEGAL_ZONE, end_of, legal_date, start_of
from ..foundation.errors import InputError
from ..foundation.messages import Text, fault, message
from ..persistence.canonical import canonical_json
from ..persistence.deadlines import Closing, DeadlineRow, LedgerEntry, insert_deadlines, insert_entries, open_of
from .definition import Article, Confidence, DeadlineKind, DeadlineRule, StateKind

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime

    from ..deadlines.calendar import Calendar
    from ..persistence.database import Tx
    from ..persistence.rounds import RoundRow
    from .service import Engine, Library

__all__ = [
    "SEASON_END",
    "FixedDate",
    "ended_on",
    "finished",
    "met_on",
    "open_fixed",
    "open_season_end",
    "round_rule",
    "rule_label",
    "tomorrow",
]

SEASON_END = "season_end"
_LADDER = "round"
_LONGEST_RULE = 32


@dataclass(frozen=True, slots=True)
class FixedDate:
    """A date by which something in a round must be done.

    `rule` names it within the round; `ends_round` says that it is met once every case of the round has ended,
    otherwise its owner records it as met. `source` is the plan or document that sets it.
    """

    rule: str
    label: Text
    due_on: date
    owner_role: str
    owner_path: str
    opens_on: date
    article: str = ""
    source: str = ""
    ends_round: bool = False


def open_season_end(tx: Tx, engine: Engine, opened: RoundRow) -> None:
    """Open the deadline of a round that says when it ends; its owner is the desk at which cases begin."""
    if opened.ends_on is None:
        return
    workflow = engine.library.compiled(opened.workflow).workflow
    fixed = FixedDate(
        rule=SEASON_END,
        label=message("clock.season_end"),
        due_on=opened.ends_on,
        owner_role=workflow.initial.desk or next(iter(workflow.roles)),
        owner_path=opened.unit_path,
        opens_on=opened.started_on,
        article=str(workflow.article),
        source=opened.plan or "",
        ends_round=True,
    )
    open_fixed(tx, engine, opened, [fixed])


def open_fixed(tx: Tx, engine: Engine, opened: RoundRow, dates: Sequence[FixedDate]) -> int:
    """Open fixed dates of a round that are not open yet; return how many were new.

    `InputError` if a name is too long to be kept or a date lies before its own beginning.
    """
    now = engine.clock.now()
    calendar = engine.calendar_for(legal_date(now), opened.unit_path)
    known = {row.rule for row in open_of(tx, [opened.id]).get(opened.id, ())}
    fresh = [fixed for fixed in dates if fixed.rule not in known]
    for fixed in fresh:
        _check(fixed, opened)
    rows = [
        _row(new_id, fixed, opened, calendar, now)
        for new_id, fixed in zip(engine.ids.take(len(fresh)), fresh, strict=True)
    ]
    insert_deadlines(tx, rows)
    insert_entries(tx, [_opening(row, fixed, now) for row, fixed in zip(rows, fresh, strict=True)])
    return len(rows)


def round_rule(row: DeadlineRow, opening: LedgerEntry) -> DeadlineRule:
    """Return the rule of a round's own deadline, as it was opened."""
    detail = json.loads(opening.detail)
    return DeadlineRule(
        key=row.rule,
        label=rule_label(opening),
        kind=DeadlineKind.FIXED,
        term=None,
        lives_in=frozenset(),
        owner=row.owner_role,
        article=Article(detail["article"] or detail["source"] or row.rule, tag=Confidence.SETTING),
        ladder=_LADDER,
    )


def rule_label(opening: LedgerEntry) -> Text:
    """Return what a round's own deadline is about, as it was opened."""
    return Text(**json.loads(opening.detail)["label"])


def finished(opening: LedgerEntry) -> bool:
    """Whether a fixed date is met by the end of its round's last case."""
    return bool(json.loads(opening.detail)["ends_round"])


def ended_on(tx: Tx, library: Library, round_id: int) -> date | None:
    """Return the day on which the last case of a round ended; None while one has not, or if it has none."""
    case = tx.tables.case
    query = select(case.c.workflow, case.c.state, func.max(case.c.last_on).label("last_on"))
    rows = tx.select(query.where(case.c.round_id == round_id).group_by(case.c.workflow, case.c.state))
    over = [library.compiled(r.workflow).workflow.state(r.state).kind is StateKind.END for r in rows]
    return max(r.last_on for r in rows) if rows and all(over) else None


def met_on(row: DeadlineRow, day: date) -> Closing:
    """Return how a fixed date ends that was met on `day`; a breach that was recorded stays."""
    late = day > row.due_on
    cause = "entered_late" if row.breached_at is not None and not late else None
    return Closing("met_late" if late else "met", day, row.breached_at, cause, row.id)


def tomorrow(now: datetime) -> datetime:
    """Return the next morning at which open rounds are looked at: whether their last case has ended."""
    at, today = ladder(_LADDER).at, legal_date(now)
    morning = start_of(today).replace(hour=at.hour, minute=at.minute, tzinfo=LEGAL_ZONE)
    return morning if morning > now else morning + timedelta(days=1)


def _check(fixed: FixedDate, opened: RoundRow) -> None:
    if len(fixed.rule) > _LONGEST_RULE:
        raise fault(InputError, "rounds.rule_long", code=opened.code, rule=fixed.rule, most=_LONGEST_RULE)
    if fixed.due_on < fixed.opens_on:
        raise fault(
            InputError, "rounds.rule_order", code=opened.code, rule=fixed.rule, due=fixed.due_on, begins=fixed.opens_on
        )


def _row(new_id: int, fixed: FixedDate, opened: RoundRow, calendar: Calendar, now: datetime) -> DeadlineRow:
    rung = next_wake(_LADDER, fixed.due_on, start_of(fixed.opens_on), calendar)
    return DeadlineRow(
        id=new_id,
        subject="round",
        subject_id=opened.id,
        round_id=opened.id,
        unit_path=opened.unit_path,
        workflow=opened.workflow,
        rule=fixed.rule,
        kind=DeadlineKind.FIXED.value,
        owner_role=fixed.owner_role,
        owner_path=fixed.owner_path,
        started_on=fixed.opens_on,
        length=0,
        unit="fixed",
        calendar=calendar.key,
        due_on=fixed.due_on,
        due_at=end_of(fixed.due_on),
        next_at=min(rung or now, tomorrow(now)),
        status="open",
        provisional=False,
        opened_seq=0,
        breached_at=None,
        closed_on=None,
        cause=None,
    )


def _opening(row: DeadlineRow, fixed: FixedDate, now: datetime) -> LedgerEntry:
    detail = {
        "label": fixed.label._asdict(),
        "article": fixed.article,
        "source": fixed.source,
        "ends_round": fixed.ends_round,
    }
    return LedgerEntry(
        row.id, 1, "opened", fixed.opens_on, now, "system", fixed.source, canonical_json(detail).decode()
    )
