"""When the law changes: plans that move running cases, tried and carried out; recorded rounds rehearsed."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Path
from pydantic import BaseModel, ConfigDict, Field

from ...engine.migrating import MigrationPlan, check_plan
from ...engine.moving import MigrationReport
from ...engine.rehearsing import Rehearsal
from ...foundation.errors import InputError, NotFoundError, PermissionDeniedError
from ...foundation.messages import fault
from ...persistence import reads
from ...workflows.migrations import shipped_migrations
from ..asking import Administering, Code, Key, Reading, UnitPath, WorkflowId
from ..problems import TextOut

if TYPE_CHECKING:
    from ...persistence.database import Database
    from ...persistence.rounds import RoundRow
    from ..desk import Session

__all__ = ["router"]

router = APIRouter(tags=["migrations"])
_Plan = Annotated[Code, Path(description="The plan's key")]
_MOST_BATCHES = 20
_MOST_DIFFERENCES = 10_000


class ChoiceOut(BaseModel):
    """A question the law leaves open, its answers and the one taken if nobody chooses."""

    key: str
    label: TextOut
    doubt: str
    default: str
    options: dict[str, TextOut]


class PlanOut(BaseModel):
    """A plan that moves cases from one definition to another on a day."""

    key: str
    label: TextOut
    source: str
    target: str
    on: date
    document: str
    article: str
    fingerprint: str
    choices: list[ChoiceOut]

    @classmethod
    def of(cls, plan: MigrationPlan) -> PlanOut:
        """Return a plan as JSON shows it."""
        return cls(
            key=plan.key,
            label=TextOut.of(plan.label),
            source=plan.source,
            target=plan.target,
            on=plan.on,
            document=plan.document,
            article=str(plan.article),
            fingerprint=plan.fingerprint,
            choices=[
                ChoiceOut(
                    key=each.key,
                    label=TextOut.of(each.label),
                    doubt=each.doubt,
                    default=each.default,
                    options={key: TextOut.of(option.label) for key, option in each.options.items()},
                )
                for each in plan.choices.values()
            ],
        )


class PlanChecked(BaseModel):
    """The faults of a plan under every answer to its open questions; none: it can be carried out."""

    plan: str
    faults: list[TextOut]


class MigrationIn(BaseModel):
    """Which cases (a round's, a unit's, or both), and the answers to open questions."""

    model_config = ConfigDict(extra="forbid")

    round: Code | None = None
    unit: UnitPath | None = Field(None, description="Path before the move")
    choices: dict[Key, Key] = Field(default_factory=dict)


class DeadlineMoved(BaseModel):
    """What becomes of one village's terms under one rule."""

    unit: str
    rule: str
    how: str
    owner_from: str | None
    owner_to: str | None
    due_from: date | None
    due_to: date | None
    count: int


class StateMoved(BaseModel):
    """How many cases go from one step to another."""

    from_state: str
    to_state: str
    count: int


class BlockedOut(BaseModel):
    """A case that stays where it is, and why."""

    case: str
    code: str
    reason: TextOut


class MigrationOut(BaseModel):
    """What a migration does, or did (`written`). `stopped_short`: more remains; ask again."""

    plan: str
    written: bool
    chosen: dict[str, str]
    moved: int
    finished: int
    states: list[StateMoved]
    deadlines: list[DeadlineMoved]
    blocked: list[BlockedOut]
    stopped_short: bool

    @classmethod
    def of(cls, report: MigrationReport) -> MigrationOut:
        """Return a report as JSON shows it."""
        return cls(
            plan=report.plan.key,
            written=report.written,
            chosen=dict(report.plan.chosen),
            moved=report.moved,
            finished=report.finished,
            states=[StateMoved(from_state=a, to_state=b, count=n) for (a, b), n in sorted(report.states.items())],
            deadlines=[
                DeadlineMoved(
                    unit=line.unit_path, rule=line.rule, how=line.how, owner_from=_desk(line.owner_from),
                    owner_to=_desk(line.owner_to), due_from=line.due_from, due_to=line.due_to, count=count,
                )
                for line, count in sorted(report.deadlines.items(), key=lambda item: (item[0].unit_path, item[0].rule))
            ],
            blocked=[
                BlockedOut(case=str(each.case_id), code=each.code, reason=TextOut.of(each.reason))
                for each in report.blocked
            ],
            stopped_short=report.stopped_short,
        )  # fmt: skip


