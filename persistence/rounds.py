"""Rounds (a commune's review season), households, units, idempotency keys and settings."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import bindparam, delete, func, insert, literal_column, select, update

from ..foundation.errors import IdempotencyError, NotFoundError
from ..foundation.messages import fault
from .statements import Statement, in_ids, in_texts

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date, datetime

    from .database import Tx
    from .tables import Tables

__all__ = [
    "HouseholdRow",
    "RoundRow",
    "UnitRow",
    "answered",
    "cases_answered",
    "cases_in_states",
    "cases_of_round",
    "codes_of_cases",
    "household_code",
    "households_by_code",
    "insert_households",
    "insert_round",
    "insert_unit_lineage",
    "insert_units",
    "latest_case",
    "remember_answer",
    "round_by_code",
    "rounds",
    "rounds_of",
    "set_class",
    "settings_for",
    "store_setting",
    "stored_settings",
    "units",
    "units_at",
]

_LARGEST_ID = 2**63 - 1


class RoundRow(NamedTuple):
    """A review round of one commune under one workflow version."""

    id: int
    code: str
    workflow: str
    unit_path: str
    started_on: date
    ends_on: date | None
    plan: str | None
    created_at: datetime


class HouseholdRow(NamedTuple):
    """A household; who its members are stands in `sealed` only."""

    id: int
    code: str
    unit_path: str
    persons: int
    area: str
    class_now: str
    sealed: bytes
    data_key_id: bytes
    master_key_id: str
    wrapped_key: bytes
    identity_index: bytes | None
    twin_index: bytes | None
    valid_from: date
    valid_to: date | None


class UnitRow(NamedTuple):
    """An administrative unit: province, district (to 30/06/2025), commune or village."""

    path: str
    code: str
    level: str
    name: str
    valid_from: date
    valid_to: date | None


def units(tx: Tx) -> list[UnitRow]:
    """Return every unit, by path."""
    table = tx.tables.unit
    return [UnitRow(*row) for row in tx.select(select(table).order_by(table.c.path))]


def units_at(tx: Tx, paths: Iterable[str]) -> dict[str, UnitRow] | None:
    """Return the units that lie at some paths, by path; None where a host keeps no units here at all."""
    table = tx.tables.unit
    wanted = sorted(set(paths))
    found = {}
    for start in range(0, len(wanted), 500):
        rows = tx.select(select(table).where(table.c.path.in_(wanted[start : start + 500])))
        found.update({row.path: UnitRow(*row) for row in rows})
    return found if found or tx.select(select(table.c.path).limit(1)) else None


def rounds_of(tx: Tx, unit_path: str) -> list[RoundRow]:
    """Return the rounds of a commune in which there is a case."""
    table, case = tx.tables.round, tx.tables.case
    held = select(case.c.id).where(case.c.round_id == table.c.id).exists()
    return [RoundRow(*row) for row in tx.select(select(table).where(table.c.unit_path == unit_path, held))]


def insert_round(tx: Tx, row: RoundRow) -> None:
    """Write a new round."""
    tx.execute(insert(tx.tables.round), row._asdict())


_ROUNDS = Statement(
    "rounds",
    ("ids",),
    lambda t: select(*(t.round.c[name] for name in RoundRow._fields)).where(in_ids(t.round.c.id, "ids")),
)


def rounds(tx: Tx, ids: Sequence[int]) -> dict[int, RoundRow]:
    """Return rounds by id; `NotFoundError` if one does not exist."""
    wanted = set(ids)
    found = {v[0]: _round(tx, v) for v in tx.rows(_ROUNDS, tx.ids(sorted(wanted)))}
    if missing := wanted - set(found):
        raise fault(NotFoundError, "found.no_rounds", rounds=", ".join(map(str, sorted(missing))))
    return found


def _round(tx: Tx, v: tuple[Any, ...]) -> RoundRow:
    ends_on = None if v[5] is None else tx.day_from(v[5])
    return RoundRow._make((*v[:4], tx.day_from(v[4]), ends_on, v[6], tx.instant_from(v[7])))


def round_by_code(tx: Tx, code: str) -> RoundRow | None:
    """Return the round with this code, or None."""
    table = tx.tables.round
    found = tx.select(select(table).where(table.c.code == code))
    return RoundRow(*found[0]) if found else None


def insert_households(tx: Tx, rows: Iterable[HouseholdRow]) -> None:
    """Write new households."""
    values = [row._asdict() for row in rows]
    if values:
        tx.execute(insert(tx.tables.household), values)


def households_by_code(tx: Tx, codes: Sequence[str]) -> dict[str, HouseholdRow]:
    """Return the households that have one of `codes`, by code."""
    table = tx.tables.household
    found: dict[str, HouseholdRow] = {}
    for start in range(0, len(codes), 500):
        chunk = codes[start : start + 500]
        found.update({r.code: HouseholdRow(*r) for r in tx.select(select(table).where(table.c.code.in_(chunk)))})
    return found


_SET_CLASS = Statement(
    "set household class",
    ("class_", "id_"),
    lambda t: update(t.household).values(class_now=bindparam("class_")).where(t.household.c.id == bindparam("id_")),
)


def set_class(tx: Tx, rows: Sequence[tuple[str, int]]) -> None:
    """Set what the last decision says of each household: (class, household id)."""
    tx.later(_SET_CLASS, rows)


def insert_units(tx: Tx, rows: Iterable[dict[str, Any]]) -> int:
    """Write units that are not there yet; return how many were new."""
    unit = tx.tables.unit
    given = list(rows)
    known = {path for (path,) in tx.select(select(unit.c.path))}
    new = [row for row in given if row["path"] not in known]
    if new:
        tx.execute(insert(unit), new)
    return len(new)


def insert_unit_lineage(tx: Tx, rows: Iterable[dict[str, Any]]) -> None:
    """Write what became of units (old_path, new_path, kind, on_day, document); what is known already stays."""
    table = tx.tables.unit_lineage
    known = {tuple(row) for row in tx.select(select(table.c.old_path, table.c.new_path, table.c.on_day))}
    new = [row for row in rows if (row["old_path"], row["new_path"], row["on_day"]) not in known]
    if new:
        tx.execute(insert(table), new)


def _settings(tables: Tables) -> Any:
    setting = tables.setting.c
    known = (in_texts(setting.unit_path, "paths"), in_texts(setting.workflow, "workflows"))
    return select(setting.key, setting.value).where(*known).order_by(func.length(setting.unit_path), setting.workflow)


_SETTINGS = Statement("settings", ("paths", "workflows"), _settings)


def settings_for(tx: Tx, workflow: str, unit_path: str) -> dict[str, str]:
    """Return the stored settings of a workflow in force for a unit, the nearest unit's value first: key → JSON."""
    parts = unit_path.split("/")
    paths = ["", *("/".join(parts[: i + 1]) for i in range(len(parts)))]
    return dict(tx.rows(_SETTINGS, tx.texts(paths), tx.texts([workflow, ""])))


