"""The record as its hashes see it: heads, events and acts read as stored, in spans of case ids.

A span is a run of case ids; together the spans hold every id there is, so events without a case are met as well.
Nothing is parsed on the way: what somebody spoiled must come out as a finding, not as an error.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sqlalchemy import bindparam, func, literal_column, select

from ..foundation.errors import RasoatError
from .chain import ChainHead, EventCore, StoredEvent, act_hash
from .events import ActRow, EventRow, act_members
from .statements import Statement, in_ids
from .types import instant_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from sqlalchemy import ColumnElement

    from .database import Tx
    from .tables import Tables

__all__ = [
    "FROM_THE_FIRST",
    "LOWEST",
    "ActDigests",
    "CaseHead",
    "Span",
    "act_digests",
    "case_count",
    "case_spans",
    "events_in",
    "events_of",
    "heads_of",
    "round_spans",
]

LOWEST: Final = -(2**63)
"""Before every case id."""
FROM_THE_FIRST: Final[ColumnElement[int]] = literal_column("0")
"""SQLite's LIMIT would bring an OFFSET bind of its own."""

_SPAN: Final = 1000


class CaseHead(NamedTuple):
    """Where a case's own row says its chain ends, and the state it says the case is in."""

    head: ChainHead
    state: str


class Span(NamedTuple):
    """Case ids above `after` up to `upto` (None: no end), and the cases that have one of them, by id."""

    after: int
    upto: int | None
    cases: list[CaseHead]


class ActDigests(NamedTuple):
    """An act's digest as its row keeps it and as the row's content gives it, in hexadecimal (empty: it has none)."""

    stored: str
    fresh: str


def _cases(tables: Tables, *conditions: Any) -> Any:
    case = tables.case.c
    return select(case.id, case.seq, case.head, case.state).where(*conditions).order_by(case.id)


def _events(tables: Tables, *conditions: Any) -> Any:
    event = tables.event
    columns = (*(event.c[name] for name in EventRow._fields), tables.act.c.digest)
    joined = event.outerjoin(tables.act, tables.act.c.id == event.c.act_id)
    return select(*columns).select_from(joined).where(*conditions).order_by(event.c.case_id, event.c.seq)


_NEXT = Statement(
    "next cases",
    ("after", "size"),
    lambda t: _cases(t, t.case.c.id > bindparam("after")).limit(bindparam("size")).offset(FROM_THE_FIRST),
)
_NEXT_OF_ROUND = Statement(
    "next cases of a round",
    ("round", "after", "size"),
    lambda t: (
        _cases(t, t.case.c.round_id == bindparam("round"), t.case.c.id > bindparam("after"))
        .limit(bindparam("size"))
        .offset(FROM_THE_FIRST)
    ),
)
_OF = Statement("heads of cases", ("ids",), lambda t: _cases(t, in_ids(t.case.c.id, "ids")))
_BETWEEN = Statement(
    "events between cases",
    ("after", "upto"),
    lambda t: _events(t, t.event.c.case_id > bindparam("after"), t.event.c.case_id <= bindparam("upto")),
)
_BEYOND = Statement(
    "events beyond a case", ("after",), lambda t: _events(t, t.event.c.case_id > bindparam("after"))
)  # fmt: skip
_EVENTS_OF = Statement("events of cases", ("ids",), lambda t: _events(t, in_ids(t.event.c.case_id, "ids")))
_ACTS = Statement(
    "acts as stored",
    ("ids",),
    lambda t: select(*(t.act.c[name] for name in ActRow._fields)).where(in_ids(t.act.c.id, "ids")),
)


def case_count(tx: Tx, round_id: int | None = None) -> int:
    """Return how many cases there are, in all or in one round."""
    case = tx.tables.case
    query = select(func.count()).select_from(case)
    return int(tx.select(query if round_id is None else query.where(case.c.round_id == round_id))[0][0])


def case_spans(tx: Tx, size: int = _SPAN) -> Iterator[Span]:
    """Yield spans that hold every case id there could be, each with at most `size` cases; the last has no end."""
    after = LOWEST
    while True:
        found = _heads(tx.rows(_NEXT, after, size))
        last = found[-1].head.case_id if len(found) == size else None
        yield Span(after, last, found)
        if last is None:
            return
        after = last


def round_spans(tx: Tx, round_id: int, size: int = _SPAN) -> Iterator[list[CaseHead]]:
    """Yield a round's cases, at most `size` at a time."""
    after = LOWEST
    while found := _heads(tx.rows(_NEXT_OF_ROUND, round_id, after, size)):
        yield found
        after = found[-1].head.case_id


def heads_of(tx: Tx, case_ids: Iterable[int]) -> list[CaseHead]:
    """Return the named cases that exist, by id."""
    return _heads(tx.rows(_OF, tx.ids(list(case_ids))))


def events_in(tx: Tx, span: Span) -> dict[int, list[StoredEvent]]:
    """Return all events of a span by case id, those of no case among them."""
    found = tx.rows(_BEYOND, span.after) if span.upto is None else tx.rows(_BETWEEN, span.after, span.upto)
    return _by_case(found)


def events_of(tx: Tx, case_ids: Iterable[int]) -> dict[int, list[StoredEvent]]:
    """Return the events of cases by case id; of a case without any there is no entry."""
    return _by_case(tx.rows(_EVENTS_OF, tx.ids(list(case_ids))))


def act_digests(tx: Tx, act_ids: Iterable[int]) -> dict[int, ActDigests]:
    """Return the digests of those of the acts that exist, by id."""
    rows = tx.rows(_ACTS, tx.ids([i for i in act_ids if type(i) is int]))
    return {row[0]: ActDigests(_hex(row[-1]), _fresh(row)) for row in rows}


def _day(value: Any) -> str:
    """Return a legal day, as a driver gave it, in its hashed form."""
    return value.isoformat() if isinstance(value, date) else value


def _instant(value: Any) -> str:
    """Return an instant, as a driver gave it, in its hashed form."""
    return instant_text(value) if isinstance(value, datetime) else value


def _heads(rows: Iterable[tuple[Any, ...]]) -> list[CaseHead]:
    return [CaseHead(ChainHead(case_id, seq, head or None), state) for case_id, seq, head, state in rows]


def _by_case(rows: Iterable[tuple[Any, ...]]) -> dict[int, list[StoredEvent]]:
    found: dict[int, list[StoredEvent]] = {}
    for row in rows:
        core = EventCore._make((*row[:7], _day(row[7]), _instant(row[8]), row[9], row[10], _hex(row[12])))
        found.setdefault(core.case_id, []).append(StoredEvent(core, row[11] or None))
    return found


def _fresh(row: tuple[Any, ...]) -> str:
    members: Mapping[str, object] = act_members(row, _day(row[4]), _instant(row[5]))
    try:
        return act_hash(members).hex()
    except RasoatError:
        return ""


def _hex(digest: Any) -> str:
    return digest.hex() if isinstance(digest, bytes) else ""
