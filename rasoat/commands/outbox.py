"""`rasoat outbox …`: what goes out, what did not, and what to do about it."""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from ..foundation.clock import LEGAL_ZONE
from ..foundation.defaults import DATABASE_URL
from ..foundation.messages import text
from ._common import Db, Json, Keys, Lang, Now, language, opened, print_json
from ._progress import progress
from ._refusals import REFUSED
from ._speaking import require_known, wrong_usage

if TYPE_CHECKING:
    from datetime import datetime

    from ..api import Rasoat
    from ..notifications.directory import StaffDirectory
    from ..notifications.model import Recipient
    from ..notifications.setup import Notify

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, help="Messages: look, send, send again, give up, try a channel, forget.")

Settings = Annotated[
    Path | None,
    typer.Option("--notify", envvar="RASOAT_NOTIFY", help="Settings of messages: directory, channels (TOML)."),
]
_OF_MESSAGES = ("queued", "sent", "dead", "discarded")
_OF_FACTS = ("queued", "told", "moot", "unreachable", "dead", "discarded")
Reference = Annotated[str, typer.Argument(help="An id or its beginning: the reference printed in the message.")]


@app.command("list")
def list_(
    *,
    status: Annotated[str | None, typer.Option("--status", help="queued, sent, dead, discarded …")] = None,
    channel: Annotated[str | None, typer.Option("--channel", help="Only this channel's messages.")] = None,
    facts: Annotated[bool, typer.Option("--facts", help="The facts to be told instead of messages.")] = False,
    limit: Annotated[int, typer.Option("--limit", min=1, help="At most so many, the newest first.")] = 50,
    db: Db = DATABASE_URL,
    keys: Keys = None,
    lang: Lang = "vi",
    as_json: Json = False,
) -> None:
    """List messages, or the facts behind them.

    Example: rasoat outbox list --status dead
    """
    from ..persistence import messages, outbox

    tongue = language(lang)
    require_known("--status", status, _OF_FACTS if facts else _OF_MESSAGES)
    with opened(db, keys, as_json=as_json) as engine, engine.database.read() as tx:
        if facts:
            rows: list[Any] = list(outbox.list_facts(tx, status=status, limit=limit))
        else:
            rows = list(messages.listed(tx, status=status, channel=channel, limit=limit))
    if as_json:
        print_json([_brief(row) for row in rows])
    elif not rows:
        typer.echo(text("delivery.list.none").within(tongue))
    for row in () if as_json else rows:
        who = f"{row.role}@{row.unit_path}" if facts else f"{row.recipient} {row.channel}"
        what = row.kind if facts else row.title
        status = text("telling.delivery", delivery=row.status).within(tongue)
        typer.echo(f"{row.id[:12]}  {_when(row.created_at)}  {status:<16}  {who}  {what}")


@app.command()
def show(reference: Reference, db: Db = DATABASE_URL, keys: Keys = None, *, as_json: Json = False) -> None:
    """Show a message with every attempt and the facts it tells, or a fact with the messages that tell it."""
    from ..notifications.operations import show as shown

    with opened(db, keys, as_json=as_json) as engine, engine.database.read() as tx:
        found = shown(tx, reference)
    if as_json:
        print_json(
            {
                "message": found.message and found.message._asdict(),
                "attempts": [attempt._asdict() for attempt in found.attempts],
                "facts": [fact._asdict() for fact in found.facts],
                "told_by": [_brief(row) for row in found.told_by],
            }
        )
        return
    if found.message is not None:
        message = found.message
        typer.echo(f"{message.id}  {message.status}  {message.recipient} {message.channel}\n\n{message.title}\n")
        typer.echo(message.text)
    for attempt in found.attempts:
        ended = "?" if attempt.ended_at is None else _when(attempt.ended_at)
        typer.echo(f"{attempt.number:>3}  {ended}  {attempt.outcome or '?'}  {attempt.detail}")
    for fact in found.facts:
        typer.echo(
            f"{fact.id}  {fact.kind}  {fact.status}  {fact.role}@{fact.unit_path}  {fact.problem or ''}".rstrip()
        )
    for row in found.told_by:
        typer.echo(f"{row.id}  {row.status}  {row.recipient} {row.channel}  {row.title}")


