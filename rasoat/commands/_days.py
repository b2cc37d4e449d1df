"""Days as they are typed: 2022-10-27 or 27/10/2022; one that does not exist is named, with what was probably meant."""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import datetime

from ._speaking import wrong_usage

__all__ = ["day"]

_FORMS = (
    re.compile(r"(?P<y>\d{4})-(?P<m>\d{1,2})-(?P<d>\d{1,2})"),
    re.compile(r"(?P<d>\d{1,2})/(?P<m>\d{1,2})/(?P<y>\d{4})"),
)
_FIRST_YEAR, _LAST_YEAR = 1900, 2999


def day(typed: str) -> datetime:
    """Read a day; wrong usage if it is none."""
    for form in _FORMS:
        if found := form.fullmatch(typed.strip()):
            return _existing(typed, *(int(found[part]) for part in "ymd"))
    raise wrong_usage(code="day.expected", typed=typed)


def _existing(typed: str, year: int, month: int, number: int) -> datetime:
    if not _FIRST_YEAR <= year <= _LAST_YEAR:
        raise wrong_usage(code="day.year", typed=typed)
    if not 1 <= month <= 12:  # noqa: PLR2004  months of a year
        raise wrong_usage(code="day.expected", typed=typed)
    last = monthrange(year, month)[1]
    if not 1 <= number <= last:
        raise wrong_usage(code="day.impossible", typed=typed, last=f"{last:02}/{month:02}/{year}")
    return datetime(year, month, number)  # noqa: DTZ001  a day as typed; its time is never read
