"""`rasoat calendar …`: what the calendar says, how two releases differ, and how a new one is brought in."""

from __future__ import annotations

import tomllib
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..foundation.defaults import DATABASE_URL
from ..foundation.messages import fault
from ._common import Db, Json, Keys, Now, ReleasesDir, print_json
from ._days import day
from ._recalendaring import moved_in, show_moved, tried
from ._refusals import refusals
from ._speaking import wrong_usage
from .due import CountedIn, Language_, Tongue

if TYPE_CHECKING:
    from ..deadlines.calendar import Calendar, DayFact
    from ..deadlines.fixed import Occurrence
    from ..deadlines.releases import DayChange, Release
    from ..deadlines.terms import Move
    from ..foundation.messages import Language

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, help="Calendar releases: days off, swaps, local closures.")

Within = Annotated[str | None, typer.Option("--within", help="Unit path (42/446): add its local closures.")]


@app.command()
def show(
    year: Annotated[int | None, typer.Option("--year", help="Only this year.")] = None,
    release: Annotated[str | None, typer.Option("--release", help="Calendar key, e.g. vn/2025-12-25.")] = None,
    as_known_on: Annotated[
        datetime | None,
        typer.Option("--as-known-on", parser=day, metavar="DAY", help="The calendar as it was known then."),
    ] = None,
    within: Within = None,
    releases_dir: ReleasesDir = None,
    language: Language_ = Tongue.VI,
    as_json: Json = False,
) -> None:
    """List every day off and every day worked in exchange."""
    from ..deadlines.releases import calendar

    with refusals(as_json=as_json):
        known = as_known_on.date() if as_known_on else None
        on = calendar(release, as_known_on=known, unit=within, directory=releases_dir)
        facts = [fact for fact in on.special_days() if year in {None, fact.day.year}]
        if as_json:
            print_json({**_calendar_dict(on), "days": [_fact_dict(fact) for fact in facts]})
            return
        typer.echo(f"{on.key}  {on.first_day} – {on.last_day}  (≤ {on.confirmed_through})")
        for fact in facts:
            typer.echo(_line(fact, language.value, provisional=on.is_provisional(fact.day)))


@app.command()
def diff(
    old: Annotated[str, typer.Argument(help="Calendar key.")],
    new: Annotated[str, typer.Argument(help="Calendar key.")],
    *,
    term: Annotated[
        int | None, typer.Option("--term", min=1, help="Also show which last days of such a term move.")
    ] = None,
    unit: Annotated[CountedIn, typer.Option("--unit", help="What that term is counted in.")] = CountedIn.WORKING,
    since: Annotated[
        datetime | None, typer.Option("--from", parser=day, metavar="DAY", help="First start day.")
    ] = None,
    through: Annotated[
        datetime | None, typer.Option("--through", parser=day, metavar="DAY", help="Last start day.")
    ] = None,
    releases_dir: ReleasesDir = None,
    language: Language_ = Tongue.VI,
    as_json: Json = False,
) -> None:
    """Say which days two calendars tell differently, and which last days move because of it."""
    from ..deadlines.releases import diff as differences
    from ..deadlines.releases import library

    with refusals(as_json=as_json):
        shelf = library(releases_dir)
        before, after = shelf.calendar(old), shelf.calendar(new)
        changes = differences(before, after)
        moves = _moves(term, unit, since, through, before, after)
        if as_json:
            print_json(
                {"old": before.key, "new": after.key, "changes": _changes(changes), "moves": _moves_dicts(moves)}
            )
            return
        for change in changes:
            typer.echo(_change_line(change, language.value))
        for move in moves:
            typer.echo(f"{move.start} + {term}: {move.old_due} → {move.new_due}")


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="A release file (docs/calendar.md).")],
    releases_dir: Annotated[
        Path | None,
        typer.Option("--releases-dir", envvar="RASOAT_CALENDARS", help="Where imported releases are kept."),
    ] = None,
    db: Annotated[str | None, typer.Option("--db", metavar="URL", help="Also move its open deadlines.")] = None,
    keys: Keys = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="With --db: only say which deadlines it would move; bring nothing in.")
    ] = False,
    now: Now = None,
    as_json: Json = False,
) -> None:
    """Check a release file and bring it in. The same file twice changes nothing."""
    from ..deadlines.releases import install, library

    if dry_run and db is None:
        raise wrong_usage(code="usage.dry_run")
    if releases_dir is None and not dry_run:
        raise wrong_usage(code="usage.releases")
    with refusals(as_json=as_json):
        if dry_run or releases_dir is None:
            release, changed, shelf = tried(file, releases_dir)
        else:
            release, changed = install(file, releases_dir)
            shelf = library(releases_dir)
    found = None if db is None else moved_in(db, keys, shelf, dry_run=dry_run, now=now, as_json=as_json)
    if as_json:
        print_json({**_release_dict(release), "changed": changed, **({"deadlines": found} if found else {})})
        return
    typer.echo(f"{release.key}: {release.title.vi} ({'+' if changed else '='})")
    if found:
        show_moved(found)


