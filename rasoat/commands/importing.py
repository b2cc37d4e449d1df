"""`rasoat import FILE`: household lists and units into the database, row errors with their place."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..foundation.defaults import DATABASE_URL
from ._common import Db, Json, Keys, Lang, language, opened, print_json
from ._refusals import REFUSED, WRONG_USAGE
from .due import DATE_FORMATS

if TYPE_CHECKING:
    from ..api import Rasoat
    from ..foundation.messages import Language
    from ..importing import HouseholdRecord, Parsed

__all__ = ["Kind", "import_file"]


class Kind(StrEnum):
    """What a file holds."""

    HOUSEHOLDS = "households"
    UNITS = "units"


def import_file(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help=".xlsx or .csv")],
    *,
    kind: Annotated[Kind, typer.Option("--kind", help="What the file holds.")] = Kind.HOUSEHOLDS,
    round_code: Annotated[
        str | None, typer.Option("--round", help="Put the households forward in this round (opened if new).")
    ] = None,
    procedure: Annotated[str, typer.Option("--procedure", help="The round's procedure.")] = "annual",
    started_on: Annotated[
        datetime | None, typer.Option("--started-on", formats=DATE_FORMATS, help="The round's first day.")
    ] = None,
    area: Annotated[str | None, typer.Option("--area", help="rural or urban, for a list that does not say.")] = None,
    sheet: Annotated[str | None, typer.Option("--sheet", help="Sheet of a workbook.")] = None,
    partial: Annotated[
        Path | None, typer.Option("--partial", help="Import the sound rows; write the refused ones to this file.")
    ] = None,
    db: Db = DATABASE_URL,
    keys: Keys = None,
    lang: Lang = "vi",
    as_json: Json = False,
) -> None:
    """Import a list (Phụ lục I or VI) or the administrative units. One bad row imports nothing, unless --partial.

    Examples:
      rasoat import don-vi.csv --kind units
      rasoat import phu-luc-I-2022.xlsx --round 18766-2022 --started-on 26/09/2022
    """
    if area not in (None, "rural", "urban"):
        msg = f"--area {area!r}: expected rural or urban"
        raise typer.BadParameter(msg)
    tongue = language(lang)
    with opened(db, keys, as_json=as_json) as engine:
        if kind is Kind.UNITS:
            done = _units(engine, file, tongue, as_json=as_json)
        else:
            day = started_on.date() if started_on else None
            parsed = _read(engine, file, sheet, area)
            _stop_at_errors(parsed, partial, tongue, as_json=as_json)
            done = _households(engine, parsed, round_code, procedure, day)
            done["refused_rows"] = _write_refused(parsed, partial)
    if as_json:
        print_json(done)
    else:
        typer.echo(", ".join(f"{key}: {value}" for key, value in done.items() if value not in (None, [])))
    if done.get("refused"):
        raise typer.Exit(REFUSED)


def _units(engine: Rasoat, file: Path, tongue: Language, *, as_json: bool) -> dict[str, Any]:
    from ..importing import UNITS, read_acts

    parsed = read_acts(file, UNITS)
    _stop_at_errors(parsed, None, tongue, as_json=as_json)
    rows = [
        {"code": u.code, "name": u.name, "level": u.level, "parent": u.parent, "valid_from": date(1900, 1, 1)}
        for u in parsed.records
    ]
    return {"file": str(file), "units": len(rows), "new": engine.register_units(rows)}


def _read(engine: Rasoat, file: Path, sheet: str | None, area: Any) -> Parsed[HouseholdRecord]:
    from ..importing import read_households

    villages = {u.code: u.name for u in engine.units() if u.level == "village"}
    return read_households(file, sheet=sheet, villages=villages or None, area=area)


def _households(
    engine: Rasoat, parsed: Parsed[HouseholdRecord], round_code: str | None, procedure: str, started_on: date | None
) -> dict[str, Any]:
    from ..importing.registering import household_of

    paths = {u.code: u.path for u in engine.units()}
    registered = engine.register_households([household_of(record, paths) for record in parsed.records])
    opened_cases = None
    if round_code is not None:
        wanted = {r.code: {"origin": r.origin} for r in parsed.records if r.code in registered.ids}
        commune = _commune(paths[r.village] for r in parsed.records)
        begun = started_on or engine.today()
        engine.open_round(round_code, procedure, commune, begun, ends_on=engine.season_end(procedure, begun))
        opened_cases = engine.put_forward(round_code, wanted, begun).new
    return {
        "file": parsed.file,
        "households": len(parsed.records),
        "new": registered.new,
        "cases_opened": opened_cases,
        "refused": [{"code": d.code, "other": d.other_code, "by": d.by} for d in registered.refused],
        "flagged": [{"code": d.code, "other": d.other_code, "by": d.by} for d in registered.flagged],
    }


def _commune(paths: Any) -> str:
    from ..foundation.errors import InputError
    from ..foundation.paths import at_level

    communes = sorted({at_level(path, "commune") for path in paths})
    if len(communes) != 1:
        msg = f"a round belongs to one commune; the list holds households of {', '.join(communes) or 'none'}"
        raise InputError(msg)
    return communes[0]


def _stop_at_errors(parsed: Parsed[Any], partial: Path | None, tongue: Language, *, as_json: bool) -> None:
    if parsed.ok or (partial is not None and parsed.records):
        return
    if as_json:
        print_json(
            {
                "file": parsed.file,
                "imported": 0,
                "errors": [
                    {
                        "file": e.file,
                        "sheet": e.sheet,
                        "row": e.row,
                        "column": e.column,
                        "value": e.value,
                        "code": e.code,
                        "expected": {"vi": e.expected.vi, "en": e.expected.en},
                    }
                    for e in parsed.errors
                ],
            }
        )
    else:
        for error in parsed.errors:
            typer.echo(error.sentence.within(tongue), err=True)
    raise typer.Exit(REFUSED if parsed.errors else WRONG_USAGE)


def _write_refused(parsed: Parsed[Any], partial: Path | None) -> int:
    from ..importing import write_refused

    return write_refused(partial, parsed) if partial is not None and not parsed.ok else 0
