"""Open terms by what decides their last day, and their change together.

A hundred thousand deadlines are a few thousand questions; what comes of them is written by a few statements each.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import (
    LargeBinary,
    Text,
    bindparam,
    cast,
    exists,
    func,
    insert,
    literal_column,
    null,
    or_,
    select,
    update,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.elements import ColumnElement

from ..foundation.errors import ConflictError
from ..foundation.messages import fault
from ..foundation.paths import below
from .canonical import canonical_json
from .chain import EventCore, event_object
from .deadlines import LedgerEntry
from .events import EventRow
from .ledger import Moved
from .statements import Statement, in_ids, in_texts
from .types import instant_text
from .wakeups import is_open

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date, datetime

    from sqlalchemy.sql.compiler import SQLCompiler

    from .database import Tx
    from .tables import Tables

__all__ = [
    "Alike",
    "Line",
    "OpenTerm",
    "adjusted_terms",
    "lay",
    "locked_terms",
    "note_alike",
    "open_terms",
    "restand",
]

_ADJUSTING = ("suspended", "resumed", "extended")
"""Ledger lines after which a term has an arithmetic of its own."""

# Stand for what differs from event to event; private-use characters, which no document number holds.
_CASE, _DEADLINE, _SEQ = "\ue000", "\ue001", "\ue002"

# Written out: SQLAlchemy would bind them under names of its own.
_ZERO: ColumnElement[int] = literal_column("0")
_ONE: ColumnElement[int] = literal_column("1")


class OpenTerm(NamedTuple):
    """Running deadlines of one village that share rule, start and budget, and were put on the same last day."""

    workflow: str
    rule: str
    unit_path: str
    started_on: date
    length: int
    calendar: str
    due_on: date
    provisional: bool


class Alike(NamedTuple):
    """Running deadlines to which a calendar change does the same, and of which the same desk is told."""

    term: OpenTerm
    state: str
    round_id: int
    owner_role: str
    owner_path: str


class Line(NamedTuple):
    """A ledger line that many deadlines get; `detail` is canonical JSON."""

    kind: str
    occurred_on: date
    recorded_at: datetime
    actor: str
    detail: str


def open_terms(tx: Tx, unit_path: str | None = None) -> list[tuple[OpenTerm, int]]:
    """Return the running counted terms of cases that no decision has changed, each with how many there are."""
    d = tx.tables.deadline
    columns = [d.c[name] for name in OpenTerm._fields]
    query = select(*columns, func.count().label("deadlines")).where(*_running(tx, unit_path), ~_adjusting(tx.tables))
    rows = tx.select(query.group_by(*columns).order_by(d.c.unit_path, d.c.rule, d.c.started_on, d.c.due_on))
    return [(OpenTerm(*row[:-1]), row[-1]) for row in rows]


def adjusted_terms(tx: Tx, unit_path: str | None = None) -> list[tuple[int, int]]:
    """Return the running counted terms that were suspended or extended, each with an arithmetic of its own.

    Pairs of the deadline's id and its case's.
    """
    d = tx.tables.deadline
    query = select(d.c.id, d.c.subject_id).where(*_running(tx, unit_path), _adjusting(tx.tables)).order_by(d.c.id)
    return [(row.id, row.subject_id) for row in tx.select(query)]


def locked_terms(tx: Tx, terms: Sequence[OpenTerm]) -> dict[Alike, list[tuple[int, int]]]:
    """Lock the cases in which something like one of `terms` runs; return what runs there now.

    Deadlines as (id, case id), in id order, those alike together; without what a decision has changed.
    """
    paths, rules = sorted({term.unit_path for term in terms}), sorted({term.rule for term in terms})
    days = [term.due_on for term in terms]
    place = (tx.texts(paths), tx.texts(rules), tx.day(min(days)), tx.day(max(days)))
    cases = [case_id for (case_id,) in tx.rows(_LOCK, *place)]
    found: dict[tuple[Any, ...], list[tuple[int, int]]] = {}
    for row in tx.rows(_LOCKED, *place, tx.ids(cases)):
        found.setdefault(row[2:], []).append(row[:2])
    return {_alike(tx, key): pairs for key, pairs in found.items()}


def lay(tx: Tx, ids: Sequence[int], to: Moved, line: Line) -> None:
    """Write the same change into running deadlines of locked cases, and the same line into each of their ledgers.

    `to.deadline_id` counts for nothing.
    """
    _enter(tx, ids, line)
    next_at = None if to.next_at is None else tx.instant(to.next_at)
    stored = (to.status, to.calendar, tx.day(to.due_on), tx.instant(to.due_at), next_at, to.provisional)
    _all(tx, _LAY, ids, tx.ids(ids), *stored)


def restand(tx: Tx, ids: Sequence[int], calendar: str, line: Line, *, provisional: bool) -> None:
    """Say of running deadlines, which end where they did, on which calendar they rest now, and how firmly."""
    _enter(tx, ids, line)
    _all(tx, _RESTAND, ids, tx.ids(ids), calendar, provisional)


def note_alike(
    tx: Tx,
    pairs: Sequence[tuple[int, int]],
    trigger: str,
    state: str,
    line: Line,
    payload: Mapping[str, Any],
) -> None:
    """Append to the chain of each locked case, all in `state`, the same fact about its deadline.

    The payload is `payload` with the deadline's id as ``deadline``. The hash is the chain's own (`chain`), taken by the
    database itself. `pairs` are (deadline id, case id), a case once.
    """
    ids, cases = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    said = canonical_json({**payload, "deadline": _DEADLINE}).decode()
    core = EventCore(
        0, 0, "deadline", trigger, state, state, None, line.occurred_on.isoformat(), instant_text(line.recorded_at),
        line.actor, said, "",
    )  # fmt: skip
    text = canonical_json({**event_object(core), "case_id": _CASE, "seq": _SEQ}).decode()
    to_case, _, rest = text.partition(_CASE)
    to_deadline, _, rest = rest.partition(_DEADLINE)
    to_seq, _, end = rest.partition(f'"{_SEQ}"')
    if tx.dialect == "sqlite":
        _teach(tx)
    days = (tx.day(line.occurred_on), tx.instant(line.recorded_at))
    frame = (*said.partition(_DEADLINE)[::2], to_case, to_deadline, to_seq, end)
    _all(tx, _NOTE, ids, tx.ids(ids), trigger, *days, line.actor, *frame)
    _all(tx, _ADVANCE, ids, tx.ids(cases))
    if tx.events is not None:
        tx.wrote([_event(tx, values) for values in tx.rows(_NOTED, tx.ids(cases))])


def _enter(tx: Tx, ids: Sequence[int], line: Line) -> None:
    day, instant = tx.day(line.occurred_on), tx.instant(line.recorded_at)
    _all(tx, _ENTER, ids, tx.ids(ids), line.kind, day, instant, line.actor, line.detail)


def _all(tx: Tx, statement: Statement, ids: Sequence[int], *values: Any) -> None:
    touched = tx.run(statement, *values)
    if touched != len(ids):
        raise fault(
            ConflictError, "database.changed", statement=statement.name, changed=len(ids) - touched, count=len(ids)
        )


def _teach(tx: Tx) -> None:
    """Give SQLite the chain's hash; PostgreSQL has its own SHA-256."""
    raw: Any = tx.connection.connection.driver_connection
    raw.create_function("rasoat_chained", 2, _chained, deterministic=True)


