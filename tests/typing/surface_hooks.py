"""What a host brings of its own, as the engine expects it, and what it meets beside calls and answers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import assert_type

from sqlalchemy import Engine
from sqlalchemy.engine import Connection
from sqlalchemy.orm import Session

import rasoat
from rasoat import (
    SYSTEM,
    Actor,
    ActRequest,
    AfterCommit,
    AsyncRasoat,
    By,
    CalendarError,
    Clock,
    ConflictError,
    CountingIds,
    Database,
    DefinitionError,
    EngineOptions,
    EventRow,
    FrozenClock,
    HostConnection,
    IdempotencyError,
    IdSource,
    InputError,
    IntegrityError,
    KeyProvider,
    Mode,
    NotFoundError,
    Observer,
    PermissionDeniedError,
    Rasoat,
    RasoatError,
    Step,
    StorageError,
    Subscriber,
    SystemClock,
    TimeOrderedIds,
    Tx,
    create_key_file,
    key_provider,
    upgrade,
)
from rasoat.persistence.keys import KeyRing

assert_type(rasoat.__version__, str)
assert_type(SYSTEM, Actor)


class OwnClock:
    def now(self) -> datetime:
        raise NotImplementedError


class OwnIds:
    def take(self, count: int) -> range:
        raise NotImplementedError


class OwnKeys:
    def ring(self) -> KeyRing:
        raise NotImplementedError


def own_observer(tx: Tx, request: ActRequest, steps: Sequence[Step]) -> None:
    assert_type(tx.connection, Connection)


def own_subscriber(events: Sequence[EventRow], /) -> None: ...


def own_after_commit(call: Callable[[], None], /) -> None: ...


def hooks() -> tuple[Clock, IdSource, KeyProvider, Observer, Subscriber, AfterCommit]:
    return OwnClock(), OwnIds(), OwnKeys(), own_observer, own_subscriber, own_after_commit


def options(observer: Observer) -> EngineOptions:
    return {"observers": [observer], "settings": {"reopen_days": 3}}


def in_whose_transaction(connection: Connection, session: Session) -> list[HostConnection]:
    return [connection, session]


def faults(fault: RasoatError) -> None:
    assert_type(fault.code, str)
    assert_type(fault.retryable, bool)
    assert_type(fault.article, str | None)
    assert_type(fault.vi, str | None)
    assert_type(RasoatError("said", article="Điều 4", vi="nói"), RasoatError)


def one_tree() -> tuple[type[RasoatError], ...]:
    return (
        CalendarError,
        ConflictError,
        DefinitionError,
        IdempotencyError,
        InputError,
        IntegrityError,
        NotFoundError,
        PermissionDeniedError,
        StorageError,
    )


def from_storage() -> tuple[type[StorageError], ...]:
    return ConflictError, IntegrityError


def kinds_of_faults(given: InputError, missing: NotFoundError) -> tuple[ValueError, LookupError]:
    return given, missing


def clocks(instant: datetime) -> None:
    clock = FrozenClock(instant)
    clock.move_to(instant)
    clock.advance(timedelta(days=1))
    assert_type(clock.now(), datetime)
    assert_type(SystemClock().now(), datetime)


def identifiers() -> None:
    assert_type(CountingIds(start=1).take(2), range)
    assert_type(TimeOrderedIds().take(2), range)


def choices() -> None:
    assert_type([Mode.ALL, Mode.EACH], list[Mode])
    assert_type([By.VILLAGE, By.COMMUNE, By.OWNER], list[By])


def databases(engine: Engine, url: str, session: Session) -> None:
    database = Database(engine, schema="host", prefix="rasoat_")
    assert_type(Database.open(url), Database)
    assert_type(database.engine, Engine)
    with database.begin(briefly=True) as writing, database.read() as reading, database.join(session) as joined:
        assert_type([writing, reading, joined], list[Tx])
    upgrade(database)
    database.dispose()


def keys(path: Path, url: str) -> None:
    assert_type(create_key_file(path), KeyRing)
    assert_type(key_provider("env", url), KeyProvider)


def faces(engine: Rasoat) -> AsyncRasoat:
    return AsyncRasoat(engine)
