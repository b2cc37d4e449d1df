"""What lies ahead and how punctual one was: agenda, on-time rates, what-if, a desk's calendar, the clock."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import date
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from ...engine import punctuality, queries
from ...engine.simulating import FallsDue, Supposition
from ...foundation.errors import InputError, NotFoundError, PermissionDeniedError
from ...foundation.messages import fault
from ...persistence import reads
from ..asking import Acting, Administering, Code, Day, Key, Reading, UnitPath
from ..offering import AS_TABLE, Page, listed
from ..planned import plan_for
from ..problems import TextOut
from ..representations import DueLineOut

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from ...deadlines.calendar import Calendar
    from ...persistence.database import Tx
    from ...workflows.plans.outlooks import RoundOutlook, VillageOutlook
    from ..desk import Session

__all__ = ["router"]

router = APIRouter(tags=["committee"])
_ICALENDAR = "text/calendar"
_MOST_GROUPS = 2_000
_Form = dict[str, Any]


class AgendaQuery(BaseModel):
    """How far ahead, and where."""

    model_config = ConfigDict(extra="forbid")

    unit: UnitPath | None = None
    working_days: int = Field(3, ge=0, le=60)


class PunctualityQuery(BaseModel):
    """Terms whose last day lies in a period, counted by unit or by owner."""

    model_config = ConfigDict(extra="forbid")

    unit: UnitPath | None = None
    by: punctuality.By = punctuality.By.COMMUNE
    since: Day | None = None
    through: Day | None = None


class PunctualityOut(BaseModel):
    """How one unit kept one kind of term; rates are from 0 to 1."""

    unit: str
    workflow: str
    rule: str
    on_time: int
    late: int
    running_late: int
    total: int
    on_time_rate: float


class VillageOutlookOut(BaseModel):
    """A village: the step that decides, and until when; `standing` is made, safe, at_risk or lost."""

    unit: str
    cases: int
    standing: Literal["made", "safe", "at_risk", "lost"]
    step: str | None = Field(None, description="The step that decides; null once made")
    safe: date | None = Field(None, description="Until here there is room for a complaint")
    possible: date | None = Field(None, description="The last day, if nobody complains")
    impossible_from: date | None = Field(None, description="From here on it is too late")

    @classmethod
    def of(cls, found: VillageOutlook, today: date) -> VillageOutlookOut:
        """Return a village as JSON shows it."""
        each = found.outlook
        if each is None:
            return cls.model_validate({"unit": found.unit_path, "cases": found.cases, "standing": "made"})
        return cls.model_validate(
            {
                "unit": found.unit_path, "cases": found.cases, "standing": each.standing(today), "step": each.step.key,
                "safe": each.safe, "possible": each.possible, "impossible_from": each.impossible_from,
            }
        )  # fmt: skip


class OutlookOut(BaseModel):
    """A round against one date by which its last case must have ended."""

    rule: str
    label: TextOut
    end: date
    impossible_on: date | None = Field(description="From this day it is certain that the round fails; null: it is made")
    lost: bool
    villages: list[VillageOutlookOut]

    @classmethod
    def of(cls, found: RoundOutlook, today: date) -> OutlookOut:
        """Return a round's outlook as JSON shows it."""
        return cls(
            rule=found.deadline.rule,
            label=TextOut.of(found.label),
            end=found.end,
            impossible_on=found.impossible_on,
            lost=bool(found.lost(today)),
            villages=[VillageOutlookOut.of(village, today) for village in found.villages],
        )


class SuppositionIn(BaseModel):
    """Suppose an act in some villages: on a day, or on the so-many-th working day of the term that runs."""

    model_config = ConfigDict(extra="forbid")

    trigger: Key
    units: list[UnitPath] = Field(min_length=1, max_length=100)
    on: Day | None = None
    working_day: int | None = Field(None, ge=1, le=1_000)
    households: int | None = Field(None, ge=1, le=100_000, description="Only the first ones of each village")
    body: _Form = Field(default_factory=dict)
    row: _Form = Field(default_factory=dict)


