"""Turns at SQLite's write lock: a shared commit does and undoes each writer's work by itself, or all of it together."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from contextvars import copy_context
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import bindparam, column, event, insert, select, table

from rasoat.foundation.errors import ConflictError, StorageError
from rasoat.persistence.database import Database
from rasoat.persistence.loans import Loan
from rasoat.persistence.statements import Statement

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from rasoat.persistence.transactions import Tx


class Book:
    """A table of one column, in a database whose transactions are counted."""

    def __init__(self, path: Path) -> None:
        self.database = Database.open(f"sqlite:///{path}", synchronous="OFF")
        self.line = self.database._line
        self.transactions = 0
        with self.database.begin() as tx:
            tx.connection.exec_driver_sql("CREATE TABLE IF NOT EXISTS line (n INTEGER PRIMARY KEY)")
        event.listen(self.database.engine, "checkout", self._count)

    def _count(self, *_: object) -> None:
        self.transactions += 1

    def write(self, number: int, *, briefly: bool = True, then: Callable[[], object] = lambda: None) -> None:
        with self.database.begin(briefly=briefly) as tx:
            put(tx, number)
            then()

    def numbers(self) -> list[int]:
        with self.database.read() as tx:
            return [n for (n,) in tx._cursor.execute("SELECT n FROM line ORDER BY n")]

    def until_waiting(self, count: int) -> None:
        """Return once so many writers stand in line."""
        until = time.monotonic() + 20
        while len(self.line._waiting) < count:
            assert time.monotonic() < until
            time.sleep(0.0005)

    def together(self, *works: Callable[[], object]) -> list[Any]:
        """Let all of `works` but the first stand in line, in order, while the first is at work; return the futures."""
        begun, go = threading.Event(), threading.Event()

        def first() -> None:
            self.write(0, then=lambda: (begun.set(), go.wait(20)))

        with ThreadPoolExecutor(len(works) + 1) as pool:
            futures = [pool.submit(first)]
            assert begun.wait(20)
            for place, work in enumerate(works, start=1):
                futures.append(pool.submit(work))
                self.until_waiting(place)
            go.set()
        return futures


def put(tx: Tx, number: int) -> None:
    tx._cursor.execute("INSERT INTO line VALUES (?)", (number,))


@pytest.fixture
def book(tmp_path: Path) -> Iterator[Book]:
    made = Book(tmp_path / "book.db")
    yield made
    made.database.dispose()


def failed(futures: list[Any]) -> list[type[BaseException] | None]:
    return [None if f.exception() is None else type(f.exception()) for f in futures]


def test_brief_writers_in_line_share_a_commit(book: Book) -> None:
    futures = book.together(*(lambda n=n: book.write(n) for n in range(1, 9)))
    assert failed(futures) == [None] * 9
    assert book.transactions == 1
    assert book.numbers() == list(range(9))


def test_one_that_fails_undoes_nothing_of_the_others(book: Book) -> None:
    def fails() -> None:
        book.write(2, then=lambda: 1 / 0)

    futures = book.together(lambda: book.write(1), fails, lambda: book.write(3))
    assert failed(futures) == [None, None, ZeroDivisionError, None]
    assert book.numbers() == [0, 1, 3]


def test_the_last_in_line_fails_and_the_others_are_committed(book: Book) -> None:
    futures = book.together(lambda: book.write(1), lambda: book.write(2, then=lambda: 1 / 0))
    assert failed(futures) == [None, None, ZeroDivisionError]
    assert book.numbers() == [0, 1]


def test_a_commit_that_fails_is_told_to_all_and_keeps_nothing(book: Book, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = Loan.end

    def full(self: Loan, how: str) -> None:
        if how == "commit":
            msg = "disk full"
            raise StorageError(msg)
        whole(self, how)

    with monkeypatch.context() as patched:
        patched.setattr(Loan, "end", full)
        futures = book.together(lambda: book.write(1), lambda: book.write(2))
    assert failed(futures) == [StorageError] * 3
    assert "shared by 3 writers failed" in str(futures[0].exception())
    assert book.numbers() == []
    book.write(7)
    assert book.numbers() == [7]


def test_a_transaction_the_database_gave_up_is_told_to_all(book: Book) -> None:
    def gives_up() -> None:
        with book.database.begin(briefly=True) as tx:
            tx._cursor.execute("ROLLBACK")

    futures = book.together(lambda: book.write(1), gives_up, lambda: book.write(3))
    assert failed(futures) == [StorageError, StorageError, StorageError, None]
    assert book.numbers() == [3], "who came after it wrote in a transaction of its own, and was told so"


def test_who_is_not_brief_shares_with_nobody(book: Book) -> None:
    futures = book.together(
        lambda: book.write(1, briefly=False), lambda: book.write(2), lambda: book.write(3)
    )  # fmt: skip
    assert failed(futures) == [None] * 4
    assert book.transactions == 3
    assert book.numbers() == [0, 1, 2, 3]


def test_a_commit_takes_so_many_and_no_more(book: Book) -> None:
    book.line._most = 2
    futures = book.together(*(lambda n=n: book.write(n) for n in range(1, 6)))
    assert failed(futures) == [None] * 6
    assert book.transactions == 3
    assert book.numbers() == list(range(6))


def test_a_transaction_inside_another_is_refused_at_once(book: Book) -> None:
    with pytest.raises(StorageError, match="inside another of the same caller"), book.database.begin():
        book.write(1)
    assert book.numbers() == []


def test_a_turn_that_does_not_come_is_a_conflict(book: Book) -> None:
    book.line._patience = 0.05
    with ThreadPoolExecutor(1) as pool, book.database.begin():
        assert failed([pool.submit(book.write, 1)]) == [ConflictError]
    book.write(2)
    assert book.numbers() == [2]


def test_what_was_left_to_one_who_went_away_is_committed(book: Book, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next in line is gone by the time the turn is passed on: whoever waits for the commit makes it."""

    def gone(place: object) -> bool:
        raise KeyboardInterrupt

    began, go = threading.Event(), threading.Event()
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(book.write, 0, then=lambda: (began.set(), go.wait(20)))
        assert began.wait(20)
        second = pool.submit(book.write, 1)
        book.until_waiting(1)
        monkeypatch.setattr(book.line, "_is_turn_of", gone)
        go.set()
        assert failed([first, second]) == [None, KeyboardInterrupt]
    monkeypatch.undo()
    assert book.numbers() == [0]


