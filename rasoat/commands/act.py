"""`rasoat act TRIGGER`: one act over cases, from the command line."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

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
    acting_for,
    language,
    opened,
    print_json,
    refusal_line,
    refusal_object,
    require_unit,
)
from ._days import day
from ._fields import read_fields, texts_of
from ._mandates import mandate
from ._refusals import REFUSED
from ._speaking import wrong_usage

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..api import Rasoat
    from ..engine.service import Outcome
    from ..engine.values import Actor, ActRequest
    from ..foundation.messages import Language

__all__ = ["Names", "act", "actor_of", "names_in", "show_outcome"]


def act(
    trigger: Annotated[str, typer.Argument(help="What is done: survey, meet, post, complain, recognise …")],
    *,
    on: Annotated[datetime, typer.Option("--on", parser=day, metavar="DAY", help="The day it took legal effect.")],
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
        if round_code and state and idempotency_key:
            ids = _before_it_moved(engine, ids, idempotency_key, round_code, unit)
        outcome = engine.fire_many(
            _request(
                trigger,
                ids,
                on,
                who=actor_of(actor, role),
                body=read_fields(field, texts_of(engine, trigger, ids.values())),
                rows=_rows(rows),
                document=document,
                key=idempotency_key,
                each=each,
            )
        )
        names = names_in(engine, outcome, tongue)
    show_outcome(outcome, tongue, names, as_json=as_json)
    if outcome.refused:
        raise typer.Exit(REFUSED)


def _cases(
    engine: Rasoat, named: list[str], round_code: str | None, unit: str | None, states: list[str]
) -> dict[str, int]:
    if bool(named) == bool(round_code):
        raise wrong_usage(code="usage.cases")
    if round_code is None:
        views = [engine.case(reference) for reference in named]
        return {view.household_code: view.case.id for view in views}
    return engine.cases_of_round(round_code, unit_path=unit, states=states)


def _before_it_moved(
    engine: Rasoat, picked: dict[str, int], key: str, round_code: str, unit: str | None
) -> dict[str, int]:
    """Return what `--state` picked when the same command was done first: the act itself has moved those cases on."""
    from ..persistence.rounds import cases_answered

    with engine.database.read() as tx:
        done = cases_answered(tx, key)
    there = engine.cases_of_round(round_code, unit_path=unit)
    if done and set(picked.values()) <= done <= set(there.values()):
        return {code: case_id for code, case_id in there.items() if case_id in done}
    return picked


def _request(
    trigger: str,
    ids: dict[str, int],
    on: datetime,
    *,
    who: Actor,
    body: dict[str, Any],
    rows: dict[str, Any],
    document: str | None,
    key: str | None,
    each: bool,
) -> ActRequest:
    from ..engine.values import ActRequest, Mode

    unknown = [code for code in rows if code not in ids]
    if unknown:
        raise wrong_usage(code="usage.rows_strange", households=", ".join(unknown[:5]))
    return ActRequest(
        trigger,
        tuple(ids.values()),
        on.date(),
        who,
        body=body,
        rows={ids[code]: row for code, row in rows.items()},
        document=document,
        mode=Mode.EACH if each else Mode.ALL,
        idempotency_key=key,
    )


def actor_of(key: str, roles: list[str]) -> Actor:
    """Return who acts, with the mandates typed, and for whom (``rasoat --on-behalf-of``)."""
    from ..engine.values import Actor

    return Actor(key, tuple(mandate(role) for role in roles), acting_for())


def _rows(path: Path | None) -> dict[str, Any]:
    if path is None:
        return {}
    from ..foundation.files import read_utf8

    try:
        found = json.loads(read_utf8(path))
    except json.JSONDecodeError as error:
        raise wrong_usage(code="usage.rows_json", path=path, error=error) from error
    if not isinstance(found, dict) or not all(isinstance(row, dict) for row in found.values()):
        raise wrong_usage(code="usage.rows_shape", path=path)
    return found


class Names(NamedTuple):
    """What is read in place of keys: states as the procedure calls them, households by their codes."""

    states: Mapping[str, str]
    households: Mapping[int, str]


def names_in(engine: Rasoat, outcome: Outcome, tongue: Language) -> Names:
    """Return the names of what an outcome tells of."""
    from ..persistence.rounds import codes_of_cases

    states = {}
    if outcome.accepted:
        workflow = engine.case(outcome.accepted[0].case_id).workflow
        states = {key: state.label.within(tongue) for key, state in workflow.states.items()}
    refused = [refusal.case_id for refusal in outcome.refused if refusal.case_id is not None]
    with engine.queries.read() as tx:
        return Names(states, codes_of_cases(tx, refused) if refused else {})


def show_outcome(outcome: Outcome, tongue: Language, names: Names, *, as_json: bool, only_tried: bool = False) -> None:
    """Show what moved on standard output, why others did not on standard error; and if nothing of it was kept."""
    if as_json:
        print_json(
            {
                "act": None if outcome.act_id is None else str(outcome.act_id),
                "accepted": [
                    {"case": str(m.case_id), "from": m.from_state, "to": m.to_state} for m in outcome.accepted
                ],
                "refused": [refusal_object(refusal) for refusal in outcome.refused],
                **({"dry_run": True} if only_tried else {}),
            }
        )
        return
    if only_tried:
        from ..foundation.messages import text

        typer.echo(text("correcting.only_tried").within(tongue))
    for target in sorted({m.to_state for m in outcome.accepted}):
        typer.echo(f"{sum(m.to_state == target for m in outcome.accepted)} → {names.states.get(target, target)}")
    for refusal in outcome.refused:
        who = names.households.get(refusal.case_id or 0, refusal.case_id)
        typer.echo(refusal_line(refusal, tongue, who), err=True)
