"""`rasoat household split | merge | head | move | area | recode | lineage`: who a household is through time."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from ..foundation.defaults import DATABASE_URL
from ..foundation.messages import text
from ._common import ActorKey, Db, IdempotencyKey, Json, Keys, Lang, Roles, language, opened, print_json
from ._days import day
from ._speaking import wrong_usage
from .act import actor_of

if TYPE_CHECKING:
    from ..api import Rasoat
    from ..foundation.messages import Language
    from ..households import HouseholdChange, HouseholdOrder

__all__ = ["app"]

app = typer.Typer()

Code = Annotated[str, typer.Argument(help="The household's code.")]
Document = Annotated[str, typer.Option("--document", help="Number of the document that orders it.")]
On = Annotated[datetime | None, typer.Option("--on", parser=day, metavar="DAY", help="From which day; default: today.")]
Member = Annotated[
    list[str] | None,
    typer.Option("--member", help="PLACE=RELATION to the head from now on; place 1 is the head. May be repeated."),
]


@app.command()
def split(
    code: Code,
    new_code: Annotated[str, typer.Argument(help="The new household's code.")],
    *,
    member: Annotated[
        list[str], typer.Option("--member", help="PLACE=RELATION of who leaves, the new head first. May be repeated.")
    ],
    actor: ActorKey,
    role: Roles,
    document: Document,
    on: On = None,
    idempotency_key: IdempotencyKey = None,
    unit: Annotated[str | None, typer.Option("--unit", help="Path of its village; default: the same.")] = None,
    db: Db = DATABASE_URL,
    keys: Keys = None,
    lang: Lang = "vi",
    as_json: Json = False,
) -> None:
    """Let members of a household found one of their own (tách hộ). Its case goes on; the new one has none yet."""
    with opened(db, keys, as_json=as_json) as engine:
        order = _order(engine, actor, role, document, on, idempotency_key)
        done = engine.split_household(order, code, new_code, _places(member), unit_path=unit)
    _show(done, language(lang), as_json=as_json)


@app.command()
def merge(
    code: Code,
    into: Annotated[str, typer.Argument(help="Code of the household it becomes part of.")],
    *,
    actor: ActorKey,
    role: Roles,
    document: Document,
    member: Member = None,
    on: On = None,
    idempotency_key: IdempotencyKey = None,
    db: Db = DATABASE_URL,
    keys: Keys = None,
    lang: Lang = "vi",
    as_json: Json = False,
) -> None:
    """Let a household become part of another (nhập hộ). Its running case is withdrawn with that as the reason."""
    with opened(db, keys, as_json=as_json) as engine:
        order = _order(engine, actor, role, document, on, idempotency_key)
        done = engine.merge_households(order, code, into, _places(member or []))
    _show(done, language(lang), as_json=as_json)


@app.command(name="head")
def change_head(
    code: Code,
    head: Annotated[int, typer.Argument(help="Place of the new head among the members; see: rasoat household show.")],
    *,
    actor: ActorKey,
    role: Roles,
    document: Document,
    member: Member = None,
    on: On = None,
    idempotency_key: IdempotencyKey = None,
    db: Db = DATABASE_URL,
    keys: Keys = None,
    lang: Lang = "vi",
    as_json: Json = False,
) -> None:
    """Let another member be the head (đổi chủ hộ)."""
    with opened(db, keys, as_json=as_json) as engine:
        order = _order(engine, actor, role, document, on, idempotency_key)
        done = engine.change_head(order, code, head, _places(member or []))
    _show(done, language(lang), as_json=as_json)


@app.command()
def move(
    code: Code,
    unit: Annotated[str, typer.Argument(help="Path of the village it goes to.")],
    *,
    actor: ActorKey,
    role: Roles,
    document: Document,
    on: On = None,
    idempotency_key: IdempotencyKey = None,
    db: Db = DATABASE_URL,
    keys: Keys = None,
    lang: Lang = "vi",
    as_json: Json = False,
) -> None:
    """Let a household go to another village. Its case goes along within the commune; out of it, it is withdrawn."""
    with opened(db, keys, as_json=as_json) as engine:
        done = engine.move_household(_order(engine, actor, role, document, on, idempotency_key), code, unit)
    _show(done, language(lang), as_json=as_json)


@app.command(name="area")
def change_area(
    code: Code,
    area: Annotated[str, typer.Argument(help="rural or urban.")],
    *,
    actor: ActorKey,
    role: Roles,
    document: Document,
    on: On = None,
    idempotency_key: IdempotencyKey = None,
    db: Db = DATABASE_URL,
    keys: Keys = None,
    lang: Lang = "vi",
    as_json: Json = False,
) -> None:
    """Register a household's area anew (sửa khu vực). A case keeps the area it was opened with: rasoat correct-opening.

    Example: rasoat household area 18766-01-004 urban --document 9/QĐ-UBND --actor BCD-CD --role committee:42/446/18766
    """
    with opened(db, keys, as_json=as_json) as engine:
        done = engine.change_area(_order(engine, actor, role, document, on, idempotency_key), code, area)
    _show(done, language(lang), as_json=as_json)


@app.command()
def recode(
    old: Annotated[str, typer.Argument(help="The commune's path until now.")],
    new: Annotated[str, typer.Argument(help="Its path from now on, at the same level.")],
    *,
    actor: ActorKey,
    role: Roles,
    document: Document,
    on: On = None,
    idempotency_key: IdempotencyKey = None,
    db: Db = DATABASE_URL,
    keys: Keys = None,
    lang: Lang = "vi",
    as_json: Json = False,
) -> None:
    """Give a commune its new code: units, rounds, households and running cases go along, and old codes stay known.

    Where a level goes (01/07/2025), the cases need another procedure: rasoat migrate.
    """
    with opened(db, keys, as_json=as_json) as engine:
        done = engine.recode_commune(_order(engine, actor, role, document, on, idempotency_key), old, new)
    _show(done, language(lang), as_json=as_json)


@app.command(name="merge-communes")
def merge_communes(
    new: Annotated[str, typer.Argument(help="The path of the commune they become, at their level.")],
    *,
    commune: Annotated[list[str], typer.Option("--commune", help="Path of a commune that becomes part. Repeat.")],
    village: Annotated[
        list[str] | None, typer.Option("--village", help="OLD=NEW path of a village that gets another place. Repeat.")
    ] = None,
    name: Annotated[str, typer.Option("--name", help="The new commune's name.")] = "",
    actor: ActorKey,
    role: Roles,
    document: Document,
    on: On = None,
    idempotency_key: IdempotencyKey = None,
    db: Db = DATABASE_URL,
    keys: Keys = None,
    lang: Lang = "vi",
    as_json: Json = False,
) -> None:
    """Let communes become one (nhập xã): households keep their identity and cases; mixed-up villages are refused.

    Example: rasoat household merge-communes 42/19 --commune 42/18 --commune 42/17 --village 42/17/01=42/19/11
      --document 12/NQ-HĐND --actor CT-TINH --role supervisor:42
    """
    pairs = {was: now for was, _, now in (each.partition("=") for each in village or [])}
    with opened(db, keys, as_json=as_json) as engine:
        order = _order(engine, actor, role, document, on, idempotency_key)
        done = engine.merge_communes(order, commune, new, villages=pairs, name=name)
    _show(done, language(lang), as_json=as_json)


@app.command()
def lineage(code: Code, *, db: Db = DATABASE_URL, keys: Keys = None, lang: Lang = "vi", as_json: Json = False) -> None:
    """Show what became of a household, by its present code or any it had; nobody's data is opened."""
    tongue = language(lang)
    with opened(db, keys, as_json=as_json) as engine:
        present, rows = engine.lineage(code)
    if as_json:
        lines = [
            {
                "kind": row.kind, "on": row.on_day, "household": str(row.household_id),
                "other": None if row.other_id is None else str(row.other_id), "old_code": row.old_code,
                "new_code": row.new_code, "old_unit": row.old_path, "new_unit": row.new_path,
                "old_area": row.old_area, "new_area": row.new_area,
                "document": row.document, "actor": row.actor, "on_behalf_of": row.on_behalf_of,
            }
            for row in rows
        ]  # fmt: skip
        print_json({"code": present, "lineage": lines})
        return
    typer.echo(present)
    for row in rows:
        places = {"old_unit": row.old_path, "unit": row.new_path, "old_area": row.old_area, "area": row.new_area}
        said = text(f"lineage.{row.kind}", old=row.old_code, new=row.new_code, **places)
        typer.echo(f"  {row.on_day:%d/%m/%Y}  {said.within(tongue)}  ({row.document})")


def _order(
    engine: Rasoat, actor: str, role: list[str], document: str, on: datetime | None, key: str | None
) -> HouseholdOrder:
    from ..households import HouseholdOrder

    return HouseholdOrder(actor_of(actor, role), on.date() if on else engine.today(), document, key)


def _places(given: list[str]) -> dict[int, str]:
    found: dict[int, str] = {}
    for pair in given:
        place, equals, relation = pair.partition("=")
        if not place.isdecimal() or not equals or not relation:
            raise wrong_usage(code="usage.member", pair=pair)
        found[int(place)] = relation
    return found


def _show(done: HouseholdChange, tongue: Language, *, as_json: bool) -> None:
    if as_json:
        print_json(
            {
                "households": {code: str(household_id) for code, household_id in done.households.items()},
                "followed": [str(case_id) for case_id in done.followed],
                "withdrawn": [str(case_id) for case_id in done.withdrawn],
            }
        )
        return
    counts = {"households": len(done.households), "followed": len(done.followed), "withdrawn": len(done.withdrawn)}
    typer.echo(text("lineage.done", **counts).within(tongue))
