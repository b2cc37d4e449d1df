"""`rasoat migrate …`: running cases moved to another definition by a plan."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..foundation.defaults import DATABASE_URL
from ..foundation.messages import text
from ._common import Db, Json, Keys, Lang, language, opened, print_json, require_unit
from ._progress import progress
from ._refusals import REFUSED, refusals
from ._speaking import wrong_usage

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ..engine.migrating import MigrationPlan
    from ..engine.moving import DeadlineLine, MigrationReport
    from ..foundation.messages import Language, Text
    from ..workflows.library import WorkflowLibrary

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, help="When the law changes: move running cases to another definition.")

Named = Annotated[str, typer.Argument(help="A plan's key, or a file.")]
Round = Annotated[str | None, typer.Option("--round", help="Only the cases of this round.")]
Unit = Annotated[str | None, typer.Option("--unit", help="Only the cases of this unit (path before the move).")]
Chosen = Annotated[
    list[str], typer.Option("--choose", help="Answer to an open question, CHOICE=OPTION.", metavar="CHOICE=OPTION")
]
_NOTHING: list[str] = []


@app.command("list")
def list_plans(lang: Lang = "vi", as_json: Json = False) -> None:
    """List the plans that come with the project."""
    from ..workflows.migrations import shipped_migrations

    tongue = language(lang)
    if as_json:
        print_json({"plans": [_head(plan) for plan in shipped_migrations().values()]})
        return
    for plan in shipped_migrations().values():
        typer.echo(f"{plan.key:<28} {plan.on:%d/%m/%Y}  {plan.source} → {plan.target}  {plan.label.within(tongue)}")


@app.command()
def check(named: Named, lang: Lang = "vi", as_json: Json = False) -> None:
    """Check a plan against both definitions, under every answer to its open questions. Exit 1 on any fault."""
    from ..engine.migrating import check_plan
    from ..workflows.library import WorkflowLibrary
    from ..workflows.migrations import find_migration

    tongue = language(lang)
    with refusals(as_json=as_json):
        plan, library = find_migration(named), WorkflowLibrary()
        faults = check_plan(plan, library.workflow(plan.source), library.workflow(plan.target))
    if as_json:
        print_json({**_head(plan), "faults": [fault._asdict() for fault in faults]})
    else:
        sound = [text("migration.report.sound", plan=plan.key)]
        for line in faults or sound:
            typer.echo(line.within(tongue))
    if faults:
        raise typer.Exit(REFUSED)


@app.command("dry-run")
def dry_run(
    named: Named,
    *,
    round_code: Round = None,
    unit: Unit = None,
    choose: Chosen = _NOTHING,
    db: Db = DATABASE_URL,
    keys: Keys = None,
    now: Annotated[str | None, typer.Option("--now", help="Judge as of this instant.")] = None,
    lang: Lang = "vi",
    as_json: Json = False,
) -> None:
    """Tell what moves, what is blocked and why, which terms change owner or last day. Writes nothing."""
    tongue = language(lang)
    with opened(db, keys, as_json=as_json, now=now, asks=True) as engine:
        require_unit(engine, unit)
        with progress("judging", quiet=as_json) as told:
            report = engine.migrate(
                named, actor="", answers=_answers(choose), round_code=round_code, unit_path=unit, dry_run=True,
                progress=told,
            )  # fmt: skip
        _print_report(report, engine.library, tongue, as_json=as_json)


@app.command()
def apply(
    named: Named,
    *,
    round_code: Round = None,
    unit: Unit = None,
    choose: Chosen = _NOTHING,
    actor: Annotated[str, typer.Option("--actor", help="Staff key of who carries it out.")],
    batch: Annotated[int, typer.Option("--batch", min=1, help="Cases in one transaction.")] = 500,
    db: Db = DATABASE_URL,
    keys: Keys = None,
    now: Annotated[str | None, typer.Option("--now", help="Act as of this instant (demonstrations).")] = None,
    lang: Lang = "vi",
    as_json: Json = False,
) -> None:
    """Move every case that can be moved; run again after an interruption. Exit 1 if any case is blocked."""
    tongue = language(lang)
    with opened(db, keys, as_json=as_json, now=now) as engine:
        require_unit(engine, unit)
        with progress("moving", quiet=as_json) as told:
            report = engine.migrate(
                named, actor=actor, answers=_answers(choose), round_code=round_code, unit_path=unit, batch=batch,
                progress=told,
            )  # fmt: skip
        _print_report(report, engine.library, tongue, as_json=as_json)
    if report.blocked:
        raise typer.Exit(REFUSED)


def _answers(choose: list[str]) -> dict[str, str]:
    pairs = [answer.partition("=") for answer in choose]
    for name, equals, option in pairs:
        if not (name and equals and option):
            raise wrong_usage(code="usage.choose", given=name)
    return {name: option for name, _, option in pairs}


def _head(plan: MigrationPlan) -> dict[str, Any]:
    return {
        "key": plan.key,
        "label": plan.label._asdict(),
        "from": plan.source,
        "to": plan.target,
        "on": plan.on.isoformat(),
        "document": plan.document,
        "article": str(plan.article),
        "fingerprint": plan.fingerprint,
        "choices": {
            c.key: {"doubt": c.doubt, "default": c.default, "options": list(c.options)} for c in plan.choices.values()
        },
    }


def _print_report(report: MigrationReport, library: WorkflowLibrary, tongue: Language, *, as_json: bool) -> None:
    if as_json:
        print_json(_object(report))
        return
    for line in _lines(report, library, tongue):
        typer.echo(line.within(tongue))


def _object(report: MigrationReport) -> dict[str, Any]:
    return {
        "plan": report.plan.key,
        "written": report.written,
        "chosen": dict(report.plan.chosen),
        "moved": report.moved,
        "finished": report.finished,
        "rounds": {code: {"from": old, "to": new} for code, (old, new) in report.rounds.items()},
        "states": [{"from": a, "to": b, "count": n} for (a, b), n in sorted(report.states.items())],
        "deadlines": [{**line._asdict(), "count": n} for line, n in sorted(report.deadlines.items(), key=_place)],
        "blocked": [{"case": str(b.case_id), "code": b.code, "reason": b.reason._asdict()} for b in report.blocked],
    }


def _place(item: tuple[DeadlineLine, int]) -> tuple[str, str, str, str]:
    line = item[0]
    return line.unit_path, line.rule, line.how, str(line.due_to)


def _lines(report: MigrationReport, library: WorkflowLibrary, tongue: Language) -> Iterator[Text]:
    plan = report.plan
    old, new = library.workflow(plan.source), library.workflow(plan.target)
    yield text(
        "migration.report.head", plan=plan.key, source=plan.source, target=plan.target, day=f"{plan.on:%d/%m/%Y}"
    )
    for choice in plan.choices.values():
        option = choice.options[plan.chosen[choice.key]].label.within(tongue)
        yield text("migration.report.choice", choice=choice.key, doubt=choice.doubt, option=option)
    for code, (before, after) in report.rounds.items():
        yield text("migration.report.round", code=code, old=before, new=after)
    for (source, target), count in sorted(report.states.items()):
        labels = old.state(source).label.within(tongue), new.state(target).label.within(tongue)
        yield text("migration.report.move", count=count, old=labels[0], new=labels[1])
    yield from _deadline_lines(sorted(report.deadlines.items(), key=_place), tongue)
    for blocked in report.blocked:
        yield text("migration.report.blocked", case=blocked.case_id, reason=blocked.reason.within(tongue))
    yield text("migration.report.total", moved=report.moved, blocked=len(report.blocked), finished=report.finished)
    if not report.written:
        yield text("migration.report.dry")


def _deadline_lines(lines: Iterable[tuple[DeadlineLine, int]], tongue: Language) -> Iterator[Text]:
    for line, count in lines:
        yield text(
            "migration.report.deadline",
            count=count,
            rule=line.rule,
            how=text(f"migration.how.{line.how}").within(tongue),
            unit=line.unit_path,
            owner_from="@".join(line.owner_from) if line.owner_from else "–",
            owner_to="@".join(line.owner_to) if line.owner_to else "–",
            due_from=f"{line.due_from:%d/%m/%Y}" if line.due_from else "–",
            due_to=f"{line.due_to:%d/%m/%Y}" if line.due_to else "–",
        )
