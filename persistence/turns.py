"""Turns at SQLite's one write lock: in order of arrival, and brief ones share the wait for the disk (group commit).

A brief writer that is done while another stands next in line leaves the commit to that one. Each works behind a
savepoint of its own, so one that fails undoes nothing of the others; none returns before all of it is on the disk.
"""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ..foundation.errors import ConflictError, StorageError
from ..foundation.messages import fault
from .loans import Loan

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy.engine import Engine

    from .transactions import Tx

__all__ = ["WriteLine"]

_MOST: Final = 32
"""Writers of one commit at most, so that the first need not wait for ever while more come."""


@dataclass(slots=True, eq=False)
class _Commit:
    """A transaction under way, whose work is in it, and how it ended."""

    loan: Loan
    members: int = 0
    turns: int = 0
    done: bool = False
    fault: BaseException | None = None


class _Place:
    """A place in the line, and then the turn, until it is `over`."""

    __slots__ = ("brief", "line", "over")

    def __init__(self, line: WriteLine, *, brief: bool) -> None:
        self.line = line
        self.brief = brief
        self.over = False


_INSIDE: ContextVar[_Place | None] = ContextVar("rasoat_turn", default=None)
"""The turn in which the caller already is. Not the thread: a host may begin in one and end in another."""


class WriteLine:
    """The line of one process's writers. Thread-safe; processes wait for one another in SQLite itself."""

    def __init__(self, engine: Engine, *, patience: float, most: int = _MOST) -> None:
        self._engine = engine
        self._patience = patience
        self._most = most
        self._begin_anew()

    def _begin_anew(self) -> None:
        self._process = os.getpid()
        self._changed = threading.Condition()
        self._waiting: deque[_Place] = deque()
        self._at_work = False
        self._left_open: _Commit | None = None

    @contextmanager
    def turn(self, tx_on: Callable[[Loan], Tx], *, brief: bool) -> Iterator[Tx]:
        """Work in a transaction, if `brief` perhaps with others in the same; returns once it is committed.

        `ConflictError` if the turn does not come in time, `StorageError` within another turn of the same caller or if
        the commit fails, which then nobody's work outlives.
        """
        inside = _INSIDE.get()
        if inside is not None and inside.line is self and not inside.over:
            raise fault(StorageError, "database.inside")
        if self._process != os.getpid():
            self._begin_anew()  # a forked child: who stood in line stands in the parent's
        place = _Place(self, brief=brief)
        commit = self._joined(place)
        _INSIDE.set(place)
        try:
            tx = tx_on(commit.loan)
            if commit.members == 0:
                yield tx
            else:
                with tx.savepoint():
                    yield tx
        except BaseException:
            place.over = True
            self._withdraw(commit)
            raise
        place.over = True
        self._contribute(commit, brief=brief)

    def _joined(self, place: _Place) -> _Commit:
        """Wait for the turn, then take over the transaction left open, or begin one."""
        with self._changed:
            self._wait_in_line(place)
            self._at_work = True
            commit, self._left_open = self._left_open, None
        return commit if commit is not None else self._begun()

    def _wait_in_line(self, place: _Place) -> None:
        until = time.monotonic() + self._patience
        self._waiting.append(place)
        try:
            while not self._is_turn_of(place):
                if not self._changed.wait(until - time.monotonic()):
                    raise fault(ConflictError, "database.busy", seconds=self._patience)
        finally:
            self._waiting.remove(place)
            self._changed.notify_all()

    def _is_turn_of(self, place: _Place) -> bool:
        free = not self._at_work and (place.brief or self._left_open is None)
        return free and self._waiting[0] is place

    def _begun(self) -> _Commit:
        loan = Loan(self._engine)
        try:
            loan.__enter__()
            try:
                loan.start("BEGIN IMMEDIATE", None)
            except BaseException:
                loan.__exit__()
                raise
        except BaseException:
            with self._changed:
                self._at_work = False
                self._changed.notify_all()
            raise
        return _Commit(loan)

    def _withdraw(self, commit: _Commit) -> None:
        """End a turn that failed: what others did before it is still committed."""
        if commit.members == 0:
            self._end(commit, "rollback")
        elif not commit.loan.in_transaction or self._is_mine_to_end(commit):
            self._end(commit, "commit")

    def _contribute(self, commit: _Commit, *, brief: bool) -> None:
        """End a turn that succeeded: commit, or wait until somebody has."""
        commit.members += 1
        if not brief or not commit.loan.in_transaction or self._is_mine_to_end(commit):
            self._end(commit, "commit")
        else:
            self._await_end(commit)
        if commit.fault is not None:
            kind = ConflictError if isinstance(commit.fault, ConflictError) else StorageError
            raise fault(kind, "database.shared", count=commit.members, reason=commit.fault) from commit.fault

    def _is_mine_to_end(self, commit: _Commit) -> bool:
        """Say whether the next in line, if any, cannot join; otherwise pass the transaction on."""
        with self._changed:
            commit.turns += 1
            if not self._next_is_brief() or commit.turns >= self._most:
                return True
            self._left_open, self._at_work = commit, False
            self._changed.notify_all()
            return False

    def _await_end(self, commit: _Commit) -> None:
        """Wait until it is committed, or commit it if those who were to do so went away, even on the way out."""
        mine = False
        try:
            with self._changed:
                try:
                    self._changed.wait_for(lambda: commit.done or self._is_deserted(commit))
                finally:  # still under the lock: of several who wait one takes it, the others go on waiting
                    mine = self._is_deserted(commit)
                    if mine:
                        self._left_open, self._at_work = None, True
        finally:
            if mine:
                self._end(commit, "commit")

    def _is_deserted(self, commit: _Commit) -> bool:
        return self._left_open is commit and not self._next_is_brief()

    def _next_is_brief(self) -> bool:
        return bool(self._waiting) and self._waiting[0].brief

    def _end(self, commit: _Commit, how: str) -> None:
        """Commit or roll back, let everybody know, and give the turn away."""
        loan = commit.loan
        try:
            if how == "rollback":
                loan.end("rollback")
            else:
                loan.require_transaction()
                loan.end("commit")
        except BaseException as error:
            commit.fault = error  # every member is told
            if not isinstance(error, Exception):
                raise
        finally:
            try:
                loan.__exit__()
            finally:
                with self._changed:
                    commit.done = True
                    self._at_work = False
                    self._changed.notify_all()
