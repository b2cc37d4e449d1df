"""Outbox rows → stored messages: claimed under a lease, composed outside any transaction, kept in one."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass, replace
from functools import cache, partial
from typing import TYPE_CHECKING

from ..engine.definition import SUPERVISOR
from ..engine.tidings import tiding
from ..foundation.clock import legal_date
from ..foundation.errors import ConflictError, RasoatError
from ..foundation.logs import Log
from ..foundation.messages import Text
from ..persistence.held import HeldRow, hold
from ..persistence.messages import message_by_id, put_off, store
from ..persistence.outbox import cases_waiting, claim_facts, enqueue, open_terms_of, settle_facts, unit_names
from ..persistence.telling import codes_of_cases, codes_of_terms, codes_waiting
from .composing import Composer, Earlier, digest_identity
from .digests import lines_told
from .model import message_id
from .outbox_alerts import Codes, Known, Names, read, rounds_and_paths
from .storing import row_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import date, datetime

    from ..engine.service import Engine
    from ..persistence.database import Database, Tx
    from ..persistence.outbox import OutboxRow
    from .alerts import Alert, Notice
    from .composing import Composition
    from .outbox_alerts import Reading
    from .setup import Notify

__all__ = ["Gathered", "composer_for", "gather", "known_of", "names_for"]

log = Log("rasoat.notifications")


@dataclass(frozen=True, slots=True)
class Gathered:
    """What became of outbox rows: how many were taken, told by how many messages, held for digests, or not told.

    `put_off` wait for the end of their recipients' quiet hours and are composed then.
    """

    rows: int = 0
    messages: int = 0
    held: int = 0
    moot: int = 0
    unreachable: int = 0
    dead: int = 0
    put_off: int = 0


def gather(database: Database, engine: Engine, notify: Notify) -> Gathered:
    """Take what is due in the outbox and keep the messages that tell it, in one transaction.

    Whoever dies in between leaves rows whose lease runs out; they are composed anew, for nothing was stored. All that
    is due is taken together, so that what piled up during a downtime reaches each recipient as one list.
    """
    now = engine.clock.now()
    lease = now + notify.sending.lease
    with database.begin() as tx:
        rows = claim_facts(tx, now, lease, notify.sending.at_once)
    if not rows:
        return Gathered()
    with database.read() as tx:
        known = known_of(tx, engine, rows, notify.list_link, codes=notify.settings.codes_shown)
    reading = read(rows, known)
    composer = composer_for(engine, notify, known.names, rows)
    composed, problems = _compose(composer, reading.alerts, now, partial(_digest_of, database, known.today))
    try:
        with database.begin() as tx:
            return _Keeping(tx, rows, reading, now, lease).keep(composed, problems)
    except ConflictError as error:
        log.warning("composition_lost", rows=len(rows), error=str(error))
        return Gathered(rows=len(rows))


def _digest_of(database: Database, today: date, recipient: str, channel: str) -> Earlier | None:
    """Return the day's digest of a recipient over a channel, unless it was given up."""
    with database.read() as tx:
        row = message_by_id(tx, message_id(*digest_identity(today), recipient, channel))
    if row is None or row.status not in ("queued", "sent"):
        return None
    return Earlier(row.id, lines_told(json.loads(row.data)))


def names_for(tx: Tx, engine: Engine, paths: Iterable[str]) -> Names:
    """Return what units (and all above them), roles and steps are called."""
    return Names(unit_names(tx, paths), lambda workflow_id: engine.library.compiled(workflow_id).workflow)


def known_of(
    tx: Tx,
    engine: Engine,
    rows: Sequence[OutboxRow],
    list_link: str = "",
    *,
    beside: Iterable[str] = (),
    codes: int = 0,
) -> Known:
    """Return what is so just now of everything `rows` are about; names also of the units `beside` them.

    With up to `codes` household codes for each matter, where messages may show them.
    """
    today = legal_date(engine.clock.now())
    rounds, paths = rounds_and_paths(rows)
    concerned = {*paths, *(row.unit_path for row in rows), *_said(rows, "owner_path"), *_said(rows, "village"), *beside}
    return Known(
        names=names_for(tx, engine, concerned),
        today=today,
        calendar=cache(lambda path: engine.calendar_for(today, path)),
        terms=open_terms_of(tx, rounds, paths),
        waiting=cases_waiting(tx, rounds, paths),
        list_link=list_link,
        codes=_codes(tx, rows, rounds, paths, codes) if codes else Codes(),
    )


def _codes(tx: Tx, rows: Sequence[OutboxRow], rounds: Sequence[int], paths: Sequence[str], most: int) -> Codes:
    cases = [int(case) for row in rows if row.kind == "delay_notice" for case in json.loads(row.data)["cases"]]
    return Codes(
        running=codes_of_terms(tx, rounds, paths, most, breached=False),
        breached=codes_of_terms(tx, rounds, paths, most, breached=True),
        waiting=codes_waiting(tx, rounds, paths, most),
        cases=codes_of_cases(tx, cases),
    )


def composer_for(engine: Engine, notify: Notify, names: Names, rows: Iterable[OutboxRow]) -> Composer:
    """Return a composer that names units, and roles as the workflows of `rows` name them."""
    workflows = sorted(_said(rows, "workflow"))

    def name_role(role: str) -> Text:
        return names.role(role, next((key for key in workflows if role in names.workflow(key).roles), ""))

    def name_unit(path: str) -> Text:
        return Text(names.unit(path), names.unit(path))

    settings = replace(notify.settings, name_role=name_role, name_unit=name_unit)
    today = legal_date(engine.clock.now())
    return Composer(notify.directory, cache(lambda path: engine.calendar_for(today, path)), settings)