def store_setting(tx: Tx, unit_path: str, workflow: str, key: str, value: str | None) -> None:
    """Store a setting's value (canonical JSON) for a unit and a workflow, in place of any before; None removes it."""
    table = tx.tables.setting
    place = {"unit_path": unit_path, "workflow": workflow, "key": key}
    tx.execute(delete(table).where(*(table.c[name] == given for name, given in place.items())))
    if value is not None:
        tx.execute(insert(table), {**place, "value": value})


def stored_settings(tx: Tx) -> list[tuple[str, str, str, str]]:
    """Return every stored setting: unit path, workflow, key, JSON."""
    table = tx.tables.setting
    query = select(table.c.unit_path, table.c.workflow, table.c.key, table.c.value)
    return [tuple(row) for row in tx.select(query.order_by(*table.primary_key))]


_ANSWERED = Statement(
    "idempotency key",
    ("key",),
    lambda t: select(t.idempotency.c.body_digest, t.idempotency.c.answer).where(
        t.idempotency.c.key == bindparam("key")
    ),
)
_REMEMBER = Statement(
    "remember answer",
    ("key", "body_digest", "answer", "recorded_at"),
    lambda t: insert(t.idempotency).values(
        {name: bindparam(name) for name in ("key", "body_digest", "answer", "recorded_at")}
    ),
)