class RehearsalIn(BaseModel):
    """What is put in the place of what was in force: a definition, a calendar release, settings."""

    model_config = ConfigDict(extra="forbid")

    workflow: WorkflowId | None = None
    calendar: Annotated[str, Field(pattern=r"^[0-9A-Za-z/+._-]{1,64}$")] | None = None
    settings: dict[Key, Any] = Field(default_factory=dict)


class DifferenceOut(BaseModel):
    """One thing that would have been otherwise."""

    case: str
    kind: str
    what: str
    recorded: str
    rehearsed: str


class RehearsalOut(BaseModel):
    """How many cases were replayed and how many unchanged; the first differences; what could not be replayed."""

    cases: int
    unchanged: int
    differences: list[DifferenceOut]
    differences_in_all: int
    left_out: dict[str, TextOut]

    @classmethod
    def of(cls, found: Rehearsal) -> RehearsalOut:
        """Return a rehearsal as JSON shows it."""
        return cls(
            cases=found.cases,
            unchanged=found.unchanged,
            differences=[
                DifferenceOut(
                    case=str(each.case_id), kind=each.kind, what=each.what, recorded=each.recorded,
                    rehearsed=each.rehearsed,
                )
                for each in found.differences[:_MOST_DIFFERENCES]
            ],
            differences_in_all=len(found.differences),
            left_out={str(case_id): TextOut.of(why) for case_id, why in found.left_out.items()},
        )  # fmt: skip


@router.get("/v1/migrations")
def plans(session: Reading) -> list[PlanOut]:  # noqa: ARG001  whoever may read may see the plans
    """List the plans that come with this release."""
    return [PlanOut.of(plan) for plan in shipped_migrations().values()]


@router.get("/v1/migrations/{plan}/check")
def check(session: Reading, plan: _Plan) -> PlanChecked:
    """Check a plan against both definitions, under every answer to its open questions."""
    found, library = _plan(plan), session.facade.library
    faults = check_plan(found, library.workflow(found.source), library.workflow(found.target))
    return PlanChecked(plan=found.key, faults=[TextOut.of(fault) for fault in faults])


@router.post("/v1/migrations/{plan}/dry-run")
def dry_run(session: Administering, plan: _Plan, asked: MigrationIn) -> MigrationOut:
    """Tell what moves, what is blocked and why, which terms change owner or last day. Writes nothing."""
    return _migrated(session, plan, asked, dry_run=True)


@router.post("/v1/migrations/{plan}/apply")
def apply(session: Administering, plan: _Plan, asked: MigrationIn) -> MigrationOut:
    """Move every case that can be moved, batch by batch; asked again it goes on where it stopped."""
    return _migrated(session, plan, asked, dry_run=False)


@router.post("/v1/rounds/{code}/rehearsals", tags=["rounds"])
def rehearsal(
    session: Reading, code: Annotated[Code, Path(description="The round's code")], asked: RehearsalIn
) -> RehearsalOut:
    """Replay a round's recorded acts and tell what would have differed. Nothing is changed."""
    _round(session, session.facade.queries, code)
    found = session.facade.rehearse(
        code, workflow=asked.workflow, calendar=asked.calendar, settings=asked.settings or None
    )
    return RehearsalOut.of(found)


def _plan(key: str) -> MigrationPlan:
    found = shipped_migrations().get(key)
    if found is None:
        raise fault(NotFoundError, "found.no_migration_plan", key=key, known=", ".join(shipped_migrations()))
    return found


def _migrated(session: Session, plan: str, asked: MigrationIn, *, dry_run: bool) -> MigrationOut:
    if asked.unit is None and asked.round is None:
        raise fault(InputError, "migrating.name")
    if asked.unit is not None and not session.scope.covers(asked.unit):
        raise fault(PermissionDeniedError, "mandate.unit", unit=asked.unit)
    path = asked.unit or ""
    if asked.round is not None:
        path = _round(session, session.facade.database, asked.round).unit_path
    if not dry_run:
        session.require_registrar(path)
    report = session.facade.migrate(
        _plan(plan),
        actor=session.principal.key,
        answers=asked.choices,
        round_code=asked.round,
        unit_path=asked.unit,
        dry_run=dry_run,
        max_batches=_MOST_BATCHES,
    )
    return MigrationOut.of(report)


def _round(session: Session, database: Database, code: str) -> RoundRow:
    """Return a round all of which one sees: what is told of it is told of every village."""
    with database.read() as tx:
        found = reads.round_seen(tx, session.scope, code)
    if found is None or not session.scope.covers(found.unit_path):
        raise fault(NotFoundError, "found.no_round", code=code)
    return found


def _desk(owner: tuple[str, str] | None) -> str | None:
    return None if owner is None else "@".join(owner)
