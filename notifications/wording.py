"""Dates, numbers and counted things as officials write them, in both languages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..foundation.messages import text

if TYPE_CHECKING:
    from datetime import date
    from fractions import Fraction

    from ..foundation.messages import Language

__all__ = [
    "counted",
    "grouped_digits",
    "official_date",
    "percentage",
    "scope",
    "sentence",
    "short_date",
    "standing",
    "vietnamese_date",
]

_ROOT = "notify."


def sentence(code: str, language: Language, **fields: object) -> str:
    """Return the catalogue sentence ``notify.<code>`` in `language` with its `fields` filled in."""
    return text(_ROOT + code, **fields).within(language)


def vietnamese_date(day: date) -> str:
    """Return `day` as officials write it: ``thứ Năm, 27/10/2022``."""
    return official_date(day, "vi")


def official_date(day: date, language: Language) -> str:
    """Return `day` with its weekday: ``thứ Năm, 27/10/2022`` or ``Thursday, 27 October 2022``."""
    return sentence(
        "date",
        language,
        weekday=sentence(f"weekday.{day.isoweekday()}", language),
        day=day.day,
        month=sentence(f"month.{day.month}", language),
        year=day.year,
    )


def short_date(day: date, language: Language) -> str:
    """Return `day` without its weekday: ``27/10/2022`` or ``27 October 2022``."""
    month = sentence(f"month.{day.month}", language)
    return sentence("short_date", language, day=day.day, month=month, year=day.year)


def grouped_digits(number: int, language: Language) -> str:
    """Return `number` with its thousands set apart: ``10.000`` (vi), ``10,000`` (en)."""
    grouped = f"{number:,}"
    return grouped.replace(",", ".") if language == "vi" else grouped


def percentage(share: Fraction, language: Language) -> str:
    """Return `share` (0 to 1) with one decimal, rounded half up: ``92,5 %`` (vi), ``92.5 %`` (en).

    100 % is never shown while anything is missing from the whole.
    """
    tenths = (share.numerator * 2000 + share.denominator) // (2 * share.denominator)
    if share < 1:
        tenths = min(tenths, 999)
    whole, tenth = divmod(tenths, 10)
    mark = "," if language == "vi" else "."
    return f"{grouped_digits(whole, language)}{mark}{tenth}\u00a0%"


def counted(thing: str, count: int, language: Language) -> str:
    """Return `count` of `thing` (``notify.count.<thing>``), singular or plural: ``1 household``, ``100 hộ``."""
    number = "one" if count == 1 else "other"
    return sentence(f"count.{thing}.{number}", language, count=grouped_digits(count, language))


def scope(count: int, thing: str, village: str, language: Language) -> str:
    """Return how many of what, and where: ``100 hộ, thôn Phú Thượng``."""
    many = counted(thing, count, language)
    return sentence("state.place", language, count=many, village=village) if village else many


def standing(days_left: int, language: Language) -> str:
    """Return how a term stands, in working days: ``còn 2 ngày làm việc``, ``hết hạn hôm nay``, ``quá hạn 1 …``."""
    if days_left == 0:
        return sentence("state.today", language)
    code = "state.left" if days_left > 0 else "state.overdue"
    return sentence(code, language, days=counted("working_day", abs(days_left), language))
