"""`rasoat deadline …`: one deadline with its ledger and proof; suspend, resume, extend, supersede, cancel, met."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..foundation.defaults import DATABASE_URL
from ..foundation.messages import text
from ._common import (
    ActorKey,
    Db,
    IdempotencyKey,
    Json,
    Keys,
    Lang,
    Now,
    Roles,
    language,
    opened,
    print_json,
    refusal_line,
    refusal_object,
)
from ._days import day
from ._refusals import REFUSED
from .act import actor_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..api import Rasoat
    from ..engine.judging import Held
    from ..engine.ledger import Order, Ruling
    from ..foundation.messages import Language, Text
    from ..persistence.deadlines import LedgerEntry
    from ..timekeeping import DeadlineView

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, help="Running terms: their ledger and proof, and decisions about them.")

Ids = Annotated[list[int], typer.Argument(help="Ids of deadlines (rasoat case show lists a case's).")]
Document = Annotated[str, typer.Option("--document", help="Number of the deciding document.")]
On = Annotated[datetime, typer.Option("--on", parser=day, metavar="DAY", help="The day from which it holds.")]
Reason = Annotated[str, typer.Option("--reason", help="A short cause (storm, epidemic); it may name nobody.")]


@app.command()
def show(
    deadline_id: Annotated[int, typer.Argument(help="Id of the deadline.")],
    *,
    proof: Annotated[bool, typer.Option("--proof", help="Print the page that explains every day.")] = False,
    now: Now = None,
    db: Db = DATABASE_URL,
    keys: Keys = None,
    lang: Lang = "vi",
    as_json: Json = False,
) -> None:
    """Show a deadline: its last day, what is left of it, everything that changed it."""
    tongue = language(lang)
    with opened(db, keys, as_json=as_json, now=now, asks=True) as engine:
        view = engine.deadline(deadline_id)
        if as_json:
            print_json(_view_object(view, proof=proof))
            return
        row, rule = view.held.row, view.held.rule
        typer.echo(f"{rule.label.within(tongue)} [{rule.article}]")
        status = text(f"value.status.{row.status}").within(tongue)
        left = "" if view.remaining is None else f"  ({_left(view.remaining, row.unit).within(tongue)})"
        typer.echo(f"{row.started_on:%d/%m/%Y} → {row.due_on:%d/%m/%Y}  {status}{left}  {row.unit_path}")
        for line in (*_provisos(view), *map(_entry_line, view.held.entries)):
            typer.echo(line.within(tongue).rstrip())
        if proof:
            typer.echo(view.proof().render(tongue, about=_title(engine, view.held, tongue)), nl=False)


@app.command()
def suspend(
    ids: Ids, *, on: On, document: Document, actor: ActorKey, role: Roles, reason: Reason = "",
    idempotency_key: IdempotencyKey = None, now: Now = None,
    db: Db = DATABASE_URL, keys: Keys = None, lang: Lang = "vi", as_json: Json = False,
) -> None:  # fmt: skip
    """Stop terms (force majeure): from the day given on nothing is counted."""
    asked = _Asked(ids, on, document, actor, role, reason, idempotency_key)
    _decide(lambda e, o: e.suspend(o), asked, now, db, keys, lang, as_json)


@app.command()
def resume(
    ids: Ids, *, on: On, document: Document, actor: ActorKey, role: Roles, reason: Reason = "",
    idempotency_key: IdempotencyKey = None, now: Now = None,
    db: Db = DATABASE_URL, keys: Keys = None, lang: Lang = "vi", as_json: Json = False,
) -> None:  # fmt: skip
    """Let suspended terms run on with the day given, the first that counts again."""
    asked = _Asked(ids, on, document, actor, role, reason, idempotency_key)
    _decide(lambda e, o: e.resume(o), asked, now, db, keys, lang, as_json)


@app.command()
def extend(
    ids: Ids, *, by: Annotated[int, typer.Option("--by", min=1, help="How many of the term's own unit.")],
    on: On, document: Document, actor: ActorKey, role: Roles, reason: Reason = "",
    idempotency_key: IdempotencyKey = None, now: Now = None,
    db: Db = DATABASE_URL, keys: Keys = None, lang: Lang = "vi", as_json: Json = False,
) -> None:  # fmt: skip
    """Lengthen terms, where their rule lets that role do it."""
    asked = _Asked(ids, on, document, actor, role, reason, idempotency_key)
    _decide(lambda e, o: e.extend(o, by), asked, now, db, keys, lang, as_json)


@app.command()
def supersede(
    ids: Ids, *,
    to: Annotated[datetime, typer.Option("--to", parser=day, metavar="DAY", help="The new day.")],
    on: On, document: Document, actor: ActorKey, role: Roles, reason: Reason = "",
    idempotency_key: IdempotencyKey = None, now: Now = None,
    db: Db = DATABASE_URL, keys: Keys = None, lang: Lang = "vi", as_json: Json = False,
) -> None:  # fmt: skip
    """Put another day in the place of fixed dates, because what set them was changed."""
    asked = _Asked(ids, on, document, actor, role, reason, idempotency_key)
    _decide(lambda e, o: e.supersede(o, to.date()), asked, now, db, keys, lang, as_json)


@app.command()
def cancel(
    ids: Ids, *, on: On, document: Document, actor: ActorKey, role: Roles, reason: Reason = "",
    idempotency_key: IdempotencyKey = None, now: Now = None,
    db: Db = DATABASE_URL, keys: Keys = None, lang: Lang = "vi", as_json: Json = False,
) -> None:  # fmt: skip
    """End deadlines that should not run; their cases go on."""
    asked = _Asked(ids, on, document, actor, role, reason, idempotency_key)
    _decide(lambda e, o: e.cancel(o), asked, now, db, keys, lang, as_json)


@app.command()
def met(
    ids: Ids, *, on: On, document: Document, actor: ActorKey, role: Roles, reason: Reason = "",
    idempotency_key: IdempotencyKey = None, now: Now = None,
    db: Db = DATABASE_URL, keys: Keys = None, lang: Lang = "vi", as_json: Json = False,
) -> None:  # fmt: skip
    """Record that fixed dates of a round were met on the day given."""
    asked = _Asked(ids, on, document, actor, role, reason, idempotency_key)
    _decide(lambda e, o: e.fulfil(o), asked, now, db, keys, lang, as_json)


class _Asked:
    """A decision as it was typed."""

    def __init__(
        self, ids: list[int], on: datetime, document: str, actor: str, role: list[str], reason: str, key: str | None
    ) -> None:
        self.ids, self.on, self.document, self.reason, self.key = ids, on, document, reason, key
        self.actor = actor_of(actor, role)

    def order(self) -> Order:
        """Return the decision."""
        from ..engine.ledger import Order

        return Order(tuple(self.ids), self.on.date(), self.actor, self.document, self.reason, self.key)


def _decide(
    do: Callable[[Rasoat, Order], Ruling],
    asked: _Asked,
    now: str | None,
    db: str,
    keys: str | None,
    lang: str,
    as_json: bool,
) -> None:
    tongue = language(lang)
    with opened(db, keys, as_json=as_json, now=now) as engine:
        ruling = do(engine, asked.order())
        if as_json:
            print_json(_ruling_object(ruling))
        else:
            for change in ruling.changed:
                moved = f"{change.old_due_on:%d/%m/%Y} → {change.new_due_on:%d/%m/%Y}"
                status = text(f"value.status.{change.status}").within(tongue)
                typer.echo(f"{_named(engine, change.deadline_id, tongue)}: {moved}  {status}")
            for refusal in ruling.refused:
                which = _named(engine, int(str(refusal.fields["deadline"])), tongue)
                typer.echo(refusal_line(refusal, tongue, which), err=True)
    if not ruling.ok:
        raise typer.Exit(REFUSED)


def _named(engine: Rasoat, deadline_id: int, tongue: Language) -> str:
    """Return what is read in the place of a deadline's number: its rule, and whose it is."""
    return f"{_title(engine, engine.deadline(deadline_id).held, tongue)} ({deadline_id})"


