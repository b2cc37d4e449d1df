"""A commune's finished round on either database, and hands that no trigger stops."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from rasoat.foundation.ids import CountingIds
from rasoat.persistence.audit import Audit
from rasoat.persistence.checkpoint_rows import take
from rasoat.persistence.signing import SigningKey
from tests.support.reviews import BEATS, Review

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rasoat.persistence.checkpoints import SignedCheckpoint

SIGNER = SigningKey(b"\1" * 32)
KNOWN = {SIGNER.id: SIGNER.public}


class Record:
    """A round's record, sealed when asked, and what an audit says of it after somebody has been at the tables."""

    def __init__(self, url: str, households: int = 4) -> None:
        self.review = Review.start(url, ids=CountingIds(10))
        self.database = self.review.database
        self.ids = self.review.open_round(1, villages=1, households=households)

    def run(self, beats: Sequence[Any] = BEATS, ids: Sequence[int] | None = None) -> None:
        self.review.run(beats, self.ids if ids is None else ids)

    def seal(self) -> SignedCheckpoint:
        self.review.clock.advance(timedelta(seconds=1))
        return take(self.database, now=self.review.clock.now(), key=SIGNER)

    def tamper(self, *statements: str) -> None:
        """Run SQL as the database's owner would, with the triggers out of the way."""
        with self.database.engine.begin() as connection:
            _without_triggers(connection)
            for statement in statements:
                connection.exec_driver_sql(statement)

    def value(self, query: str) -> Any:
        with self.database.engine.connect() as connection:
            return connection.exec_driver_sql(query).scalar_one()

    def findings(self, known: dict[str, bytes] | None = None, **options: Any) -> list[Any]:
        with self.database.read() as tx:
            return list(Audit(tx, KNOWN if known is None else known, **options).everything())

    def of_case(self, case_id: int) -> list[Any]:
        with self.database.read() as tx:
            return list(Audit(tx, KNOWN).case(case_id))

    def of_round(self, round_id: int = 1) -> list[Any]:
        with self.database.read() as tx:
            return list(Audit(tx, KNOWN).round(round_id))


def _without_triggers(connection: Any) -> None:
    if connection.dialect.name == "postgresql":
        for (table,) in connection.exec_driver_sql(
            "SELECT DISTINCT event_object_table FROM information_schema.triggers"
        ).all():
            connection.exec_driver_sql(f'ALTER TABLE "{table}" DISABLE TRIGGER USER')
        return
    for (name,) in connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'trigger'").all():
        connection.exec_driver_sql(f'DROP TRIGGER "{name}"')


@pytest.fixture
def unsealed(database_url: str) -> Iterator[Record]:
    record = Record(database_url)
    yield record
    record.database.dispose()


@pytest.fixture
def record(unsealed: Record) -> Record:
    """A finished round under one checkpoint."""
    unsealed.run()
    unsealed.seal()
    return unsealed