def _chained(head: bytes, text: str) -> bytes:
    return sha256(head + text.encode()).digest()


def _alike(tx: Tx, v: tuple[Any, ...]) -> Alike:
    day = tx.day_from
    return Alike(OpenTerm(v[0], v[1], v[2], day(v[3]), v[4], v[5], day(v[6]), bool(v[7])), *v[8:])


def _event(tx: Tx, v: tuple[Any, ...]) -> EventRow:
    return EventRow._make((*v[:7], tx.day_from(v[7]), tx.instant_from(v[8]), *v[9:]))


def _place(tables: Tables) -> list[Any]:
    d = tables.deadline.c
    known = (d.status == literal_column("'open'"), d.subject == literal_column("'case'"))
    place = (in_texts(d.unit_path, "paths"), in_texts(d.rule, "rules"))
    return [
        *known,
        d.kind != literal_column("'fixed'"),
        *place,
        d.due_on.between(bindparam("first"), bindparam("last")),
    ]


def _locking(tables: Tables) -> Any:
    case = tables.case
    holding = select(tables.deadline.c.subject_id).where(*_place(tables))
    return select(case.c.id).where(case.c.id.in_(holding)).order_by(case.c.id).with_for_update()


def _locked(tables: Tables) -> Any:
    d, case = tables.deadline, tables.case
    columns = [d.c.id, d.c.subject_id, *(d.c[name] for name in OpenTerm._fields), case.c.state]
    columns += [d.c[name] for name in Alike._fields[2:]]
    query = select(*columns).join_from(d, case, case.c.id == d.c.subject_id)
    return query.where(*_place(tables), in_ids(d.c.subject_id, "ids"), ~_adjusting(tables)).order_by(d.c.id)


def _running(tx: Tx, unit_path: str | None) -> list[Any]:
    d = tx.tables.deadline
    found: list[Any] = [is_open(tx), d.c.subject == "case", d.c.kind != "fixed"]
    if unit_path:
        low, high = below(unit_path)
        found.append(or_(d.c.unit_path == unit_path, (d.c.unit_path >= low) & (d.c.unit_path < high)))
    return found


def _adjusting(tables: Tables) -> Any:
    d, entry = tables.deadline, tables.deadline_entry
    kinds: list[Any] = [literal_column(f"'{kind}'") for kind in _ADJUSTING]
    return exists().where(entry.c.deadline_id == d.c.id, entry.c.kind.in_(kinds))


class _ChainHash(ColumnElement[bytes]):
    """SHA-256 over a head and the UTF-8 form of a text."""

    inherit_cache = True
    type = LargeBinary()

    def __init__(self, head: ColumnElement[bytes], text: ColumnElement[str]) -> None:
        self.head = head
        self.text = text


