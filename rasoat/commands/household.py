"""`rasoat household …`: find a household, look at its people with a reason, forget them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..foundation.clock import LEGAL_ZONE
from ..foundation.defaults import DATABASE_URL
from ..foundation.messages import fault, text
from ._common import ActorKey, Db, Json, Keys, Lang, acting_for, language, opened, print_json

if TYPE_CHECKING:
    from datetime import datetime

    from ..erasing import Erasure
    from ..foundation.messages import Language
    from ..registry import Household

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, help="Households: find one, look at its people, erase their personal data.")

Code = Annotated[str, typer.Argument(help="The household's code.")]


@app.command()
def find(
    *,
    identity: Annotated[
        str, typer.Option("--identity", prompt="Identity number", help="Asked for if left out: a shell keeps history.")
    ],
    db: Db = DATABASE_URL,
    keys: Keys = None,
    as_json: Json = False,
) -> None:
    """Find households by their head's identity number, through its keyed hash; no name is opened."""
    with opened(db, keys, as_json=as_json) as engine:
        codes = engine.find_by_identity(identity)
    if as_json:
        print_json(codes)
    else:
        for code in codes:
            typer.echo(code)


@app.command()
def show(
    code: Code,
    *,
    purpose: Annotated[str, typer.Option("--purpose", help="Why you look; it is noted with your name and the hour.")],
    actor: ActorKey,
    db: Db = DATABASE_URL,
    keys: Keys = None,
    lang: Lang = "vi",
    as_json: Json = False,
) -> None:
    """Show a household's people; who looked, when and why is noted first. Of an erased one: when, why, on what."""
    from ..erasing import erasure_of
    from ..foundation.errors import NotFoundError
    from ..persistence.rounds import households_by_code
    from ..registry import Reader

    tongue = language(lang)
    with opened(db, keys, as_json=as_json) as engine:
        with engine.database.read() as tx:
            row = households_by_code(tx, [code]).get(code)
            if row is None:
                raise fault(NotFoundError, "found.no_household", code=code)
            erased = erasure_of(tx, row.id)
        found = None if erased else engine.household(row.id, reader=Reader(actor, purpose, acting_for()))
    if as_json:
        print_json(_erasure_object(code, *erased) if erased else _object(found))
    elif erased:
        when, erasure = erased
        fields = {"code": code, "at": f"{when.astimezone(LEGAL_ZONE):%d/%m/%Y %H:%M}", "reason": erasure.reason}
        typer.echo(text("audit.erased_before", **fields, document=erasure.document).within(tongue))
    elif found is not None:
        _print(found, tongue)


@app.command()
def erase(
    code: Code,
    *,
    reason: Annotated[str, typer.Option("--reason", help="Why; stays on record, so it may name nobody.")],
    document: Annotated[str, typer.Option("--document", help="The decision it rests on, e.g. 12/QĐ-UBND.")],
    actor: ActorKey,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    db: Db = DATABASE_URL,
    keys: Keys = None,
    lang: Lang = "vi",
    as_json: Json = False,
) -> None:
    """Erase a household's personal data for good, by destroying its key. Its cases stay, and their chains verify.

    Backups that still hold the key must expire; see docs/audit.md.
    """
    tongue = language(lang)
    if not yes and not typer.confirm(text("audit.erase_confirm", code=code).within(tongue)):
        raise typer.Exit(1)
    with opened(db, keys, as_json=as_json) as engine:
        done = engine.erase_household(code, reason=reason, document=document, actor=actor, on_behalf_of=acting_for())
    if as_json:
        print_json({"household": code, "cases": [str(case_id) for case_id in done.case_ids]})
    else:
        typer.echo(text("audit.erased", code=code, cases=len(done.case_ids)).within(tongue))


def _object(found: Household | None) -> dict[str, Any]:
    from dataclasses import asdict

    return asdict(found) if found is not None else {}


def _erasure_object(code: str, when: datetime, erasure: Erasure) -> dict[str, Any]:
    return {"code": code, "erased_at": when, "reason": erasure.reason, "document": erasure.document}


def _print(found: Household, tongue: Language) -> None:
    head = text("telling.household", code=found.code, path=found.unit_path, class_now=found.class_now)
    typer.echo(head.within(tongue))
    for member in found.members:
        told = text(
            "telling.member",
            name=member.name,
            relation=member.relation,
            born=member.born,
            sex=member.sex,
            identity=member.identity or "–",
        )
        typer.echo(f"  {told.within(tongue)}")
