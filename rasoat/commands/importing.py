"""`rasoat import FILE`: household lists and units into the database, row errors with their place."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from ..foundation.defaults import DATABASE_URL
from ..foundation.messages import fault, joined, text
from ._common import Db, Json, Keys, Lang, Now, language, opened, print_json
from ._days import day
from ._progress import progress
from ._refusals import REFUSED, WRONG_USAGE
from ._speaking import wrong_usage

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from sqlalchemy.engine import Connection

    from ..api import Rasoat
    from ..engine.people import Household, Registered
    from ..foundation.messages import Language
    from ..importing import HouseholdRecord, Parsed
    from ..importing.registering import Villages
    from ..persistence.rounds import RoundRow, UnitRow
    from ..workflows.rows import RowError
    from ..workflows.units import Units

__all__ = ["Kind", "import_file"]


_SHOWN = 5
_PART = 500


class Kind(StrEnum):
    """What a file holds."""

    HOUSEHOLDS = "households"
    UNITS = "units"


def import_file(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help=".xlsx or .csv; units also .toml")],
    *,
    kind: Annotated[Kind, typer.Option("--kind", help="What the file holds.")] = Kind.HOUSEHOLDS,
    round_code: Annotated[
        str | None, typer.Option("--round", help="Put the households forward in this round (opened if new).")
    ] = None,
    procedure: Annotated[str, typer.Option("--procedure", help="The round's procedure.")] = "annual",
    started_on: Annotated[
        datetime | None, typer.Option("--started-on", parser=day, metavar="DAY", help="The round's first day.")
    ] = None,
    area: Annotated[str | None, typer.Option("--area", help="rural or urban, for a list that does not say.")] = None,
    sheet: Annotated[str | None, typer.Option("--sheet", help="Sheet of a workbook.")] = None,
    unit: Annotated[
        str | None,
        typer.Option("--unit", help="The commune whose list it is (path): codes of villages repeat elsewhere."),
    ] = None,
    keep_registered: Annotated[
        bool, typer.Option("--keep-registered", help="Where the list differs from the register, go on with the latter.")
    ] = False,
    changes: Annotated[
        Path | None,
        typer.Option("--changes", exists=True, dir_okay=False, help="What became of units, beside a table of them."),
    ] = None,
    partial: Annotated[
        Path | None, typer.Option("--partial", help="Import the sound rows; write the refused ones to this file.")
    ] = None,
    now: Now = None,
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
        raise wrong_usage(code="usage.area", area=area)
    said = _Said(file, sheet, area, unit, partial, keep_registered, language(lang), as_json)
    begun = started_on.date() if started_on else None
    with opened(db, keys, as_json=as_json, now=now, create=True) as engine:
        if kind is Kind.UNITS:
            done = _units(engine, said, changes)
        else:
            done = _list(engine, said, _Asked(round_code, procedure, begun) if round_code else None, begun)
    if as_json:
        print_json(done)
    else:
        brief = {key: _brief(value) for key, value in done.items() if value not in (None, [])}
        told = joined((text("telling.imported", imported=key, value=value) for key, value in brief.items()), ", ")
        typer.echo(told.within(said.tongue))
    if done.get("refused") or (done.get("differing") and not keep_registered):
        raise typer.Exit(REFUSED)


class _Said(NamedTuple):
    """A file, what the file itself does not say, and how the answer is told."""

    file: Path
    sheet: str | None
    area: Any
    unit: str | None
    partial: Path | None
    keep: bool
    tongue: Language
    as_json: bool


class _Asked(NamedTuple):
    """The round a list is put forward in, as it was typed."""

    code: str
    procedure: str
    started_on: date | None


def _brief(value: Any) -> Any:
    """Return a list as how many there are and the first of them."""
    if not isinstance(value, list):
        return value
    first = "; ".join(_briefly(each) for each in value[:_SHOWN])
    return f"{len(value)} ({first}{'; …' if len(value) > _SHOWN else ''})"


def _briefly(each: dict[str, Any]) -> str:
    if "other" in each:
        return f"{each['code']} ~ {each['other']} ({each['by']})"
    return f"{each['row']}: {each['code']} {each['column']} {each['kept'] or '…'} → {each['given'] or '…'}"


def _units(engine: Rasoat, said: _Said, changes: Path | None) -> dict[str, Any]:
    from ..workflows.rows import RowsRefusedError

    try:
        units = _units_of(engine, said, changes)
    except RowsRefusedError as error:
        _tell(said.file.name, error.rows, said.tongue, as_json=said.as_json)
        raise typer.Exit(REFUSED) from None
    return {"file": str(said.file), "units": len(units), "new": engine.load_units(units)}


def _units_of(engine: Rasoat, said: _Said, changes: Path | None) -> Units:
    """Return the units of a file; refused if one of them is registered otherwise, for nothing is taken over."""
    from ..importing.units import differing_units, read_units
    from ..workflows.rows import RowsRefusedError

    units = read_units(said.file, changes, sheet=said.sheet)
    if differing := differing_units(said.file.name, units, engine.units()):
        raise RowsRefusedError(differing)
    return units


def _list(engine: Rasoat, said: _Said, asked: _Asked | None, day: date | None) -> dict[str, Any]:
    """Read a household list; register it, and put it forward if a round was named."""
    from ..importing.registering import villages_of

    known = _known_round(engine, asked.code) if asked else None
    villages = villages_of(_units_on(engine, day), said.unit or (known and known.unit_path))
    parsed = _read(villages, said)
    _stop_at_errors(parsed, said)
    begun = day or (known.started_on if known else engine.today())
    done = _households(engine, parsed, villages, asked and asked._replace(started_on=begun), said)
    if not said.as_json:
        _tell(parsed.file, parsed.errors, said.tongue, as_json=False)
    faults = [_fault(each) for each in parsed.errors] if said.as_json else []
    return {**done, "refused_rows": _write_refused(parsed, said.partial), "errors": faults}


def _units_on(engine: Rasoat, day: date | None) -> list[UnitRow]:
    """Return the units that stand on a day (default: today): a code may have lain under another path before."""
    on = day or engine.today()
    return [u for u in engine.units() if u.valid_from <= on and (u.valid_to is None or on <= u.valid_to)]


def _known_round(engine: Rasoat, code: str) -> RoundRow | None:
    from ..persistence.rounds import round_by_code

    with engine.database.read() as tx:
        return round_by_code(tx, code)


def _read(villages: Villages, said: _Said) -> Parsed[HouseholdRecord]:
    from ..importing import read_households

    names = villages.names or (None if not villages.ambiguous else {})
    return read_households(said.file, sheet=said.sheet, villages=names, area=said.area, ambiguous=villages.ambiguous)


def _households(
    engine: Rasoat, parsed: Parsed[HouseholdRecord], villages: Villages, asked: _Asked | None, said: _Said
) -> dict[str, Any]:
    """Register a list, and put it forward: all of it in one transaction, or nothing."""
    from ..engine.people import require_as_registered
    from ..importing.registering import household_of

    households, cases = [household_of(record, villages.paths) for record in parsed.records], None
    with engine.transaction() as tx:
        here = tx.connection
        if asked is not None:
            commune = _commune(each.unit_path for each in households)
            begun = asked.started_on or engine.today()
            ends_on = engine.season_end(asked.procedure, begun)
            engine.open_round(asked.code, asked.procedure, commune, begun, ends_on=ends_on, connection=here)
        registered = _registered(engine, households, here, quiet=said.as_json)
        if asked is not None:
            if not said.keep:
                require_as_registered(registered)
            cases = _put_forward(engine, parsed, registered, asked, here, quiet=said.as_json)
    return {
        "file": parsed.file,
        "households": len(parsed.records),
        "new": registered.new,
        "cases_opened": cases,
        "refused": [{"code": d.code, "other": d.other_code, "by": d.by} for d in registered.refused],
        "flagged": [{"code": d.code, "other": d.other_code, "by": d.by} for d in registered.flagged],
        "differing": [{**asdict(d), "row": rows[d.code]} for rows in [_rows(parsed)] for d in registered.differing],
    }


def _registered(engine: Rasoat, households: Sequence[Household], here: Connection, *, quiet: bool) -> Registered:
    """Register a list part by part, telling how far it has come."""
    from ..engine.people import Registered

    found = Registered({}, 0, (), ())
    with progress("registering", len(households), quiet=quiet) as told:
        for start in range(0, len(households), _PART):
            part = engine.register_households(households[start : start + _PART], connection=here)
            found = Registered(
                {**found.ids, **part.ids},
                found.new + part.new,
                found.refused + part.refused,
                found.flagged + part.flagged,
                found.differing + part.differing,
            )
            told(min(start + _PART, len(households)))
    return found


def _put_forward(
    engine: Rasoat,
    parsed: Parsed[HouseholdRecord],
    registered: Registered,
    asked: _Asked,
    here: Connection,
    *,
    quiet: bool,
) -> int:
    """Open the cases of what was registered, part by part; return how many are new."""
    begun = asked.started_on or engine.today()
    asks_origin = "origin" in engine.library.in_force(asked.procedure, begun).opens_with
    facts = {r.code: {"origin": r.origin} if asks_origin else {} for r in parsed.records if r.code in registered.ids}
    wanted, new = list(facts.items()), 0
    with progress("opening", len(wanted), quiet=quiet) as told:
        for start in range(0, len(wanted), _PART):
            new += engine.put_forward(asked.code, dict(wanted[start : start + _PART]), begun, connection=here).new
            told(min(start + _PART, len(wanted)))
    return new


def _rows(parsed: Parsed[HouseholdRecord]) -> dict[str, int]:
    """Return in which row each household begins."""
    return {record.code: record.row for record in parsed.records}


def _commune(paths: Any) -> str:
    from ..foundation.errors import InputError
    from ..foundation.paths import at_level

    communes = sorted({at_level(path, "commune") for path in paths})
    if len(communes) != 1:
        raise fault(InputError, "usage.one_commune", communes=", ".join(communes) or "none")
    return communes[0]


def _stop_at_errors(parsed: Parsed[Any], said: _Said) -> None:
    if parsed.ok or (said.partial is not None and parsed.records):
        return
    _tell(parsed.file, parsed.errors, said.tongue, as_json=said.as_json)
    raise typer.Exit(REFUSED if parsed.errors else WRONG_USAGE)


def _tell(file: str, errors: Sequence[RowError], tongue: Language, *, as_json: bool) -> None:
    """Say what is wrong with a file, fault by fault."""
    if not as_json:
        for error in errors:
            typer.echo(error.sentence.within(tongue), err=True)
        return
    print_json({"file": file, "imported": 0, "errors": [_fault(each) for each in errors]})


def _fault(error: RowError) -> dict[str, Any]:
    """Return a fault as JSON output shows it."""
    return {
        "file": error.file,
        "sheet": error.sheet,
        "row": error.row,
        "column": error.column,
        "value": error.value,
        "code": error.code,
        "expected": error.expected._asdict(),
    }


def _write_refused(parsed: Parsed[Any], partial: Path | None) -> int:
    from ..importing import write_refused

    return write_refused(partial, parsed) if partial is not None and not parsed.ok else 0