# Two commands with one key at once: the second waits here until the first has answered. SQLite has one writer anyway.
_QUEUE = Statement(
    "idempotency queue",
    ("key",),
    lambda _: select(func.pg_advisory_xact_lock(func.hashtextextended(bindparam("key"), literal_column("0")))),
)


def answered(tx: Tx, key: str, digest: bytes) -> str | None:
    """Return the answer given before to this key, None if it is new; `IdempotencyError` if the body differs."""
    if tx.dialect == "postgresql":
        tx.rows(_QUEUE, key)
    found = tx.rows(_ANSWERED, key)
    if not found:
        return None
    if bytes(found[0][0]) != digest:
        raise fault(IdempotencyError, "idempotency.other_body", key=key)
    return str(found[0][1])


def cases_answered(tx: Tx, key: str) -> frozenset[int]:
    """Return the cases an act was done or refused to under an idempotency key; none if the key is new."""
    found = tx.rows(_ANSWERED, key)
    answer = json.loads(found[0][1]) if found else {}
    moved, refused = answer.get("accepted", ()), answer.get("refused", ())
    return frozenset({*(int(case_id) for case_id, *_ in moved), *(int(case_id) for *_, case_id in refused)})


def remember_answer(tx: Tx, key: str, digest: bytes, answer: str, now: datetime) -> None:
    """Keep the answer to a command under its key."""
    tx.run(_REMEMBER, key, digest, answer, tx.instant(now))


def cases_in_states(
    tx: Tx,
    round_id: int,
    *,
    unit_path: str | None = None,
    states: Sequence[str] = (),
    codes: Sequence[str] | None = None,
) -> dict[str, int]:
    """Return a round's case ids by household code: those of a village, in some states, or of named households."""
    case, household = tx.tables.case, tx.tables.household
    query = select(household.c.code, case.c.id).join(case, case.c.household_id == household.c.id)
    query = query.where(case.c.round_id == round_id).order_by(household.c.code)
    if unit_path is not None:
        query = query.where(case.c.unit_path == unit_path)
    if states:
        query = query.where(case.c.state.in_(states))
    found = {code: case_id for code, case_id in tx.select(query)}  # noqa: C416  rows are not tuples of the right type
    if codes is None:
        return found
    if missing := [code for code in codes if code not in found]:
        raise fault(NotFoundError, "rounds.no_case", count=len(missing), households=", ".join(missing[:5]))
    return {code: found[code] for code in codes}


def cases_of_round(tx: Tx, round_id: int) -> dict[str, int]:
    """Return a round's case ids by household code."""
    return cases_in_states(tx, round_id)


def latest_case(tx: Tx, reference: int | str) -> int:
    """Return the case with this id, or the latest case of the household with this code."""
    case, household = tx.tables.case, tx.tables.household
    by_code = (
        select(case.c.id)
        .join(household, household.c.id == case.c.household_id)
        .where(household.c.code == str(reference))
        .order_by(case.c.id.desc())
        .limit(1)
    )
    found = tx.select(by_code)
    if not found and str(reference).isdecimal() and int(reference) <= _LARGEST_ID:
        found = tx.select(select(case.c.id).where(case.c.id == int(reference)))
    if not found:
        raise fault(NotFoundError, "found.no_case", reference=reference)
    return int(found[0][0])


def codes_of_cases(tx: Tx, case_ids: Sequence[int]) -> dict[int, str]:
    """Return the household codes of cases, by case id."""
    case, household = tx.tables.case, tx.tables.household
    query = select(case.c.id, household.c.code).join(household, household.c.id == case.c.household_id)
    return {i: code for i, code in tx.select(query.where(in_ids(case.c.id, "ids")), {"ids": tx.ids(case_ids)})}  # noqa: C416  rows are not tuples of the right type


def household_code(tx: Tx, household_id: int) -> str:
    """Return a household's code."""
    table = tx.tables.household
    return str(tx.select(select(table.c.code).where(table.c.id == household_id))[0][0])
