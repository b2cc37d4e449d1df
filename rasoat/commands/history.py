"""`rasoat history`: a case, a unit or a round as of any legal day, as known on any day."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..foundation.defaults import DATABASE_URL
from ..foundation.messages import text
from ._common import Db, Json, Keys, Lang, language, opened, print_json, require_unit
from ._days import day
from ._speaking import wrong_usage

if TYPE_CHECKING:
    from ..engine.definition import Workflow
    from ..engine.history import PastCase
    from ..foundation.messages import Language

__all__ = ["history"]


def history(
    reference: Annotated[str | None, typer.Argument(help="Case id, or household code (its latest case).")] = None,
    *,
    round_code: Annotated[str | None, typer.Option("--round", help="All cases of a round, by state.")] = None,
    unit: Annotated[str | None, typer.Option("--unit", help="All cases that lay in a unit then, by state.")] = None,
    as_of: Annotated[
        datetime | None, typer.Option("--as-of", parser=day, metavar="DAY", help="The legal day; default: today.")
    ] = None,
    known_on: Annotated[
        datetime | None,
        typer.Option(
            "--as-known-on", parser=day, metavar="DAY", help="As was on record when this day ended; default: now."
        ),
    ] = None,
    classes: Annotated[bool, typer.Option("--classes", help="Count by class instead of by state.")] = False,
    db: Db = DATABASE_URL,
    keys: Keys = None,
    lang: Lang = "vi",
    as_json: Json = False,
) -> None:
    """Show the past: where cases stood when a legal day ended, by what was known when another day ended.

    Examples:
      rasoat history 18766-02-012 --as-of 20/10/2022
      rasoat history --round 18766-2022 --as-of 31/10/2022 --as-known-on 31/10/2022
    """
    tongue = language(lang)
    if (reference is None) == (round_code is None and unit is None):
        raise wrong_usage(code="usage.history")
    day, known = as_of.date() if as_of else None, known_on.date() if known_on else None
    with opened(db, keys, as_json=as_json) as engine:
        require_unit(engine, unit)
        if reference is not None:
            past = engine.case_as_of(reference, day, known)
            _show_case(past, engine.library.workflow(past.case.workflow), tongue, as_json=as_json)
            return
        if classes:
            cases = engine.cases_as_of(day, known, round_code=round_code, unit_path=unit)
            lines = Counter((past.case.unit_path, past.case.class_after or past.case.class_before) for past in cases)
        else:
            counted = engine.states_as_of(day, known, round_code=round_code, unit_path=unit)
            lines = Counter({(line.unit_path, line.state): line.count for line in counted})
    if as_json:
        key = "class" if classes else "state"
        print_json([{"unit": path, key: what, "count": count} for (path, what), count in sorted(lines.items())])
        return
    for (path, what), count in sorted(lines.items()):
        typer.echo(f"{path}  {what}  {count}")
    typer.echo(text("history.total", count=sum(lines.values())).within(tongue))


def _show_case(past: PastCase, workflow: Workflow, tongue: Language, *, as_json: bool) -> None:
    from ..engine.exporting.wording import Wording

    if as_json:
        print_json(_object(past))
        return
    case, wording = past.case, Wording(workflow, tongue)
    label = wording.state(case.state)
    acts = {key: trigger.label.within(tongue) for key, trigger in workflow.triggers.items()}
    rules = {rule.key: rule.label.within(tongue) for rule in workflow.deadlines}
    typer.echo(f"{case.id}  {case.workflow}  {case.unit_path}  {label}  {past.certificate or ''}".rstrip())
    for event in past.events:
        act = acts.get(event.trigger) or text("telling.step", step=event.trigger).within(tongue)
        typer.echo(f"  {event.occurred_on:%d/%m/%Y}  {act} → {wording.state(event.to_state)}")
    for row in past.deadlines:
        status = text(f"value.status.{row.status}").within(tongue)
        typer.echo(f"  {rules.get(row.rule, row.rule)}: {row.started_on:%d/%m/%Y} – {row.due_on:%d/%m/%Y}  {status}")


def _object(past: PastCase) -> dict[str, Any]:
    case = past.case
    return {
        "case": str(case.id),
        "workflow": case.workflow,
        "unit": case.unit_path,
        "as_of": past.as_of,
        "known_at": past.known_at,
        "state": case.state,
        "class_before": case.class_before,
        "class_after": case.class_after,
        "facts": past.facts,
        "certificate": past.certificate,
        "events": [
            {"seq": e.seq, "kind": e.kind, "trigger": e.trigger, "to": e.to_state, "occurred_on": e.occurred_on}
            for e in past.events
        ],
        "deadlines": [
            {
                "rule": row.rule,
                "started_on": row.started_on,
                "due_on": row.due_on,
                "status": row.status,
                "closed_on": row.closed_on,
            }
            for row in past.deadlines
        ],
    }
