"""What messages may say beyond counts, where the installation permits it: the codes of the households concerned."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from .statements import in_ids, in_texts

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from sqlalchemy import ColumnElement, Table

    from .database import Tx

__all__ = ["codes_of_cases", "codes_of_terms", "codes_waiting"]


def codes_of_terms(
    tx: Tx, rounds: Sequence[int], paths: Sequence[str], most: int, *, breached: bool
) -> dict[tuple[int, str, str, date], tuple[str, ...]]:
    """Return up to `most` household codes by round, unit path, rule and last day of a term.

    Of the terms that run or stand still, or (`breached`) of all that ran out, done meanwhile or not.
    """
    d = tx.tables.deadline
    told = d.c.breached_at.is_not(None) if breached else d.c.status.in_(("open", "suspended"))
    key = (d.c.round_id, d.c.unit_path, d.c.rule, d.c.due_on)
    return _codes(tx, d, d.c.subject_id, key, [d.c.subject == "case", told], rounds, paths, most)


def codes_waiting(
    tx: Tx, rounds: Sequence[int], paths: Sequence[str], most: int
) -> dict[tuple[int, str, str], tuple[str, ...]]:
    """Return up to `most` household codes of the cases in each state, by round, unit path and state."""
    c = tx.tables.case
    return _codes(tx, c, c.c.id, (c.c.round_id, c.c.unit_path, c.c.state), [], rounds, paths, most)


def codes_of_cases(tx: Tx, case_ids: Sequence[int]) -> dict[int, str]:
    """Return the household codes of cases."""
    c, h = tx.tables.case, tx.tables.household
    query = select(c.c.id, h.c.code).join_from(c, h, h.c.id == c.c.household_id).where(in_ids(c.c.id, "ids"))
    return {row.id: row.code for row in tx.select(query, {"ids": tx.ids(case_ids)})}


def _codes(
    tx: Tx,
    table: Table,
    case_id: ColumnElement[int],
    key: tuple[ColumnElement[Any], ...],
    conditions: Sequence[ColumnElement[bool]],
    rounds: Sequence[int],
    paths: Sequence[str],
    most: int,
) -> dict[Any, tuple[str, ...]]:
    case, household = tx.tables.case.alias("of"), tx.tables.household
    place = func.row_number().over(partition_by=key, order_by=household.c.code).label("place")
    numbered = (
        select(*key, household.c.code, place)
        .select_from(table)
        .join(case, case.c.id == case_id)
        .join(household, household.c.id == case.c.household_id)
        .where(in_texts(table.c.unit_path, "paths"), in_ids(table.c.round_id, "rounds"), *conditions)
        .subquery()
    )
    *columns, code, number = numbered.c
    query = select(*columns, code).where(number <= most).order_by(number)
    found: dict[Any, tuple[str, ...]] = {}
    for *matter, one in tx.select(
        query, {"paths": tx.texts(sorted(set(paths))), "rounds": tx.ids(sorted(set(rounds)))}
    ):
        found[(*matter,)] = (*found.get((*matter,), ()), one)
    return found
