"""`rasoat correct`, `correct-opening`, `undo`: wrong entries and openings put right by an event, a step taken back."""

from __future__ import annotations

from contextlib import suppress
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
    from ..api import Rasoat
    from ..engine.correcting import Correction, OpeningCorrection, Undo
    from ..engine.service import Outcome

__all__ = ["correct", "correct_opening", "undo"]

Case = Annotated[str, typer.Argument(help="Case id, or household code (its latest case).")]
Reason = Annotated[str, typer.Option("--reason", help="Why; stays on record, so it may name nobody.")]
Authority = Annotated[str, typer.Option("--authority", help="Number of the document that orders it.")]
Decided = Annotated[
    datetime | None,
    typer.Option("--decided-on", parser=day, metavar="DAY", help="Day of that decision; default: today."),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only tell what it would do; nothing is changed.")]


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
    dry_run: DryRun = False,
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
        _carry_out(engine, order, lang, dry_run=dry_run, as_json=as_json)


def correct_opening(
    reference: Case,
    *,
    actor: ActorKey,
    role: Roles,
    reason: Reason,
    authority: Authority,
    fact: Annotated[
        list[str] | None, typer.Option("--fact", help="NAME=VALUE of what it was opened with; NAME= takes one out.")
    ] = None,
    class_before: Annotated[
        str | None, typer.Option("--class-before", help="The household's former class: poor, near_poor, average, none.")
    ] = None,
    decided_on: Decided = None,
    dry_run: DryRun = False,
    idempotency_key: IdempotencyKey = None,
    now: Now = None,
    db: Db = DATABASE_URL,
    keys: Keys = None,
    lang: Lang = "vi",
    as_json: Json = False,
) -> None:
    """Correct what a case was opened with, and do anew every act since; or say what stands in the way (exit code 1).

    What the household's own register says is not touched.

    Example: rasoat correct-opening 18766-02-012 --class-before poor --reason "ghi nhầm diện" --authority 15/QĐ-UBND
      --actor CT-XA --role commune_chair:42/446/18766
    """
    from ..engine.correcting import OpeningCorrection

    with opened(db, keys, as_json=as_json, now=now) as engine:
        order = OpeningCorrection(
            engine.case(reference).case.id,
            actor_of(actor, role),
            decided_on.date() if decided_on else engine.today(),
            authority,
            reason,
            facts={name: None if value == "" else value for name, value in read_fields(fact, frozenset()).items()},
            class_before=class_before,
            idempotency_key=idempotency_key,
        )
        _carry_out(engine, order, lang, dry_run=dry_run, as_json=as_json)


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
    dry_run: DryRun = False,
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
        _carry_out(engine, order, lang, dry_run=dry_run, as_json=as_json)


class _OnlyTried(Exception):  # noqa: N818  no fault: it undoes what was only tried
    pass


def _carry_out(
    engine: Rasoat, order: Correction | OpeningCorrection | Undo, lang: str, *, dry_run: bool, as_json: bool
) -> None:
    """Do what is ordered, or try it and undo the trial; show what it did, or why it cannot be done (exit code 1)."""
    from ..engine.correcting import Undo

    outcomes: list[Outcome] = []
    with suppress(_OnlyTried), engine.transaction() as tx:
        here = tx.connection
        done = (
            engine.undo(order, connection=here) if isinstance(order, Undo) else engine.correct(order, connection=here)
        )
        outcomes.append(done)
        if dry_run:
            raise _OnlyTried
    (outcome,), tongue = outcomes, language(lang)
    show_outcome(outcome, tongue, names_in(engine, outcome, tongue), as_json=as_json, only_tried=dry_run)
    if outcome.refused:
        raise typer.Exit(REFUSED)
