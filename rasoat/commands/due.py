"""`rasoat due START LENGTH`: the last day of a term, and why."""

from __future__ import annotations

import json
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from ._common import ReleasesDir
from ._days import day
from ._refusals import refusals
from ._speaking import chosen

if TYPE_CHECKING:
    from ..deadlines.proof import Proof
    from ..deadlines.terms import Unit
    from ..foundation.messages import Language

__all__ = ["CountedIn", "Language_", "Tongue", "due"]


class CountedIn(StrEnum):
    """Units as they are typed."""

    WORKING = "working"
    CALENDAR = "calendar"
    MONTHS = "months"

    @property
    def unit(self) -> Unit:
        """Return the unit of a term that is meant."""
        from ..deadlines.terms import Unit

        return Unit.MONTHS if self is CountedIn.MONTHS else Unit(f"{self}_days")


class Tongue(StrEnum):
    """Languages of the interface."""

    VI = "vi"
    EN = "en"


Language_ = Annotated[
    Tongue,
    typer.Option(
        "--lang",
        "--language",
        envvar="RASOAT_LANG",
        callback=chosen,
        is_eager=True,
        show_default="by locale",
        help="vi or en.",
    ),
]


def due(
    start: Annotated[datetime, typer.Argument(parser=day, metavar="DAY", help="The day of the event.")],
    length: Annotated[int, typer.Argument(min=1, help="How many days or months the term has.")],
    *,
    unit: Annotated[CountedIn, typer.Option("--unit", help="What the term is counted in.")] = CountedIn.WORKING,
    release: Annotated[str | None, typer.Option("--release", help="Calendar key, e.g. vn/2025-12-25.")] = None,
    as_known_on: Annotated[
        datetime | None,
        typer.Option("--as-known-on", parser=day, metavar="DAY", help="The calendar as it was known then."),
    ] = None,
    within: Annotated[
        str | None, typer.Option("--within", help="Unit path (42/446): add the local closures of this unit.")
    ] = None,
    releases_dir: ReleasesDir = None,
    article: Annotated[str, typer.Option("--article", help="The provision that sets the term.")] = "",
    about: Annotated[str, typer.Option("--about", help="What the printed page is about.")] = "",
    count_first_day: Annotated[bool, typer.Option("--count-first-day", help="The day of the event is day 1.")] = False,
    no_roll: Annotated[bool, typer.Option("--no-roll", help="A last day that is a day off stays.")] = False,
    skip_makeup: Annotated[bool, typer.Option("--skip-makeup", help="Make-up days are no working days.")] = False,
    proof: Annotated[bool, typer.Option("--proof", "--print", help="Print the page that explains every day.")] = False,
    language: Language_ = Tongue.VI,
    as_json: Annotated[bool, typer.Option("--json", help="The whole proof as JSON.")] = False,
) -> None:
    """Tell the last day of a term that an event sets running, by the counting rules of the civil code."""
    from ..deadlines.proof import prove
    from ..deadlines.releases import calendar
    from ..deadlines.terms import Counting, Term

    counting = Counting(first_day_excluded=not count_first_day, roll_end=not no_roll, makeup_counts=not skip_makeup)
    with refusals(as_json=as_json):
        known = as_known_on.date() if as_known_on else None
        on = calendar(release, as_known_on=known, unit=within, directory=releases_dir)
        found = prove(Term(length, unit.unit, counting, article), start.date(), on)
        if as_json:
            typer.echo(json.dumps(found.as_dict(), ensure_ascii=False, indent=2))
        elif proof:
            typer.echo(found.render(language.value, about=about), nl=False)
        else:
            typer.echo(_brief(found, language.value))


def _brief(found: Proof, language: Language) -> str:
    from ..foundation.messages import text

    weekday = text(f"calendar.weekday.{found.due_on.isoweekday()}").within(language)
    lines = [text("due.last_day", day=f"{weekday}, {found.due_on:%d/%m/%Y}")]
    lines += found.provisos
    lines.append(text("due.calendar", key=found.calendar))
    return "\n".join(line.within(language) for line in lines)
