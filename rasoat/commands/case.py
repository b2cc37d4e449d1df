"""`rasoat case …`: one household's review, step by step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..foundation.clock import legal_date
from ..foundation.defaults import DATABASE_URL
from ..foundation.messages import text
from ._common import Db, Json, Keys, Lang, language, opened, print_json

if TYPE_CHECKING:
    from rich.table import Table

    from ..api import CaseView
    from ..foundation.messages import Language
    from ..persistence.events import EventRow

__all__ = ["app", "case_object", "timeline"]

_DATES = (1, 2)
"""Columns of the timeline that must not be broken."""

_OWN_WORDS = {"correction", "household", "moved"}
"""Kinds of events that no procedure names."""

app = typer.Typer(no_args_is_help=True, help="One household's review.")


@app.callback()
def _family() -> None:
    """Keep `show` a sub-command although it stands alone."""


@app.command()
def show(
    reference: Annotated[str, typer.Argument(help="Case id, or household code (its latest case).")],
    *,
    db: Db = DATABASE_URL,
    keys: Keys = None,
    lang: Lang = "vi",
    as_json: Json = False,
) -> None:
    """Show a case: where it stands, every event with both its times, its deadlines.

    Example: rasoat case show 18766-02-012
    """
    tongue = language(lang)
    with opened(db, keys, as_json=as_json) as engine:
        view = engine.case(reference)
    if as_json:
        print_json(case_object(view))
        return
    from rich.console import Console

    console = Console()
    state = view.workflow.state(view.case.state).label.within(tongue)
    console.print(f"[bold]{view.household_code}[/]  {view.workflow.id}  {state}  {view.certificate or ''}")
    console.print(timeline(view, tongue))
    console.print(_deadlines(view, tongue))


def case_object(view: CaseView) -> dict[str, Any]:
    """Return a case as JSON output shows it: ids as strings, days and instants in ISO form."""
    case = view.case
    return {
        "case": str(case.id),
        "household": view.household_code,
        "workflow": case.workflow,
        "unit": case.unit_path,
        "state": case.state,
        "class_before": case.class_before,
        "class_after": case.class_after,
        "certificate": view.certificate,
        "events": [_event(view, e) for e in view.events],
        "deadlines": [
            {
                "rule": d.rule,
                "kind": d.kind,
                "owner": {"role": d.owner_role, "unit": d.owner_path},
                "started_on": d.started_on,
                "due_on": d.due_on,
                "status": d.status,
                "closed_on": d.closed_on,
                "breached_at": d.breached_at,
                "cause": d.cause,
                "provisional": d.provisional,
                "calendar": d.calendar,
            }
            for d in view.deadlines
        ],
    }


def _event(view: CaseView, event: EventRow) -> dict[str, Any]:
    act = view.acts.get(event.act_id) if event.act_id is not None else None
    return {
        "seq": event.seq,
        "kind": event.kind,
        "trigger": event.trigger,
        "from": event.from_state,
        "to": event.to_state,
        "occurred_on": event.occurred_on,
        "recorded_at": event.recorded_at,
        "actor": event.actor,
        "role": act.role if act else None,
        "document": act.document if act else None,
        "article": _article(view, event.trigger),
        "hash": event.hash,
    }


def timeline(view: CaseView, tongue: Language) -> Table:
    """Return the events as a table: when it happened, when it was entered, what, by whom, on which article."""
    from rich import box
    from rich.table import Table

    heads = {
        "vi": ("#", "Ngày", "Nhập chậm", "Việc → bước", "Ai, văn bản", "Căn cứ"),
        "en": ("#", "Day", "Entered late", "Act → step", "Who, document", "Article"),
    }
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for place, head in enumerate(heads[tongue]):
        table.add_column(head, no_wrap=place in _DATES)
    for event in view.events:
        act = view.acts.get(event.act_id) if event.act_id is not None else None
        entered = legal_date(event.recorded_at)
        table.add_row(
            str(event.seq),
            f"{event.occurred_on:%d/%m/%Y}",
            f"{entered:%d/%m/%Y}" if entered != event.occurred_on else "",
            _what(view, event.kind, event.trigger, tongue) + _to(view, event, tongue),
            ", ".join(filter(None, (event.actor, act.document if act else None))),
            _provision(view, event.trigger),
        )
    return table


def _to(view: CaseView, event: EventRow, tongue: Language) -> str:
    if event.from_state == event.to_state:
        return ""
    return f"\n→ {view.workflow.state(event.to_state).label.within(tongue)}"


def _provision(view: CaseView, trigger: str) -> str:
    """Return the provision without the act's name where it is the procedure's own act: "Điều 4 khoản 3"."""
    return _article(view, trigger).removeprefix(view.workflow.article.act).strip()


def _what(view: CaseView, kind: str, trigger: str, tongue: Language) -> str:
    if kind == "breach":
        label = view.workflow.deadline(trigger).label.within(tongue)
        return f"[red]{'QUÁ HẠN' if tongue == 'vi' else 'OVERDUE'}[/]: {label}"
    if kind == "opened":
        return "Mở hồ sơ" if tongue == "vi" else "Opened"
    if kind in _OWN_WORDS:
        return text(f"history.kind.{trigger}").within(tongue)
    found = view.workflow.triggers.get(trigger)
    said = found.label.within(tongue) if found else trigger
    return text("history.kind.restated", act=said).within(tongue) if kind == "restated" else said


def _article(view: CaseView, trigger: str) -> str:
    found = view.workflow.triggers.get(trigger)
    return str(found.article) if found else ""


def _deadlines(view: CaseView, tongue: Language) -> Table:
    from rich.table import Table

    heads = {
        "vi": ("Thời hạn", "Từ ngày", "Hạn cuối", "Kết thúc", "Tình trạng"),
        "en": ("Term", "From", "Last day", "Closed", "Status"),
    }
    table = Table(*heads[tongue])
    for d in view.deadlines:
        closed = f"{d.closed_on:%d/%m/%Y}" if d.closed_on else ""
        label = view.workflow.deadline(d.rule).label.within(tongue)
        table.add_row(
            label,
            f"{d.started_on:%d/%m/%Y}",
            f"{d.due_on:%d/%m/%Y}",
            closed,
            text("value.status." + d.status).within(tongue),
        )
    return table
