"""What every command shares: the database, the keys, the language, JSON or text, and how it opens the engine."""

from __future__ import annotations

import json
import os
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..foundation.clock import FrozenClock
from ._refusals import refusals
from ._speaking import chosen, language, spoken, wrong_usage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..api import Rasoat
    from ..engine.values import Refusal
    from ..foundation.messages import Language

__all__ = [
    "ActingFor",
    "ActorKey",
    "Db",
    "IdempotencyKey",
    "Json",
    "Keys",
    "Lang",
    "Now",
    "OnlyRole",
    "OnlyStep",
    "OnlyUnit",
    "OnlyWorkflow",
    "ReleasesDir",
    "Roles",
    "acting_for",
    "configure_logging",
    "instant",
    "is_new",
    "language",
    "opened",
    "print_json",
    "refusal_line",
    "refusal_object",
    "require_unit",
    "say_created",
]

_ACTING_FOR: ContextVar[str | None] = ContextVar("rasoat_acting_for", default=None)


def _acting_for(value: str | None) -> str | None:
    """Keep for whom the command's actor acts; a typer callback."""
    _ACTING_FOR.set(value)
    return value


def acting_for() -> str | None:
    """Return for whom the actor of the command that runs acts, None if for nobody but the office itself."""
    return _ACTING_FOR.get()


Db = Annotated[str, typer.Option("--db", envvar="RASOAT_DATABASE_URL", help="Database URL.", metavar="URL")]
Keys = Annotated[
    str | None,
    typer.Option("--keys", envvar="RASOAT_KEYS", help="Keys to personal data: file:PATH, env, env:VARIABLE."),
]
Json = Annotated[bool, typer.Option("--json", help="Machine-readable output.")]
OnlyUnit = Annotated[str | None, typer.Option("--unit", help="Only this unit and what lies below it (path).")]
OnlyRole = Annotated[str | None, typer.Option("--role", help="Only this role's desk: committee …")]
OnlyWorkflow = Annotated[str | None, typer.Option("--workflow", help="Only this procedure: annual@2022.")]
OnlyStep = Annotated[str | None, typer.Option("--step", help="Only this step's term: recheck, opinion …")]
Lang = Annotated[
    str,
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
Now = Annotated[
    str | None, typer.Option("--now", help="Let the clock stand at this instant, e.g. 2022-10-27T17:00+07:00.")
]
ActorKey = Annotated[
    str, typer.Option("--actor", envvar="RASOAT_ACTOR", help="Staff code of who acts or decides (never a name).")
]
ActingFor = Annotated[
    str | None,
    typer.Option(
        "--on-behalf-of",
        envvar="RASOAT_ON_BEHALF_OF",
        callback=_acting_for,
        help="Staff code of the official for whom the actor acts (a deputy's principal).",
    ),
]
Roles = Annotated[
    list[str], typer.Option("--role", help="ROLE:UNIT_PATH[:FROM[:TO]] the actor holds; may be repeated.")
]
_LONGEST_KEY = 100


def _key(value: str | None) -> str | None:
    """Take a key of repetition; wrong usage if it is empty or too long; a typer callback."""
    if value is not None and not (value.strip() and len(value) <= _LONGEST_KEY):
        raise wrong_usage(code="usage.idempotency_key", most=_LONGEST_KEY)
    return value


IdempotencyKey = Annotated[
    str | None,
    typer.Option("--idempotency-key", callback=_key, help="The same key with the same request does it once."),
]
ReleasesDir = Annotated[
    Path | None, typer.Option("--releases-dir", help="Directory of imported releases (or RASOAT_CALENDARS).")
]


_FIRST_YEAR, _LAST_YEAR = 1945, 2999


def instant(text: str) -> datetime:
    """Read an aware instant from the command line; wrong usage if it is none."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise wrong_usage(code="usage.instant", typed=text) from error
    if found.tzinfo is None:
        raise wrong_usage(code="usage.zone", typed=text)
    if not _FIRST_YEAR <= found.year <= _LAST_YEAR:
        raise wrong_usage(code="usage.instant_years", typed=text, first=_FIRST_YEAR, last=_LAST_YEAR)
    return found


def configure_logging(*, as_json: bool | None = None, level: str | None = None) -> None:
    """Send structured logs to standard error: JSON if asked or if nobody watches, else for reading.

    Events carry keys, codes and counts; a personal identifier is never a key of any of them.
    """
    import logging
    import sys

    import structlog

    machine = as_json if as_json is not None else os.environ.get("RASOAT_LOG") == "json"
    wanted = logging.getLevelName((level or os.environ.get("RASOAT_LOG_LEVEL", "WARNING")).upper())
    renderer: Any = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if machine
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(wanted if isinstance(wanted, int) else logging.WARNING),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


@contextmanager
def opened(
    db: str,
    keys: str | None,
    *,
    as_json: bool,
    now: str | None = None,
    asks: bool = False,
    create: bool = False,
    **options: Any,
) -> Iterator[Rasoat]:
    """Open the engine for one command; faults become messages and exit codes.

    `now` freezes the clock, within what keeps the record true unless the command only `asks`; only what brings
    something in may `create` a database, and says so. `options` are those of `Rasoat.open`.
    """
    from ..api import Rasoat
    from ..opening import require_instant

    told = instant(now) if now else None
    with refusals(as_json=as_json):
        fresh = create and is_new(db)
        engine = Rasoat.open(db, keys=keys, clock=FrozenClock(told) if told else None, create=create, **options)
        try:
            if fresh:
                say_created(db)
            if told is not None and not asks:
                require_instant(engine.database, told)
            yield engine
        finally:
            engine.close()


def require_unit(engine: Rasoat, path: str | None) -> None:
    """`NotFoundError` for a path that no unit on record has: a typing error is not an empty answer."""
    from ..foundation.errors import NotFoundError
    from ..foundation.messages import fault

    if path and all(unit.path != path for unit in engine.units()):
        raise fault(NotFoundError, "opening.no_unit", path=path)


def is_new(db: str) -> bool:
    """Whether opening would make a new SQLite file."""
    from ..opening import sqlite_file

    path = sqlite_file(db)
    return path is not None and not path.exists()


def say_created(db: str) -> None:
    """Say on standard error that there is a new database now: a typing error shows at once."""
    from ..foundation.messages import text

    typer.echo(text("opening.created", url=db).within(spoken()), err=True)


def print_json(value: object) -> None:
    """Print one JSON document: days and instants in ISO form, everything else as it is."""
    typer.echo(json.dumps(value, ensure_ascii=False, indent=2, default=_plain))


def refusal_object(refusal: Refusal) -> dict[str, Any]:
    """Return a refusal as JSON output shows it."""
    reason = refusal.reason
    return {
        "case": None if refusal.case_id is None else str(refusal.case_id),
        "code": refusal.code,
        "article": refusal.article,
        "reason": {"vi": reason.vi, "en": reason.en},
    }


def refusal_line(refusal: Refusal, tongue: Language, who: object = None) -> str:
    """Return a refusal as a reader sees it: whom it concerns, if anybody, the reason, its code and its article."""
    source = "; ".join(each for each in (refusal.code, refusal.article) if each)
    return f"{'' if who is None else f'{who}: '}{refusal.reason.within(tongue)} [{source}]"


def _plain(value: object) -> str:
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, bytes):
        return value.hex()
    msg = f"{type(value).__name__} has no JSON form here"
    raise TypeError(msg)
