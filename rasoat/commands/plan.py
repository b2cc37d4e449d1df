"""`rasoat plan …`: campaign plans, what is odd about them, and the latest day of each step."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..foundation.defaults import DATABASE_URL
from ..foundation.messages import fault
from ._common import Db, Json, Keys
from ._days import day
from ._refusals import REFUSED, refusals
from ._speaking import wrong_usage
from .due import Language_, Tongue

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    from ..deadlines.calendar import Calendar
    from ..foundation.messages import Language
    from ..workflows.plans import Finding, Plan
    from ..workflows.plans.backward import LatestDay
    from ..workflows.plans.steps import Step

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, help="Campaign plans: dates, findings, latest days.")

Named = Annotated[str, typer.Argument(help="A plan file, or the key of a plan that comes with the project.")]


@app.command("list")
def list_plans(as_json: Json = False) -> None:
    """List the plans that come with the project."""
    from ..workflows.plans import shipped_plans

    plans = shipped_plans().values()
    if as_json:
        _print({"plans": [_head(plan) for plan in plans]})
        return
    for plan in plans:
        typer.echo(f"{plan.key}\t{plan.year}\t{plan.province}\t{plan.document}")


@app.command()
def show(named: Named, language: Language_ = Tongue.VI, as_json: Json = False) -> None:
    """Show a plan: its documents and each milestone as written and as read."""
    from ..workflows.plans import find_plan

    with refusals(as_json=as_json):
        plan = find_plan(named)
        if as_json:
            _print(_whole(plan))
            return
        for line in _lines(plan, language.value):
            typer.echo(line)


@app.command()
def check(named: Named, language: Language_ = Tongue.VI, as_json: Json = False) -> None:
    """Report every oddity of a plan with a suggestion each; exit 1 if any of them is an error."""
    from ..workflows.plans import check_plan, find_plan, has_errors

    with refusals(as_json=as_json):
        plan = find_plan(named)
        findings = check_plan(plan)
        if as_json:
            _print({"plan": plan.key, "errors": has_errors(findings), "findings": [_found(each) for each in findings]})
        else:
            for each in findings:
                typer.echo(_finding_line(each, language.value))
        if has_errors(findings):
            raise typer.Exit(REFUSED)


@app.command()
def latest(
    *,
    end: Annotated[
        datetime | None,
        typer.Option("--end", parser=day, metavar="DAY", help="The last day (default: end of the season)."),
    ] = None,
    year: Annotated[int | None, typer.Option("--year", help="The season of this year.")] = None,
    plan: Annotated[str | None, typer.Option("--plan", help="Take the last day from this plan (file or key) …")] = None,
    milestone: Annotated[str | None, typer.Option("--milestone", help="… and this milestone of it.")] = None,
    progress: Annotated[
        Path | None,
        typer.Option("--progress", help="CSV (village, step, day): say for each village if it can make it."),
    ] = None,
    steps: Annotated[
        Path | None, typer.Option("--steps", help="TOML file of steps in place of the annual ones.")
    ] = None,
    within: Annotated[str | None, typer.Option("--within", help="Unit path (42/446): add its local closures.")] = None,
    as_of: Annotated[
        datetime | None,
        typer.Option("--as-of", parser=day, metavar="DAY", help="The day to judge on (default: today)."),
    ] = None,
    of_round: Annotated[
        str | None,
        typer.Option("--round", help="Judge this round of the database by its own cases and dates; “all”: every one."),
    ] = None,
    db: Db = DATABASE_URL,
    keys: Keys = None,
    language: Language_ = Tongue.VI,
    as_json: Json = False,
) -> None:
    """Plan backward from a last day: the latest day of each step, with and without a complaint.

    With --progress or --round: where each village stands; exit 1 if one can't make it any more.
    """
    if of_round is not None:
        if any(given is not None for given in (end, year, plan, milestone, progress, steps, within)):
            raise wrong_usage(code="usage.latest_round")
        _print_rounds(of_round, db, keys, as_of, language.value, as_json=as_json)
        return
    from ..deadlines.releases import calendar
    from ..workflows.plans.steps import annual_steps, load_steps

    _require_one(end, year, plan, milestone)
    with refusals(as_json=as_json):
        row = load_steps(steps) if steps else annual_steps()
        last_day = end.date() if end else _end_of(plan, milestone, year)
        on = calendar(unit=within)
        if progress is None:
            _print_latest(last_day, row, on, language.value, as_json=as_json)
        else:
            today = as_of.date() if as_of else _today()
            _print_outlooks(progress, last_day, row, on, today, language.value, as_json=as_json)


def _print_rounds(
    code: str, db: str, keys: str | None, as_of: datetime | None, language: Language, *, as_json: bool
) -> None:
    from ._common import opened
    from ._outlooks import round_lines, round_object

    with opened(db, keys, as_json=as_json) as engine:
        found = engine.outlooks(None if code == "all" else code)
        today = as_of.date() if as_of else engine.today()
    if as_json:
        _print({"rounds": [round_object(each, today) for each in found]})
    else:
        for each in found:
            for line in round_lines(each, today, language):
                typer.echo(line)
    if any(each.lost(today) for each in found):
        raise typer.Exit(REFUSED)


def _require_one(end: datetime | None, year: int | None, plan: str | None, milestone: str | None) -> None:
    if sum(given is not None for given in (end, year, plan)) != 1 or (milestone is None) != (plan is None):
        raise wrong_usage(code="usage.latest")


def _today() -> date:
    from ..foundation.clock import SystemClock, legal_date

    return legal_date(SystemClock().now())


def _end_of(plan: str | None, milestone: str | None, year: int | None) -> date:
    from ..foundation.errors import InputError, NotFoundError
    from ..workflows.plans import find_plan, known_years, law_of

    if plan is None:
        law = law_of(year or 0)
        if law is None:
            raise fault(NotFoundError, "usage.season", year=year, known=known_years())
        return law.season(year or 0)[1]
    read = find_plan(plan).expressions()
    if milestone not in read:
        raise fault(NotFoundError, "usage.no_milestone", plan=plan, milestone=milestone, known=", ".join(read))
    expression = read[milestone]
    if expression.last is None or not expression.sound:
        raise fault(InputError, "usage.milestone_open", milestone=milestone, plan=plan, written=expression.text)
    return expression.last


def _print_latest(end: date, row: tuple[Step, ...], on: Calendar, language: Language, *, as_json: bool) -> None:
    from ..foundation.messages import text
    from ..workflows.plans.backward import latest_days

    plans = {complaint: latest_days(end, row, on, complaint=complaint) for complaint in (False, True)}
    if as_json:
        named = {"without_complaint": plans[False], "with_complaint": plans[True]}
        days = {name: [_latest(each) for each in found] for name, found in named.items()}
        _print({"end": end, "calendar": on.key, "provisional": on.is_provisional(end), **days})
        return
    typer.echo(text("plan.latest.end", day=f"{end:%d/%m/%Y}", calendar=on.key).within(language))
    for complaint, found in plans.items():
        typer.echo(text(f"plan.latest.{'with' if complaint else 'without'}_complaint").within(language))
        for each in found:
            day = text("plan.latest.day", safe=f"{each.safe:%d/%m/%Y}", possible=f"{each.possible:%d/%m/%Y}")
            typer.echo(f"  {each.step.label.within(language)}: {day.within(language)}")


def _print_outlooks(
    path: Path, end: date, row: tuple[Step, ...], on: Calendar, today: date, language: Language, *, as_json: bool
) -> None:
    from ..workflows.plans.backward import becomes_impossible_on, outlook
    from ..workflows.plans.progress import load_progress
    from ._outlooks import outlook_line, outlook_object

    progress = load_progress(path, [step.key for step in row], through=today)
    found = {village: outlook(village, done, end, row, on) for village, done in progress.items()}
    lost_on = becomes_impossible_on(progress, end, row, on)
    if as_json:
        villages = [outlook_object(village, each, today) for village, each in found.items()]
        _print({"end": end, "as_of": today, "round_impossible_on": lost_on, "villages": villages})
    else:
        for village, each in found.items():
            typer.echo(outlook_line(village, each, today, language))
    if any(each and each.lost(today) for each in found.values()):
        raise typer.Exit(REFUSED)


def _lines(plan: Plan, language: Language) -> Iterable[str]:
    yield f"{plan.title} — {plan.document}, {plan.document.issuer}"
    for basis in plan.basis:
        yield f"  {basis}, {basis.issuer}"
    read = plan.expressions()
    for stone in plan.milestones:
        expression = read[stone.key]
        days = " – ".join(f"{day:%d/%m/%Y}" if day else "…" for day in (expression.first, expression.last))
        yield f"{stone.key} [{expression.kind}] “{stone.text}” {days}"
        for duty in stone.duties:
            yield f"    {', '.join(duty.levels)}: {duty.what if language == 'vi' else duty.act.label.en}"


def _finding_line(each: Finding, language: Language) -> str:
    from ..foundation.messages import text

    where = f" [{each.milestone}]" if each.milestone else ""
    article = f" ({each.article})" if each.article else ""
    assumed = " ~" if each.assumed else ""
    sentence = f"{each.text.within(language)} {each.suggestion.within(language)}"
    severity = text("telling.finding", severity=each.severity.value).within(language)
    return f"{severity}{assumed} {each.code}{where}: {sentence}{article}"


def _head(plan: Plan) -> dict[str, Any]:
    return {
        "key": plan.key,
        "title": plan.title,
        "province": plan.province,
        "district": plan.district,
        "level": plan.level,
        "year": plan.year,
        "number": plan.document.number,
        "issued": plan.document.issued and str(plan.document.issued),
        "issuer": plan.document.issuer,
    }


def _whole(plan: Plan) -> dict[str, Any]:
    read = plan.expressions()
    return _head(plan) | {
        "basis": [{"number": each.number, "issuer": each.issuer} for each in plan.basis],
        "milestones": [
            {
                "key": stone.key,
                "text": stone.text,
                "read_as": stone.read_as,
                "kind": read[stone.key].kind,
                "first": read[stone.key].first,
                "last": read[stone.key].last,
                "sound": read[stone.key].sound,
                "within": stone.within,
                "duties": [
                    {"act": duty.act, "levels": duty.levels, "role": duty.role, "what": duty.what}
                    for duty in stone.duties
                ],
            }
            for stone in plan.milestones
        ],
    }


def _found(each: Finding) -> dict[str, Any]:
    return {
        "code": each.code,
        "severity": each.severity,
        "milestone": each.milestone,
        "article": each.article,
        "text": each.text._asdict(),
        "suggestion": each.suggestion._asdict(),
        "replacement": each.replacement,
        "span": each.span,
        "assumed": each.assumed,
    }


def _latest(each: LatestDay) -> dict[str, Any]:
    return {"step": each.step.key, "safe": each.safe, "possible": each.possible}


def _print(answer: dict[str, Any]) -> None:
    typer.echo(json.dumps(answer, ensure_ascii=False, indent=2, default=str))
