"""After the commit: who is told which events are on record now.

At most once, in the committing thread: a process that ends between the commit and the call tells nobody. Whoever may
miss nothing reads the change feed or the outbox, which are committed with the events.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, NamedTuple, Protocol

from sqlalchemy import event
from sqlalchemy.orm import Session

from ..foundation.logs import Log

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from sqlalchemy.engine import Connection
    from sqlalchemy.orm import SessionTransaction

    from .events import EventRow

__all__ = ["AfterCommit", "Subscriber", "Subscribers"]

log = Log("rasoat.subscribing")


class Subscriber(Protocol):
    """Told which events were committed, in the order in which they were written."""

    def __call__(self, events: Sequence[EventRow], /) -> object:
        """See what is on record now; what this raises is logged and goes no further."""
        ...


class AfterCommit(Protocol):
    """A host's way of having something called once its transaction is committed (``transaction.on_commit``)."""

    def __call__(self, call: Callable[[], None], /) -> object:
        """Call `call` after the commit, never after a rollback."""
        ...


class Subscribers:
    """Those who want to be told. Thread-safe."""

    def __init__(self) -> None:
        self._all: tuple[Subscriber, ...] = ()
        self._lock = threading.Lock()
        self.after_commit: AfterCommit | None = None

    def __bool__(self) -> bool:
        return bool(self._all)

    def add(self, subscriber: Subscriber) -> Callable[[], None]:
        """Tell `subscriber` from now on; return what ends that."""
        with self._lock:
            self._all = (*self._all, subscriber)
        return lambda: self._remove(subscriber)

    def _remove(self, subscriber: Subscriber) -> None:
        with self._lock:
            self._all = tuple(each for each in self._all if each is not subscriber)

    def tell(self, events: Sequence[EventRow]) -> None:
        """Tell everybody; one who fails keeps nobody else from being told, and undoes nothing."""
        told = tuple(events)
        for subscriber in self._all if told else ():
            try:
                subscriber(told)
            except Exception:
                log.exception("subscriber_failed", subscriber=_name(subscriber), events=len(told))

    def tell_after(self, host: Connection | Session, events: Sequence[EventRow]) -> None:
        """Tell everybody once the host has committed, nobody if it rolls back."""
        if not events:
            return
        if self.after_commit is not None:
            self.after_commit(lambda: self.tell(events))
        elif isinstance(host, Session):
            _hold(host, lambda: self.tell(events))
        else:
            # SQLAlchemy tells of a connection's commit before it is done, when it may still fail.
            log.warning("subscribers_not_told", why="bare connection without after_commit", events=len(events))


class _Held(NamedTuple):
    """A call that waits for a session's commit, and the transactions it lies in, savepoints too."""

    call: Callable[[], None]
    within: tuple[SessionTransaction, ...]


_HELD = "rasoat_after_commit"


def _hold(session: Session, call: Callable[[], None]) -> None:
    if _HELD not in session.info:
        event.listen(session, "after_commit", _committed)
        event.listen(session, "after_soft_rollback", _rolled_back)
        event.listen(session, "after_transaction_end", _ended)
    within = tuple(_around(session.get_nested_transaction() or session.get_transaction()))
    session.info.setdefault(_HELD, []).append(_Held(call, within))


def _committed(session: Session) -> None:
    if session.in_nested_transaction():  # a savepoint's release is no commit
        return
    held, session.info[_HELD] = session.info[_HELD], []
    for each in held:
        each.call()


def _rolled_back(session: Session, ended: SessionTransaction) -> None:
    session.info[_HELD] = [each for each in session.info[_HELD] if ended not in each.within]


def _ended(session: Session, ended: SessionTransaction) -> None:
    if ended.parent is None:  # a session may be closed with neither commit nor rollback
        session.info[_HELD] = []


def _around(transaction: SessionTransaction | None) -> Iterator[SessionTransaction]:
    while transaction is not None:
        yield transaction
        transaction = transaction.parent


def _name(subscriber: Subscriber) -> str:
    return getattr(subscriber, "__qualname__", type(subscriber).__qualname__)
