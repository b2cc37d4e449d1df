"""Certificates (Mẫu 03): numbered within commune and year, given to poor and near-poor households only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import bindparam, func, select

from ..foundation.paths import at_level
from .statements import Statement, insertion

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from .database import Tx

__all__ = ["issue", "of_cases"]


_FIELDS = ("series", "number", "case_id", "class", "issued_on", "act_id")
_TAKEN = Statement(
    "certificates of a series",
    ("series_",),
    lambda t: select(func.count()).select_from(t.certificate).where(t.certificate.c.series == bindparam("series_")),
)
_INSERT = insertion("insert certificates", lambda t: t.certificate, _FIELDS)


def issue(
    tx: Tx, asked: Sequence[tuple[int, str, str]], style: str, issued_on: date, act_id: int
) -> dict[int, str]:  # fmt: skip
    """Give a number to each (case id, village path, class); return the numbers by case id.

    `style` is a format with ``number`` and ``year``. Of two acts of one commune that draw the same number at once,
    the second is refused by the key and raises `ConflictError`.
    """
    by_commune: dict[str, list[tuple[int, str]]] = {}
    for case_id, path, cls in asked:
        by_commune.setdefault(at_level(path, "commune"), []).append((case_id, cls))
    numbers: dict[int, str] = {}
    rows = []
    for commune, own in sorted(by_commune.items()):
        series = f"{commune}:{issued_on.year}"
        taken = tx.rows(_TAKEN, series)[0][0]
        for place, (case_id, cls) in enumerate(own, taken + 1):
            numbers[case_id] = style.format(number=place, year=issued_on.year)
            rows.append((series, numbers[case_id], case_id, cls, tx.day(issued_on), act_id))
    tx.many(_INSERT, rows)
    return numbers


def of_cases(tx: Tx, case_ids: Sequence[int]) -> dict[int, str]:
    """Return the certificate numbers in force, by case id."""
    certificate = tx.tables.certificate
    query = select(certificate.c.case_id, certificate.c.number).where(
        certificate.c.case_id.in_(case_ids), certificate.c.withdrawn_on.is_(None)
    )
    return {case_id: number for case_id, number in tx.select(query)}  # noqa: C416  rows are not pairs of the right type
