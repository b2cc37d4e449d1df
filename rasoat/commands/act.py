"""`rasoat act TRIGGER`: one act over cases, from the command line."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..foundation.defaults import DATABASE_URL
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
    refusal_object,
    require_unit,
)
from ._refusals import REFUSED
from .due import DATE_FORMATS

if TYPE_CHECKING:
    from ..api import Rasoat
    from ..engine.service import Outcome
    from ..engine.values import Actor, ActRequest, Mandate
    from ..foundation.messages import Language

__all__ = ["act", "actor_of", "field_of", "show_outcome"]


def act(
    trigger: Annotated[str, typer.Argument(help="What is done: survey, meet, post, complain, recognise …")],
    *,
    on: Annotated[datetime, typer.Option("--on", formats=DATE_FORMATS, help="The day it took legal effect.")],
    actor: ActorKey,
    role: Roles,
    case: Annotated[
        list[str] | None, typer.Option("--case", help="Case id or household code; may be repeated.")
    ] = None,
    round_code: Annotated[str | None, typer.Option("--round", help="All cases of a round …")] = None,
    unit: Annotated[str | None, typer.Option("--unit", help="… in the village with this path …")] = None,
    state: Annotated[list[str] | None, typer.Option("--state", help="… that stand in this state.")] = None,
    field: Annotated[list[str] | None, typer.Option("--field", help="NAME=VALUE of the act's form.")] = None,
    rows: Annotated[
        Path | None, typer.Option("--rows", exists=True, help="JSON: household code → its own row (scores …).")
    ] = None,
    document: Annotated[str | None, typer.Option("--document", help="Number of the signed document.")] = None,
    each: Annotated[bool, typer.Option("--each", help="Move the cases that can move; default: all or none.")] = False,
    idempotency_key: IdempotencyKey = None,
    now: Now = None,
    db: Db = DATABASE_URL,
    keys: Keys = None,
    lang: Lang = "vi",
    as_json: Json = False,
) -> None:
    """Do an act to cases. Exit code 1 when a case is refused; the reasons name the article.

    Examples:
      rasoat act meet --round 18766-2022 --unit 42/446/18766/18766-01 --state surveyed --on 06/10/2022
        --actor TT-01 --role village_head:42/446/18766/18766-01 --field attendees=74 --field in_favour=69
        --field copies=2 --field signed_by_chair=true --field signed_by_secretary=true --field signed_by_households=true
    """
    tongue = language(lang)
    with opened(db, keys, as_json=as_json, now=now) as engine:
        require_unit(engine, unit)
        ids = _cases(engine, case or [], round_code, unit, state or [])
        outcome = engine.fire_many(
            _request(
                trigger,
                ids,
                on,
                who=actor_of(actor, role),
                fields=field or [],
                rows=_rows(rows),
                document=document,
                key=idempotency_key,
                each=each,
            )
        )
    show_outcome(outcome, tongue, as_json=as_json)
    if outcome.refused:
        raise typer.Exit(REFUSED)


def _cases(
    engine: Rasoat, named: list[str], round_code: str | None, unit: str | None, states: list[str]
) -> dict[str, int]:
    if bool(named) == bool(round_code):
        msg = "name cases with --case, or a round with --round, not both"
        raise typer.BadParameter(msg)
    if round_code is None:
        views = [engine.case(reference) for reference in named]
        return {view.household_code: view.case.id for view in views}
    return engine.cases_of_round(round_code, unit_path=unit, states=states)


def _request(
    trigger: str,
    ids: dict[str, int],
    on: datetime,
    *,
    who: Actor,
    fields: list[str],
    rows: dict[str, Any],
    document: str | None,
    key: str | None,
    each: bool,
) -> ActRequest:
    from ..engine.values import ActRequest, Mode

    unknown = [code for code in rows if code not in ids]
    if unknown:
        msg = f"--rows names households that are not among the cases: {', '.join(unknown[:5])}"
        raise typer.BadParameter(msg)
    return ActRequest(
        trigger,
        tuple(ids.values()),
        on.date(),
        who,
        body=dict(field_of(f) for f in fields),
        rows={ids[code]: row for code, row in rows.items()},
        document=document,
        mode=Mode.EACH if each else Mode.ALL,
        idempotency_key=key,
    )


def actor_of(key: str, roles: list[str]) -> Actor:
    """Return who acts, with the mandates given as ROLE:UNIT_PATH."""
    from ..engine.values import Actor

    return Actor(key, tuple(_mandate(role) for role in roles))


def _mandate(text: str) -> Mandate:
    from ..engine.values import Mandate

    role, colon, path = text.partition(":")
    if not colon or not path:
        msg = f"--role {text!r}: expected ROLE:UNIT_PATH, e.g. committee:42/446/18766"
        raise typer.BadParameter(msg)
    return Mandate(role, path)


def field_of(text: str) -> tuple[str, Any]:
    """Read NAME=VALUE: numbers, true and false as what they are."""
    name, equals, value = text.partition("=")
    if not equals:
        msg = f"--field {text!r}: expected NAME=VALUE"
        raise typer.BadParameter(msg)
    known: dict[str, Any] = {"true": True, "false": False}
    return name, known.get(value, int(value) if value.isdecimal() else value)


def _rows(path: Path | None) -> dict[str, Any]:
    if path is None:
        return {}
    from ..foundation.files import read_utf8

    try:
        found = json.loads(read_utf8(path))
    except json.JSONDecodeError as error:
        msg = f"--rows {path}: not valid JSON: {error}"
        raise typer.BadParameter(msg) from error
    if not isinstance(found, dict) or not all(isinstance(row, dict) for row in found.values()):
        msg = f"--rows {path}: expected an object of household code → object"
        raise typer.BadParameter(msg)
    return found


def show_outcome(outcome: Outcome, tongue: Language, *, as_json: bool) -> None:
    """Show what moved on standard output, why others did not on standard error."""
    if as_json:
        print_json(
            {
                "act": None if outcome.act_id is None else str(outcome.act_id),
                "accepted": [
                    {"case": str(m.case_id), "from": m.from_state, "to": m.to_state} for m in outcome.accepted
                ],
                "refused": [refusal_object(refusal) for refusal in outcome.refused],
            }
        )
        return
    for target in sorted({m.to_state for m in outcome.accepted}):
        typer.echo(f"{sum(m.to_state == target for m in outcome.accepted)} → {target}")
    for refusal in outcome.refused:
        typer.echo(f"{refusal.case_id}: {refusal.reason.within(tongue)} [{refusal.code}; {refusal.article}]", err=True)