@app.command()
def retry(
    reference: Reference,
    *,
    settings: Settings = None,
    db: Db = DATABASE_URL,
    keys: Keys = None,
    now: Now = None,
    as_json: Json = False,
) -> None:
    """Send a dead or discarded message again, or an untold fact: to the address the directory has by now."""
    from ..notifications.operations import retry as again

    with opened(db, keys, as_json=as_json, now=now) as engine:
        _done(again(engine.database, engine.engine, _settings(engine, settings), reference), "queued", as_json=as_json)


@app.command()
def discard(
    reference: Reference, db: Db = DATABASE_URL, keys: Keys = None, *, now: Now = None, as_json: Json = False
) -> None:
    """Give up a message or fact that has not gone out; it stays on record as given up."""
    from ..notifications.operations import discard as give_up

    with opened(db, keys, as_json=as_json, now=now) as engine:
        _done(give_up(engine.database, engine.engine, reference), "discarded", as_json=as_json)


@app.command("test")
def try_(
    channel: Annotated[str, typer.Argument(help="The channel's name in the settings.")],
    to: Annotated[str, typer.Option("--to", help="The person's key in the directory.")],
    *,
    settings: Settings = None,
    db: Db = DATABASE_URL,
    keys: Keys = None,
    as_json: Json = False,
) -> None:
    """Send a message that only tries a channel; exit code 1 if it does not get through.

    Example: rasoat outbox test email --to can-bo-07 --notify notify.toml
    """
    from ..notifications.operations import try_channel

    with opened(db, keys, as_json=as_json) as engine:
        notify = _required(engine, settings)
        found, attempt = try_channel(engine.database, engine.engine, notify, channel, _person(notify, to), _chance())
    if as_json:
        print_json({"id": found, "outcome": attempt.outcome, "detail": attempt.detail, "handle": attempt.handle})
    else:
        typer.echo(f"{found}  {attempt.outcome}  {attempt.detail}")
    if attempt.outcome != "sent":
        raise typer.Exit(REFUSED)


@app.command()
def dispatch(
    *,
    settings: Settings = None,
    db: Db = DATABASE_URL,
    keys: Keys = None,
    digest: Annotated[bool, typer.Option("--digest", help="First write digests and summaries that are due.")] = False,
    now: Now = None,
    as_json: Json = False,
) -> None:
    """Once: write the messages that are due and send what may go out. `rasoat worker` does it all the time."""
    from ..notifications.dispatch import dispatch as send
    from ..notifications.morning import write_digests, write_summaries

    with opened(db, keys, as_json=as_json, now=now) as engine:
        notify = _required(engine, settings)
        if digest:
            write_digests(engine.database, engine.engine, notify)
            write_summaries(engine.database, engine.engine, notify)
        with progress("sending", quiet=as_json):
            done = send(engine.database, engine.engine, notify, chance=_chance())
    if as_json:
        print_json(asdict(done))
    else:
        counts = f"{done.sent} sent, {done.failed} failed, {done.dead} dead"
        typer.echo(f"{done.gathered.rows} → {done.gathered.messages}: {counts}")


@app.command()
def metrics(db: Db = DATABASE_URL, keys: Keys = None, *, as_json: Json = False) -> None:
    """Count messages by status, facts that wait, and say how old the oldest unsent one is."""
    from ..notifications.operations import metrics as count

    with opened(db, keys, as_json=as_json) as engine, engine.database.read() as tx:
        found = asdict(count(tx))
    if as_json:
        print_json(found)
    for name, value in () if as_json else found.items():
        typer.echo(f"{name:<14} {'–' if value is None else value}")