@app.command()
def apply(
    *,
    db: Db = DATABASE_URL,
    keys: Keys = None,
    releases_dir: ReleasesDir = None,
    within: Annotated[str | None, typer.Option("--within", help="Only deadlines of this unit (path).")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say which deadlines would move.")] = False,
    now: Now = None,
    as_json: Json = False,
) -> None:
    """Move the open deadlines that the releases known now put elsewhere: on record, with a word to their owners."""
    from ..deadlines.releases import library

    with refusals(as_json=as_json):
        shelf = library(releases_dir)
    found = moved_in(db, keys, shelf, within=within, dry_run=dry_run, now=now, as_json=as_json)
    if as_json:
        print_json(found)
    else:
        show_moved(found)


@app.command()
def release(
    key: Annotated[str | None, typer.Argument(help="Show the days of this release only.")] = None,
    releases_dir: ReleasesDir = None,
    language: Language_ = Tongue.VI,
    as_json: Json = False,
) -> None:
    """List the releases in the order in which they became known, or what one of them says."""
    from ..deadlines.releases import releases
    from ..foundation.errors import NotFoundError

    with refusals(as_json=as_json):
        known = [each for each in releases(releases_dir) if key in {None, each.key}]
        if not known:
            raise fault(NotFoundError, "usage.no_release", key=key)
        if as_json:
            print_json([_release_dict(each) for each in known] if key is None else _release_dict(known[0]))
            return
        for each in known:
            typer.echo(
                f"{each.key:<18} {each.standing:<9} {each.decision or '—':<16} {each.title.within(language.value)}"
            )
            for fact in each.days if key else ():
                typer.echo("  " + _line(fact, language.value, provisional=each.standing == "expected"))


@app.command()
def draft(
    year: Annotated[int, typer.Argument(help="A year that is not published yet.")],
    known_from: Annotated[
        datetime | None,
        typer.Option("--known-from", parser=day, metavar="DAY", help="Day of the draft (default: today)."),
    ] = None,
    *,
    as_json: Json = False,
) -> None:
    """Draft an expected release of a year to come, to be checked by hand and imported."""
    from ..deadlines.drafting import draft as drafted
    from ..foundation.clock import SystemClock, legal_date

    with refusals(as_json=as_json):
        day = known_from.date() if known_from else legal_date(SystemClock().now())
        text = drafted(year, day)
    if as_json:
        print_json(tomllib.loads(text))
        return
    typer.echo(text, nl=False)


@app.command()
def dates(
    year: Annotated[int, typer.Argument(help="The year.")],
    releases_dir: ReleasesDir = None,
    language: Language_ = Tongue.VI,
    ical: Annotated[bool, typer.Option("--ical", help="As an iCalendar file.")] = False,
    as_json: Json = False,
) -> None:
    """List the dates the law names in a year, with weekday; they stay where they are on a day off."""
    from ..deadlines.fixed import occurrences
    from ..deadlines.releases import calendar

    with refusals(as_json=as_json):
        found = occurrences(year, calendar(directory=releases_dir))
        if ical:
            typer.echo(_feed(year, found, language.value), nl=False)
        elif as_json:
            print_json([_occurrence_dict(each) for each in found])
        else:
            for each in found:
                typer.echo(f"{_line(each.fact, language.value):<46} {each.fixed.name.within(language.value)}")


def _moves(
    length: int | None,
    unit: CountedIn,
    since: datetime | None,
    through: datetime | None,
    before: Calendar,
    after: Calendar,
) -> tuple[Move, ...]:
    from ..deadlines.terms import Term, moved
    from ..foundation.errors import InputError

    if length is None:
        return ()
    if since is None or through is None or through < since:
        raise fault(InputError, "usage.term")
    days = [since.date() + timedelta(days=n) for n in range((through - since).days + 1)]
    return moved(Term(length, unit.unit), days, before, after)


def _feed(year: int, found: tuple[Occurrence, ...], language: Language) -> str:
    from ..deadlines.feeds import FeedEntry, icalendar_text
    from ..foundation.clock import SystemClock
    from ..foundation.messages import text

    entries = [
        FeedEntry(
            uid=f"{each.fixed.key}-{each.last_day:%Y%m}@rasoat",
            day=each.last_day,
            summary=each.fixed.name.within(language),
            description=each.fixed.article,
        )
        for each in found
    ]
    return icalendar_text(text("fixed_date.feed", year=year).within(language), entries, SystemClock().now())


def _line(fact: DayFact, language: Language, *, provisional: bool = False) -> str:
    from ..foundation.messages import text

    weekday = text(f"calendar.weekday.{fact.day.isoweekday()}").within(language)
    kind = text(f"calendar.kind.{fact.kind}").within(language)
    decision = f" ({fact.decision})" if fact.decision else ""
    mark = text("proof.expected").within(language) if provisional else ""
    name = fact.name.within(language)
    return f"{fact.day:%d/%m/%Y}  {weekday:<9} {kind:<20} {'' if name == kind else name}{decision}{mark}".rstrip()


def _change_line(change: DayChange, language: Language) -> str:
    told = [fact.name.within(language) if fact else "—" for fact in (change.before, change.after)]
    return f"{change.day:%d/%m/%Y}  {told[0]} → {told[1]}"


def _calendar_dict(on: Calendar) -> dict[str, Any]:
    return {
        "calendar": on.key,
        "first_day": str(on.first_day),
        "last_day": str(on.last_day),
        "confirmed_through": str(on.confirmed_through),
    }


def _fact_dict(fact: DayFact) -> dict[str, Any]:
    return {
        "day": str(fact.day),
        "kind": str(fact.kind),
        "name": fact.name._asdict(),
        "decision": fact.decision,
        "decided_on": _iso(fact.decided_on),
        "source": fact.source,
        "tag": fact.tag,
    }


def _release_dict(each: Release) -> dict[str, Any]:
    return {
        "key": each.key,
        "scope": each.scope,
        "known_from": str(each.known_from),
        "standing": str(each.standing),
        "years": list(each.years),
        "title": each.title._asdict(),
        "decision": each.decision,
        "decided_on": _iso(each.decided_on),
        "source": each.source,
        "tag": each.tag,
        "days": [_fact_dict(fact) for fact in each.days],
        "restored": [str(day) for day in each.restored],
    }


def _occurrence_dict(each: Occurrence) -> dict[str, Any]:
    return {
        "key": each.fixed.key,
        "name": each.fixed.name._asdict(),
        "bound": str(each.fixed.bound),
        "last_day": str(each.last_day),
        "weekday": each.last_day.isoweekday(),
        "kind": str(each.fact.kind),
        "article": each.fixed.article,
    }


def _changes(changes: tuple[DayChange, ...]) -> list[dict[str, Any]]:
    return [
        {
            "day": str(change.day),
            "before": _fact_dict(change.before) if change.before else None,
            "after": _fact_dict(change.after) if change.after else None,
        }
        for change in changes
    ]


def _moves_dicts(moves: tuple[Move, ...]) -> list[dict[str, str]]:
    return [{"start": str(m.start), "old_due": str(m.old_due), "new_due": str(m.new_due)} for m in moves]


def _iso(day: date | None) -> str | None:
    return None if day is None else day.isoformat()
