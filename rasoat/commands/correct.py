"""`rasoat correct` and `rasoat undo`: a wrong entry put right by an event, a last step taken back."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from ..foundation.defaults import DATABASE_URL
from ._common import ActorKey, Db, IdempotencyKey, Json, Keys, Lang, Now, Roles, language, opened
from ._days import day
from ._fields import read_fields, texts_of
from ._refusals import REFUSED
from .act import actor_of, names_in, show_outcome

if TYPE_CHECKING:
    from ..engine.service import Outcome
    from ..foundation.messages import Language
    from .act import Names

__all__ = ["correct", "undo"]

Case = Annotated[str, typer.Argument(help="Case id, or household code (its latest case).")]
Reason = Annotated[str, typer.Option("--reason", help="Why; stays on record, so it may name nobody.")]
Authority = Annotated[str, typer.Option("--authority", help="Number of the document that orders it.")]
Decided = Annotated[
    datetime | None,
    typer.Option("--decided-on", parser=day, metavar="DAY", help="Day of that decision; default: today."),
]


def correct(
    reference: Case,
    trigger: Annotated[str, typer.Argument(help="The act that was entered wrongly: meet, survey, post …")],
    *,
    actor: ActorKey,
    role: Roles,
    reason: Reason,
    authority: Authority,
    field: Annotated[
        list[str] | None, typer.Option("--field", help="NAME=VALUE of the act's form: for all its cases.")
    ] = None,
    row: Annotated[
        list[str] | None, typer.Option("--row", help="NAME=VALUE of this household's own part (b1, b2 …).")
    ] = None,
    on: Annotated[
        datetime | None, typer.Option("--on", parser=day, metavar="DAY", help="The day on which it really took effect.")
    ] = None,
    document: Annotated[str | None, typer.Option("--document", help="The right number of the act's document.")] = None,
    decided_on: Decided = None,
    idempotency_key: IdempotencyKey = None,
    now: Now = None,
    db: Db = DATABASE_URL,
    keys: Keys = None,
    lang: Lang = "vi",
    as_json: Json = False,
) -> None:
    """Correct an act, and do anew what followed from it; or say what stands in the way (exit code 1).

    Example: rasoat correct 18766-02-012 meet --field in_favour=30 --reason "ghi nhầm số phiếu" --authority 15/QĐ-UBND
      --actor CT-XA --role commune_chair:42/446/18766
    """
    from ..engine.correcting import Correction

    tongue = language(lang)
    with opened(db, keys, as_json=as_json, now=now) as engine:
        case_id = engine.case(reference).case.id
        texts = texts_of(engine, trigger, [case_id])
        own = read_fields(row, texts)
        order = Correction(
            engine.entry(reference, trigger),
            actor_of(actor, role),
            decided_on.date() if decided_on else engine.today(),
            authority,
            reason,
            body=read_fields(field, texts),
            rows={case_id: own} if own else {},
            occurred_on=on.date() if on else None,
            document=document,
            idempotency_key=idempotency_key,
        )
        outcome = engine.correct(order)
        names = names_in(engine, outcome, tongue)
    _end(outcome, tongue, names, as_json=as_json)


def undo(
    reference: Case,
    *,
    actor: ActorKey,
    role: Roles,
    reason: Reason,
    authority: Authority,
    alone: Annotated[
        bool, typer.Option("--alone", help="This case only; default: every case the last act moved.")
    ] = False,
    decided_on: Decided = None,
    idempotency_key: IdempotencyKey = None,
    now: Now = None,
    db: Db = DATABASE_URL,
    keys: Keys = None,
    lang: Lang = "vi",
    as_json: Json = False,
) -> None:
    """Take a case's last step back, with every case the same act moved; or say what was built on it (exit code 1).

    Example: rasoat undo 18766-02-012 --reason "niêm yết nhầm thôn" --authority 15/QĐ-UBND --actor CT-XA
      --role commune_chair:42/446/18766
    """
    from ..engine.correcting import Undo

    tongue = language(lang)
    with opened(db, keys, as_json=as_json, now=now) as engine:
        order = Undo(
            engine.entry(reference),
            actor_of(actor, role),
            decided_on.date() if decided_on else engine.today(),
            authority,
            reason,
            case_ids=(engine.case(reference).case.id,) if alone else (),
            idempotency_key=idempotency_key,
        )
        outcome = engine.undo(order)
        names = names_in(engine, outcome, tongue)
    _end(outcome, tongue, names, as_json=as_json)


def _end(outcome: Outcome, tongue: Language, names: Names, *, as_json: bool) -> None:
    show_outcome(outcome, tongue, names, as_json=as_json)
    if outcome.refused:
        raise typer.Exit(REFUSED)