def _said(rows: Iterable[OutboxRow], key: str) -> set[str]:
    """Return the texts that rows have under a key of their data; rows that cannot be read have none."""
    found = set()
    for row in rows:
        try:
            value = json.loads(row.data).get(key)
        except (ValueError, AttributeError):
            continue
        if isinstance(value, str):
            found.add(value)
    return found


def _compose(
    composer: Composer, alerts: Sequence[Alert], now: datetime, earlier: Callable[[str, str], Earlier | None]
) -> tuple[list[Composition], dict[tuple[str, str], str]]:
    """Compose all alerts together; one of which no message can be written is found by halving, and named."""
    if not alerts:
        return [], {}
    try:
        return [composer.compose(alerts, now, earlier)], {}
    except RasoatError as error:
        if len(alerts) == 1:
            return [], {(alerts[0].subject, alerts[0].rung): str(error)}
    middle = len(alerts) // 2
    first, faults = _compose(composer, alerts[:middle], now, earlier)
    second, more = _compose(composer, alerts[middle:], now, earlier)
    return [*first, *second], {**faults, **more}


class _Keeping:
    """Writes what was composed of claimed rows, and settles each of them exactly once."""

    def __init__(self, tx: Tx, rows: Sequence[OutboxRow], reading: Reading, now: datetime, lease: datetime) -> None:
        self._tx = tx
        self._rows = {row.id: row for row in rows}
        self._reading = reading
        self._now = now
        self._lease = lease

    def keep(self, composed: Sequence[Composition], problems: Mapping[tuple[str, str], str]) -> Gathered:
        """Store messages and held notices; settle every row as told, moot, unreachable or dead."""
        drafts = [draft for composition in composed for draft in composition.drafts]
        links = [(draft.message.id, row) for draft in drafts for fact in draft.covered for row in self._behind(fact)]
        again = [one for composition in composed for one in composition.repeated]
        links += [(told_by, row) for told_by, facts in again for fact in facts for row in self._behind(fact)]
        kept = [one for composition in composed for one in composition.held]
        held = [HeldRow(one.recipient.key, row, self._now) for one in kept for row in self._rows_of(one.notice)]
        told = {row for _, row in links} | {row.outbox_id for row in held}
        later = self._put_off(composed, told)
        alone = [notice for composition in composed for notice in composition.unreachable]
        lost = {row for notice in alone for row in self._rows_of(notice)} - told
        dead = {**self._reading.faulty}
        for fact, problem in problems.items():
            dead.update(dict.fromkeys(set(self._behind(fact)) - told, problem))
        self._settle("told", told)
        self._settle("moot", self._reading.moot)
        self._unreachable(lost)
        self._dead(dead)
        store(self._tx, [row_of(draft) for draft in drafts], links)
        hold(self._tx, held)
        return Gathered(len(self._rows), len(drafts), len(held), len(self._reading.moot), len(lost), len(dead), later)

    def _put_off(self, composed: Sequence[Composition], told: set[str]) -> int:
        """Give rows back until the quiet hours of whoever they are for are over: they are composed anew then."""
        waits: dict[datetime, set[str]] = defaultdict(set)
        for one in (one for composition in composed for one in composition.postponed):
            waits[one.until] |= set(self._rows_of(one.notice)) - told
        for until, ids in waits.items():
            put_off(self._tx, sorted(ids), until, lease=self._lease)
        return sum(map(len, waits.values()))

    def _behind(self, fact: tuple[str, str]) -> tuple[str, ...]:
        return self._reading.rows[fact]

    def _rows_of(self, notice: Notice) -> list[str]:
        return [row for subject in notice.subjects for row in self._behind((subject, notice.like.rung))]

    def _settle(self, status: str, ids: Iterable[str], problem: str | None = None) -> None:
        settle_facts(self._tx, sorted(ids), status, self._now, lease=self._lease, problem=problem)

    def _dead(self, problems: Mapping[str, str]) -> None:
        for row_id, problem in problems.items():
            self._settle("dead", [row_id], problem)
            log.error("fact_untold", id=row_id, kind=self._rows[row_id].kind, problem=problem)

    def _unreachable(self, ids: Iterable[str]) -> None:
        """Put on record that nobody up to the top holds an office, and let the supervisor know if there is one."""
        offices: dict[tuple[str, str], list[OutboxRow]] = defaultdict(list)
        for row_id in sorted(ids):
            row = self._rows[row_id]
            self._settle("unreachable", [row_id], f"nobody holds {row.role} at {row.unit_path} or any level above")
            log.error("nobody_to_tell", id=row_id, kind=row.kind, role=row.role, unit=row.unit_path)
            offices[row.role, row.unit_path].append(row)
        enqueue(self._tx, [self._nobody(rows) for (role, _), rows in offices.items() if role != SUPERVISOR])

    def _nobody(self, rows: Sequence[OutboxRow]) -> OutboxRow:
        role, path = rows[0].role, rows[0].unit_path
        workflow = min(_said(rows, "workflow"), default="")
        data = {"office": role, "count": len(rows)} | ({"workflow": workflow} if workflow else {})
        subject = f"{role}:{path}:{legal_date(self._now)}"
        return tiding("unreachable", "urgent", SUPERVISOR, path, path, subject, data, self._now)