@compiles(_ChainHash, "sqlite")
def _on_sqlite(element: _ChainHash, compiler: SQLCompiler, **kw: Any) -> str:
    return f"rasoat_chained({compiler.process(element.head, **kw)}, {compiler.process(element.text, **kw)})"


@compiles(_ChainHash, "postgresql")
def _on_postgresql(element: _ChainHash, compiler: SQLCompiler, **kw: Any) -> str:
    return (
        f"sha256({compiler.process(element.head, **kw)} || convert_to({compiler.process(element.text, **kw)}, 'UTF8'))"
    )


def _said(name: str) -> ColumnElement[str]:
    """Return a text given by the caller; its type is said, since nothing else in a SELECT would tell PostgreSQL."""
    return cast(bindparam(name), Text)


def _of(name: str, column: ColumnElement[Any]) -> ColumnElement[Any]:
    """Return a value of a column's type, given as the database stores it."""
    return cast(bindparam(name), column.type)


def _noting(tables: Tables) -> Any:
    d, case, event = tables.deadline, tables.case, tables.event
    deadline, seq = cast(d.c.id, Text), case.c.seq + _ONE
    payload = _said("payload").concat(deadline).concat(_said("payload_end"))
    text = _said("to_case").concat(cast(case.c.id, Text)).concat(_said("to_deadline")).concat(deadline)
    text = text.concat(_said("to_seq")).concat(cast(seq, Text)).concat(_said("end"))
    values = {
        "case_id": case.c.id, "seq": seq, "kind": literal_column("'deadline'"), "trigger": _said("trigger"),
        "from_state": case.c.state, "to_state": case.c.state, "act_id": cast(null(), event.c.act_id.type),
        "occurred_on": _of("occurred_on", event.c.occurred_on), "recorded_at": _of("recorded_at", event.c.recorded_at),
        "actor": _said("actor"),
        "payload": payload, "hash": _ChainHash(case.c.head, text),
    }  # fmt: skip
    chosen = select(*values.values()).join_from(d, case, case.c.id == d.c.subject_id).where(in_ids(d.c.id, "ids"))
    return insert(event).from_select(list(values), chosen)


def _noted(tables: Tables) -> Any:
    case, event = tables.case, tables.event
    latest = (event.c.case_id == case.c.id) & (event.c.seq == case.c.seq)
    columns = [event.c[name] for name in EventRow._fields]
    return select(*columns).join_from(case, event, latest).where(in_ids(case.c.id, "cases")).order_by(case.c.id)


def _advancing(tables: Tables) -> Any:
    case, event = tables.case, tables.event
    written = select(event.c.hash).where(event.c.case_id == case.c.id, event.c.seq == case.c.seq + _ONE)
    head = written.scalar_subquery()
    return update(case).values(seq=case.c.seq + _ONE, head=head).where(in_ids(case.c.id, "cases"))


def _entering(tables: Tables) -> Any:
    d, entry = tables.deadline, tables.deadline_entry
    last = select(func.max(entry.c.seq)).where(entry.c.deadline_id == d.c.id).scalar_subquery()
    values = {
        "deadline_id": d.c.id, "seq": func.coalesce(last, _ZERO) + _ONE, "kind": _said("kind"),
        "occurred_on": _of("occurred_on", entry.c.occurred_on), "recorded_at": _of("recorded_at", entry.c.recorded_at),
        "actor": _said("actor"), "document": literal_column("''"), "detail": _said("detail"),
    }  # fmt: skip
    return insert(entry).from_select(list(values), select(*values.values()).where(in_ids(d.c.id, "ids")))


def _laying(tables: Tables) -> Any:
    d = tables.deadline
    values: dict[str, Any] = {name: bindparam(f"{name}_") for name in _LAID}
    return update(d).values(values).where(in_ids(d.c.id, "ids"), d.c.closed_on.is_(None))


def _restanding(tables: Tables) -> Any:
    d = tables.deadline
    values: dict[str, Any] = {name: bindparam(f"{name}_") for name in ("calendar", "provisional")}
    return update(d).values(values).where(in_ids(d.c.id, "ids"), d.c.closed_on.is_(None))


_PLACE = ("paths", "rules", "first", "last")
_LAID = Moved._fields[:-1]
_ENTERED = tuple(name for name in LedgerEntry._fields if name not in {"deadline_id", "seq", "document"})
_FRAME = ("payload", "payload_end", "to_case", "to_deadline", "to_seq", "end")
_LOCK = Statement("lock cases of running terms", _PLACE, _locking)
_LOCKED = Statement("running terms of locked cases", (*_PLACE, "ids"), _locked)
_ENTER = Statement("enter what a calendar change did", ("ids", *_ENTERED), _entering)
_LAY = Statement("put deadlines on a calendar", ("ids", *(f"{name}_" for name in _LAID)), _laying)
_RESTAND = Statement("put deadlines on a calendar", ("ids", "calendar_", "provisional_"), _restanding)
_NOTE = Statement("note moved deadlines", ("ids", "trigger", "occurred_on", "recorded_at", "actor", *_FRAME), _noting)
_ADVANCE = Statement("advance cases by what was noted", ("cases",), _advancing)
_NOTED = Statement("events just noted", ("cases",), _noted)
