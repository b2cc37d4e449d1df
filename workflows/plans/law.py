"""What the law fixes for a year's campaign: the season, the reports' dates, the articles. Data, not code."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping  # noqa: TC003 - pydantic resolves the annotations when it reads the file
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Annotated

from pydantic import ConfigDict, Field, TypeAdapter, with_config

__all__ = ["CampaignLaw", "known_years", "law_of"]

_MonthDay = Annotated[str, Field(pattern=r"^\d{2}-\d{2}$")]


@with_config(ConfigDict(extra="forbid"))
@dataclass(frozen=True, slots=True)
class CampaignLaw:
    """The fixed dates of the annual review for the years `from_year` to `through_year`, both included.

    Dates are ``MM-DD``. `articles` gives the provision behind an act; an act without one is the plan's own.
    `bound` lists the acts that belong inside the season.
    """

    name: str
    from_year: int
    through_year: int
    opens: _MonthDay
    closes: _MonthDay
    preliminary_before: _MonthDay
    official_before: _MonthDay
    bound: frozenset[str]
    articles: Mapping[str, str]

    def day(self, month_day: str, year: int) -> date:
        """Return one of this law's dates in `year`."""
        return date.fromisoformat(f"{year}-{month_day}")

    def season(self, year: int) -> tuple[date, date]:
        """Return the first and the last day of the review season of `year`."""
        return self.day(self.opens, year), self.day(self.closes, year)


def law_of(year: int) -> CampaignLaw | None:
    """Return the law of the campaign of `year`, ``None`` where the project knows none."""
    return next((law for law in _laws() if law.from_year <= year <= law.through_year), None)


def known_years() -> str:
    """Return, for a message, the years for which the law is known and its name."""
    return "; ".join(f"{law.name}: {law.from_year}–{law.through_year}" for law in _laws())


@cache
def _laws() -> tuple[CampaignLaw, ...]:
    file = files(__package__.rpartition(".")[0]) / "data" / "plans" / "law" / "campaign.toml"
    read = tomllib.loads(file.read_text(encoding="utf-8"))
    return TypeAdapter(tuple[CampaignLaw, ...]).validate_python(read["law"])