def test_one_interrupted_while_waiting_for_the_commit_leaves_no_lock_behind(
    book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits = threading.Condition.wait_for

    def interrupted(self: threading.Condition, ready: Callable[[], bool], timeout: float | None = None) -> bool:
        waits(self, ready, timeout)
        raise KeyboardInterrupt

    monkeypatch.setattr(threading.Condition, "wait_for", interrupted)
    futures = book.together(lambda: book.write(1))
    monkeypatch.undo()
    assert failed(futures) == [KeyboardInterrupt, None]
    book.write(2)
    assert book.numbers() == [0, 1, 2]


def test_of_two_who_find_the_commit_left_to_nobody_one_makes_it_and_both_learn_how_it_ended(
    book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both are awake before either goes on: the one that does not commit must still wait for the end."""
    monkeypatch.setattr(book.line, "_changed", Preempted())

    def broken(self: Loan, how: str) -> None:
        time.sleep(0.05)
        msg = "disk I/O error"
        raise OSError(msg)

    begun, go = threading.Event(), threading.Event()
    with ThreadPoolExecutor(3) as pool:
        futures = [pool.submit(book.write, 0, then=lambda: (begun.set(), go.wait(20)))]
        assert begun.wait(20)
        for number in (1, 2):
            futures.append(pool.submit(book.write, number))
            book.until_waiting(number)
        turn, last = book.line._is_turn_of, book.line._waiting[1]

        def impatient(place: object) -> bool:
            commit = book.line._left_open
            if place is last and commit is not None and commit.members == 2:
                raise TimeoutError
            return turn(place)

        monkeypatch.setattr(book.line, "_is_turn_of", impatient)
        monkeypatch.setattr(Loan, "end", broken)
        go.set()
    monkeypatch.undo()
    assert failed(futures) == [StorageError, StorageError, TimeoutError]
    assert book.numbers() == []


class Preempted(threading.Condition):
    """Lets whoever was woken meet the other outside the lock before it goes on."""

    def __init__(self) -> None:
        super().__init__()
        self._meeting, self._here = threading.Barrier(2), threading.local()

    def wait_for(self, ready: Callable[[], bool], timeout: float | None = None) -> bool:
        found = super().wait_for(ready, timeout)
        self._here.woken = True
        return found

    def __exit__(self, *how: object) -> None:
        super().__exit__(*how)
        if getattr(self._here, "woken", False):
            self._here.woken = False
            with suppress(threading.BrokenBarrierError):
                self._meeting.wait(0.5)


def test_writers_that_fail_do_not_keep_a_sound_one_waiting_for_ever(book: Book) -> None:
    book.line._most = 3
    futures = book.together(*(lambda n=n: book.write(n, then=lambda: 1 / 0) for n in range(1, 6)))
    assert failed(futures) == [None, *[ZeroDivisionError] * 5]
    assert book.transactions == 4, "the sound one's with two that failed, and three of their own"


def test_a_commit_that_met_another_writer_may_be_tried_again(book: Book, monkeypatch: pytest.MonkeyPatch) -> None:
    def locked(self: Loan, how: str) -> None:
        msg = "locked"
        raise ConflictError(msg)

    with monkeypatch.context() as patched:
        patched.setattr(Loan, "end", locked)
        futures = book.together(lambda: book.write(1))
    assert failed(futures) == [ConflictError, ConflictError]


def test_a_connection_that_cannot_be_given_back_closes_the_line_to_nobody(
    book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    given_back = Loan.__exit__

    def interrupted(self: Loan, *how: object) -> None:
        given_back(self, *how)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Loan, "__exit__", interrupted)
        with pytest.raises(KeyboardInterrupt):
            book.write(1)
    book.write(2)
    assert book.numbers() == [1, 2]


def test_a_transaction_may_end_in_another_thread_than_it_began(book: Book) -> None:
    """A web framework runs both halves of a dependency in threads of a pool, each in a copy of its context."""
    with ThreadPoolExecutor(1) as pool:
        opened = book.database.begin()
        put(pool.submit(copy_context().run, opened.__enter__).result(), 1)
        later = pool.submit(book.write, 2)  # the same thread
        book.until_waiting(1)
        opened.__exit__(None, None, None)
        later.result(20)
    assert book.numbers() == [1, 2]


def test_a_forked_child_stands_in_a_line_of_its_own(book: Book) -> None:
    book.line._at_work, book.line._process = True, -1  # as a child finds it while its parent writes
    book.write(1)
    assert book.numbers() == [1]


def test_a_reader_of_a_database_in_memory_undoes_nothing_of_who_writes() -> None:
    database = Database.open("sqlite://")
    with database.begin() as tx:
        tx.connection.exec_driver_sql("CREATE TABLE line (n INTEGER PRIMARY KEY)")
        put(tx, 1)
        with pytest.raises(StorageError), database.read():
            pytest.fail("there is one connection")
        put(tx, 2)
    with database.read() as tx:
        assert tx._cursor.execute("SELECT count(*) FROM line").fetchall() == [(2,)]
    database.dispose()


def test_nothing_follows_in_a_transaction_the_database_gave_up(book: Book) -> None:
    """Without this the next statement would be kept by itself, whatever its caller is told."""
    line = table("line", column("n"))
    add = Statement("add", ("n",), lambda _: insert(line).values(n=bindparam("n")))
    with pytest.raises(StorageError, match="gave up"), book.database.begin() as tx:
        tx.run(add, 1)
        tx._cursor.execute("ROLLBACK")
        with pytest.raises(StorageError):
            tx.run(Statement("none", (), lambda _: select(table("no_such", column("n")))))
        tx.run(add, 2)
    assert book.numbers() == []


def test_an_error_that_cost_the_transaction_is_the_one_that_is_raised(book: Book) -> None:
    with pytest.raises(ZeroDivisionError), book.database.begin() as tx, tx.savepoint():
        tx._cursor.execute("ROLLBACK")
        raise ZeroDivisionError
    assert book.numbers() == []


def test_subscribers_are_told_after_the_commit_each_of_their_own(book: Book) -> None:
    told: list[int] = []
    book.database.subscribers.add(lambda events: told.append(len(events)))

    def tells(count: int) -> Callable[[], None]:
        def work() -> None:
            with book.database.begin(briefly=True) as tx:
                put(tx, count)
                tx.wrote([object()] * count)  # type: ignore[list-item]  # they are only counted

        return work

    book.together(tells(1), tells(2))
    assert sorted(told) == [1, 2]


@settings(max_examples=15, deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=2, max_size=12))
def test_whatever_writers_come_the_sound_ones_are_kept(
    tmp_path_factory: pytest.TempPathFactory, asked: list[tuple[bool, bool]]
) -> None:
    """Each is brief or not and sound or not: exactly the sound ones' rows are there, each once."""
    book = Book(tmp_path_factory.mktemp("turns") / "book.db")

    def work(number: int, *, briefly: bool, sound: bool) -> None:
        book.write(number, briefly=briefly, then=(lambda: None) if sound else (lambda: 1 / 0))

    with ThreadPoolExecutor(len(asked)) as pool:
        futures = [pool.submit(work, n, briefly=b, sound=s) for n, (b, s) in enumerate(asked)]
    assert failed(futures) == [None if sound else ZeroDivisionError for _, sound in asked]
    assert book.numbers() == [n for n, (_, sound) in enumerate(asked) if sound]
    book.database.dispose()