def _title(engine: Rasoat, held: Held, tongue: Language) -> str:
    from ..persistence.rounds import codes_of_cases, rounds

    with engine.queries.read() as tx:
        if held.row.subject == "case":
            whose = codes_of_cases(tx, [held.row.subject_id]).get(held.row.subject_id, held.row.unit_path)
        else:
            whose = rounds(tx, [held.row.subject_id])[held.row.subject_id].code
    return f"{held.rule.label.within(tongue)}, {whose}"


def _ruling_object(ruling: Ruling) -> dict[str, Any]:
    return {
        "changed": [
            {
                "deadline": str(change.deadline_id),
                "kind": change.kind,
                "old_due_on": change.old_due_on,
                "new_due_on": change.new_due_on,
                "status": change.status,
            }
            for change in ruling.changed
        ],
        "refused": [
            {**refusal_object(refusal), "deadline": str(refusal.fields["deadline"])} for refusal in ruling.refused
        ],
    }


def _left(remaining: int, unit: str) -> Text:
    """Say what is left of a term, in its own unit and in the reader's words."""
    return text(f"proof.length.{unit}", length=remaining)


def _provisos(view: DeadlineView) -> tuple[Text, ...]:
    """Say why a running term's last day is provisional, if it is."""
    return view.proof().provisos if view.held.row.provisional and view.held.row.status == "open" else ()


def _entry_line(entry: LedgerEntry) -> Text:
    return text(
        "deadline.entry",
        seq=entry.seq,
        day=entry.occurred_on,
        entry=entry.kind,
        document=entry.document,
        by=entry.actor,
    )


def _view_object(view: DeadlineView, *, proof: bool) -> dict[str, Any]:
    import json

    row, rule = view.held.row, view.held.rule
    found: dict[str, Any] = {
        "deadline": str(row.id),
        "rule": row.rule,
        "label": rule.label._asdict(),
        "article": str(rule.article),
        "unit_path": row.unit_path,
        "owner_role": row.owner_role,
        "owner_path": row.owner_path,
        "started_on": row.started_on,
        "due_on": row.due_on,
        "status": row.status,
        "provisional": row.provisional,
        "calendar": row.calendar,
        "breached_at": row.breached_at,
        "closed_on": row.closed_on,
        "cause": row.cause,
        "unit": row.unit,
        "remaining": view.remaining,
        "consumed": view.consumed,
        "ledger": [
            {
                "seq": entry.seq,
                "kind": entry.kind,
                "occurred_on": entry.occurred_on,
                "recorded_at": entry.recorded_at,
                "actor": entry.actor,
                "document": entry.document,
                "detail": json.loads(entry.detail),
            }
            for entry in view.held.entries
        ],
    }
    return {**found, "proof": view.proof().as_dict()} if proof else found