class WhatIfIn(BaseModel):
    """Suppositions, and the day through which time passes; `units` are looked at besides those supposed about."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "until": "2022-11-30",
                    "suppositions": [{"trigger": "survey", "units": ["42/446/18766/18766-01"], "on": "2022-10-12"}],
                }
            ]
        },
    )

    until: Day
    suppositions: list[SuppositionIn] = Field(default_factory=list, max_length=20)
    units: list[UnitPath] = Field(default_factory=list, max_length=100)


class FallsDueOut(BaseModel):
    """Deadlines of one village with one last day, and what became of them in the trial."""

    due_on: date
    unit: str
    workflow: str
    rule: str
    owner_role: str
    owner_unit: str
    outcome: str
    count: int

    @classmethod
    def all(cls, lines: Iterable[FallsDue]) -> list[FallsDueOut]:
        """Return lines as JSON shows them."""
        return [
            cls(
                due_on=each.due_on, unit=each.unit_path, workflow=each.workflow, rule=each.rule,
                owner_role=each.owner_role, owner_unit=each.owner_path, outcome=each.outcome, count=each.count,
            )
            for each in lines
        ]  # fmt: skip


class WhatIfOut(BaseModel):
    """What falls due as things stand, and what more or no longer with the suppositions."""

    until: date
    expected: list[FallsDueOut]
    added: list[FallsDueOut]
    removed: list[FallsDueOut]
    moved: int
    refused: dict[str, int]


class DeskQuery(BaseModel):
    """A desk: a role in a unit."""

    model_config = ConfigDict(extra="forbid")

    role: Key
    unit: UnitPath
    language: Literal["vi", "en"] = "vi"


class MilestonesIn(BaseModel):
    """A campaign plan by its key."""

    model_config = ConfigDict(extra="forbid")

    plan: Code


class MilestonesOut(BaseModel):
    """How many dates were new."""

    opened: int


class RecalendarIn(BaseModel):
    """Where; `dry_run` only tells."""

    model_config = ConfigDict(extra="forbid")

    unit: UnitPath
    dry_run: bool = True


class ShiftOut(BaseModel):
    """Deadlines of one village under one rule that go from one last day to another."""

    unit: str
    workflow: str
    rule: str
    old_due_on: date
    new_due_on: date
    decision: str
    count: int


class RecalendaredOut(BaseModel):
    """What the calendar as known now moves; `provisional`: rests on undecided days now, `firm`: does not any more."""

    shifts: list[ShiftOut]
    firm: int
    provisional: int
    checked: int


class RanOut(BaseModel):
    """What one run of the clock did; `stopped_short`: more is due, ask again."""

    fired: int
    rungs: int
    breaches: int
    met: int
    conflicts: int
    failed: int
    refused: int
    stopped_short: bool


@router.get("/v1/committee/agenda", response_model=Page[DueLineOut], responses=AS_TABLE)
def agenda(request: Request, session: Reading, asked: Annotated[AgendaQuery, Query()]) -> Response:
    """Tell what is overdue, due today and due within the next working days."""
    with _asking(session) as (tx, calendar):
        lines = queries.agenda(
            tx, session.today, calendar, working_days=asked.working_days, unit_path=asked.unit, scope=session.scope
        )
    return listed(request, DueLineOut, [DueLineOut.of(line) for line in lines], None)


@router.get("/v1/committee/punctuality", response_model=Page[PunctualityOut], responses=AS_TABLE)
def on_time(request: Request, session: Reading, asked: Annotated[PunctualityQuery, Query()]) -> Response:
    """Tell on-time rates by unit and step, of terms whose last day lies in a period."""
    with _asking(session) as (tx, calendar):
        found = punctuality.punctuality(
            tx,
            session.today,
            calendar,
            by=asked.by,
            since=asked.since,
            through=asked.through,
            unit_path=asked.unit,
            scope=session.scope,
        )
    items = [
        PunctualityOut(
            unit=each.unit_path, workflow=each.workflow, rule=each.rule, on_time=each.on_time, late=each.late,
            running_late=each.running_late, total=each.total, on_time_rate=each.on_time_rate,
        )
        for each in found
    ]  # fmt: skip
    return listed(request, PunctualityOut, items, None)


@router.get("/v1/rounds/{code}/outlooks", tags=["rounds"])
def outlooks(session: Reading, code: Annotated[Code, Path(description="The round's code")]) -> list[OutlookOut]:
    """Tell by when each village must have done its next step for the round to make its dates, and what is lost."""
    with session.facade.queries.read() as tx:
        opened_in = reads.round_seen(tx, session.scope, code)
    if opened_in is None or not session.scope.covers(opened_in.unit_path):
        raise fault(NotFoundError, "found.no_round", code=code)
    return [OutlookOut.of(found, session.today) for found in session.facade.outlooks(code)]


@router.post("/v1/what-if")
def what_if(session: Reading, asked: WhatIfIn) -> WhatIfOut:
    """Say what falls due when, and on whose desk, if something happened. Tried on a copy: nothing is changed."""
    units = [*asked.units, *(path for each in asked.suppositions for path in each.units)]
    if not units:
        raise fault(InputError, "simulating.unit")
    for path in units:
        _require_covered(session, path)
    suppositions = [
        Supposition(
            each.trigger, tuple(each.units), each.on, each.working_day, each.households, body=each.body, row=each.row
        )
        for each in asked.suppositions
    ]
    found = session.facade.what_if(suppositions, asked.until, unit_paths=asked.units)
    return WhatIfOut(
        until=found.until,
        expected=FallsDueOut.all(_seen(session, found.expected)),
        added=FallsDueOut.all(_seen(session, found.added)),
        removed=FallsDueOut.all(_seen(session, found.removed)),
        moved=found.moved,
        refused=dict(found.refused),
    )


@router.get("/v1/feeds/desk", response_class=Response, responses={200: {"content": {_ICALENDAR: {}}}})
def desk_feed(session: Reading, asked: Annotated[DeskQuery, Query()]) -> Response:
    """Give the open deadlines on a desk as an iCalendar feed, one entry a village, step and last day."""
    _require_covered(session, asked.unit)
    written = session.facade.desk_feed(asked.role, asked.unit, asked.language)
    return Response(written, media_type=f"{_ICALENDAR}; charset=utf-8")


@router.post("/v1/rounds/{code}/milestones", status_code=201, tags=["rounds"])
def milestones(
    session: Acting, code: Annotated[Code, Path(description="The round's code")], asked: MilestonesIn
) -> MilestonesOut:
    """Open the dates that a campaign plan sets for the round; those that are open already stay as they are."""
    with session.facade.database.read() as tx:
        opened_in = reads.round_seen(tx, session.scope, code)
    if opened_in is None:
        raise fault(NotFoundError, "found.no_round", code=code)
    session.require_registrar(opened_in.unit_path)
    plan = plan_for(session, asked.plan, code, opened_in.unit_path, opened_in.started_on)
    return MilestonesOut(opened=session.facade.open_milestones(code, plan))


@router.post("/v1/calendar/recalendar", tags=["operations"])
def recalendar(session: Administering, asked: RecalendarIn) -> RecalendaredOut:
    """Move the open deadlines that the calendar as known now puts elsewhere, or only tell which (`dry_run`)."""
    _require_covered(session, asked.unit)
    done = session.facade.recalendar(unit_path=asked.unit, dry_run=asked.dry_run)
    shifts = [
        ShiftOut(
            unit=each.unit_path, workflow=each.workflow, rule=each.rule, old_due_on=each.old_due_on,
            new_due_on=each.new_due_on, decision=each.decision, count=each.count,
        )
        for each in done.shifts
    ]  # fmt: skip
    return RecalendaredOut(shifts=shifts, firm=done.firm, provisional=done.provisional, checked=done.checked)


@router.post("/v1/due/run", tags=["operations"])
def run_due(session: Administering) -> RanOut:
    """Do what is due at this instant, as the worker does: for an installation whose clock is its own scheduler."""
    ran = session.facade.run_due(max_groups=_MOST_GROUPS)
    return RanOut(**{name: getattr(ran, name) for name in RanOut.model_fields})


@contextmanager
def _asking(session: Session) -> Iterator[tuple[Tx, Callable[[str], Calendar]]]:
    """Open what the committee asks: today's calendar of each unit, and a transaction that only reads."""
    with session.facade.queries.read() as tx:
        yield tx, partial(session.facade.calendar_for, session.today)


def _require_covered(session: Session, path: str) -> None:
    if not session.scope.covers(path):
        raise fault(PermissionDeniedError, "mandate.unit", unit=path)


def _seen(session: Session, lines: Iterable[FallsDue]) -> list[FallsDue]:
    return [line for line in lines if session.scope.covers(line.unit_path)]