@app.command()
def retention(
    *,
    older_than: Annotated[int, typer.Option("--older-than", min=1, help="Days since it was sent or given up.")],
    db: Db = DATABASE_URL,
    keys: Keys = None,
    now: Now = None,
    as_json: Json = False,
) -> None:
    """Delete old messages that were sent or discarded, with their attempts; what is undelivered always stays."""
    from ..notifications.operations import forget

    with opened(db, keys, as_json=as_json, now=now) as engine:
        gone = forget(engine.database, engine.engine, timedelta(days=older_than))
    if as_json:
        print_json(gone._asdict())
    else:
        typer.echo(", ".join(f"{name} {count}" for name, count in gone._asdict().items()))


@app.command()
def letter(
    reference: Reference,
    *,
    html: Annotated[bool, typer.Option("--html", help="The page instead of plain text.")] = False,
    db: Db = DATABASE_URL,
    keys: Keys = None,
    now: Now = None,
    lang: Lang = "vi",
    as_json: Json = False,
) -> None:
    """Draft the letters of apology (phiếu xin lỗi và hẹn lại ngày trả kết quả) a fact asks for, one per household."""
    from ..notifications.operations import letters

    with opened(db, keys, as_json=as_json, now=now) as engine:
        found = letters(engine.database, engine.engine, reference, language(lang))
    if as_json:
        print_json([{"title": page.title, "text": page.text, "html": page.html} for page in found])
    for page in () if as_json else found:
        typer.echo(page.html if html else page.text)


@app.command()
def inbox(
    address: Annotated[str, typer.Argument(help="Whose inbox: the address of that channel in the directory.")],
    *,
    unread: Annotated[bool, typer.Option("--unread", help="Only what nobody has opened.")] = False,
    mark: Annotated[bool, typer.Option("--mark-read", help="Note that what is shown has been read.")] = False,
    limit: Annotated[int, typer.Option("--limit", min=1, help="At most so many, the newest first.")] = 50,
    db: Db = DATABASE_URL,
    keys: Keys = None,
    now: Now = None,
    as_json: Json = False,
) -> None:
    """Show an in-app inbox."""
    from ..persistence import inbox as rows

    with opened(db, keys, as_json=as_json, now=now) as engine, engine.database.begin() as tx:
        found = rows.letters(tx, address, unread_only=unread, limit=limit)
        if mark:
            rows.mark_read(tx, address, [row.message_id for row in found], engine.clock.now())
        left = rows.unread(tx, address)
    if as_json:
        print_json({"unread": left, "messages": [row._asdict() for row in found]})
    for row in () if as_json else found:
        typer.echo(f"{row.message_id[:12]}  {_when(row.created_at)}  {' ' if row.read_at else '*'}  {row.title}")


def _when(instant: datetime) -> str:
    """Return an instant as the law's clock shows it."""
    return f"{instant.astimezone(LEGAL_ZONE):%d/%m/%Y %H:%M}"


def _brief(row: Any) -> dict[str, Any]:
    """Return a message or fact without its content."""
    return {name: value for name, value in row._asdict().items() if name not in ("text", "html", "data", "envelope")}


def _settings(engine: Rasoat, given: Path | None) -> Notify | None:
    from ..notifying import load_notify, notify_file

    found = notify_file(given)
    return load_notify(found, engine) if found else None


def _required(engine: Rasoat, given: Path | None) -> Notify:
    found = _settings(engine, given)
    if found is None:
        raise wrong_usage(code="usage.notify")
    return found


def _person(notify: Notify, key: str) -> Recipient:
    return cast("StaffDirectory", notify.directory).recipient(key)  # what a settings file names is one


def _chance() -> Any:
    import random

    return random.Random().random  # noqa: S311  spreads retries, protects nothing


def _done(found: str, became: str, *, as_json: bool) -> None:
    if as_json:
        print_json({"id": found, "status": became})
    else:
        typer.echo(f"{found}  {became}")
