"""Certificates (Mẫu 03): numbered within commune and year, given to poor and near-poor households only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import func, insert, select

from ..foundation.paths import at_level

if TYPE_CHECKING:
    from datetime import date
    from collections.abc import Sequence
    from .database import Tx

__all__ = ["issue", "of_cases"]


def issue(
    tx: Tx, asked: Sequence[tuple[int, str, str]], style: str, issued_on: date, act_id: int
) -> dict[int, str]:  # fmt: skip
    """Give a number to each (case id, village path, class); return the numbers by case id.

    `style` is a format with ``number`` and ``year``. The round's cases are locked, so that two acts of one
    commune cannot draw the same number.
    """
    certificate = tx.tables.certificate
    numbers: dict[int, str] = {}
    for commune in sorted({at_level(path, "commune") for _, path, _ in asked}):
        series = f"{commune}:{issued_on.year}"
        taken = tx.select(select(func.count()).select_from(certificate).where(certificate.c.series == series))[0][0]
        rows = []
        own = [(case_id, cls) for case_id, path, cls in asked if at_level(path, "commune") == commune]
        for place, (case_id, cls) in enumerate(own, taken + 1):
            numbers[case_id] = style.format(number=place, year=issued_on.year)
            rows.append(
                {
                    "series": series,
                    "number": numbers[case_id],
                    "case_id": case_id,
                    "class": cls,
                    "issued_on": issued_on,
                    "act_id": act_id,
                }
            )
        tx.execute(insert(certificate), rows)
    return numbers


def of_cases(tx: Tx, case_ids: Sequence[int]) -> dict[int, str]:
    """Return the certificate numbers in force, by case id."""
    certificate = tx.tables.certificate
    query = select(certificate.c.case_id, certificate.c.number).where(
        certificate.c.case_id.in_(case_ids), certificate.c.withdrawn_on.is_(None)
    )
    return {case_id: number for case_id, number in tx.select(query)}
