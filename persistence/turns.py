"""Turns at SQLite's one write lock: in order of arrival, and brief ones share the wait for the disk (group commit).

A brief writer that is done while another stands next in line leaves the commit to that one. Each works behind a
savepoint of its own, so one that fails undoes nothing of the others; none returns before all of it is on the disk.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from contextlib import contextmanager
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
    done: bool = False
    fault: BaseException | None = None


class _Place:
    """A place in the line."""

    __slots__ = ("brief",)

    def __init__(self, *, brief: bool) -> None:
        self.brief = brief


class WriteLine:
    """The line of one process's writers. Thread-safe; processes wait for one another in SQLite itself."""

    def __init__(self, engine: Engine, *, patience: float, most: int = _MOST) -> None:
        self._engine = engine
        self._patience = patience
        self._most = most
        self._changed = threading.Condition()
        self._waiting: deque[_Place] = deque()
        self._at_work: int | None = None
        self._left_open: _Commit | None = None

    @contextmanager
    def turn(self, tx_on: Callable[[Loan], Tx], *, brief: bool) -> Iterator[Tx]:
        """Work in a transaction, if `brief` perhaps with others in the same; returns once it is committed.

        `ConflictError` if the turn does not come in time, `StorageError` within another turn of the same thread or if
        the commit fails, which then nobody's work outlives.
        """
        commit = self._joined(_Place(brief=brief))
        try:
            tx = tx_on(commit.loan)
            if commit.members == 0:
                yield tx
            else:
                with tx.savepoint():
                    yield tx
        except BaseException:
            self._withdraw(commit)
            raise
        self._contribute(commit, brief=brief)

    def _joined(self, place: _Place) -> _Commit:
        """Wait for the turn, then take over the transaction left open, or begin one."""
        with self._changed:
            self._wait_in_line(place)
            self._at_work = threading.get_ident()
            commit, self._left_open = self._left_open, None
        return commit if commit is not None else self._begun()

    def _wait_in_line(self, place: _Place) -> None:
        if self._at_work == threading.get_ident():
            msg = "a transaction was begun inside another of the same thread; use the one that is open"
            raise StorageError(msg)
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
        free = self._at_work is None and (place.brief or self._left_open is None)
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
                self._at_work = None
                self._changed.notify_all()
            raise
        return _Commit(loan)

    def _withdraw(self, commit: _Commit) -> None:
        """End a turn that failed: what others did before it is still committed."""
        if commit.members == 0:
            self._end(commit, "rollback")
        elif self._is_mine_to_end(commit):
            self._end(commit, "commit")

    def _contribute(self, commit: _Commit, *, brief: bool) -> None:
        """End a turn that succeeded: commit, or wait until somebody has."""
        commit.members += 1
        if not brief or self._is_mine_to_end(commit):
            self._end(commit, "commit")
        else:
            self._await_end(commit)
        if commit.fault is not None:
            msg = f"the commit shared by {commit.members} writers failed, nothing of it was kept: {commit.fault}"
            raise StorageError(msg) from commit.fault

    def _is_mine_to_end(self, commit: _Commit) -> bool:
        """Say whether the next in line, if any, cannot join; otherwise pass the transaction on."""
        with self._changed:
            if not self._next_is_brief() or commit.members >= self._most:
                return True
            self._left_open, self._at_work = commit, None
            self._changed.notify_all()
            return False

    def _await_end(self, commit: _Commit) -> None:
        """Wait until it is committed, or commit it if those who were to do so went away, even on the way out."""
        try:
            with self._changed:
                self._changed.wait_for(lambda: commit.done or self._is_deserted(commit))
        finally:
            with self._changed:
                deserted = self._is_deserted(commit)
                if deserted:
                    self._left_open, self._at_work = None, threading.get_ident()
            if deserted:
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
            loan.__exit__()
            with self._changed:
                commit.done = True
                self._at_work = None
                self._changed.notify_all()
