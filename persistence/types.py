"""Column types whose stored form is the same through Core and through a bare DBAPI cursor."""

from __future__ import annotations

from datetime import UTC, date, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import BigInteger, Date, DateTime, Integer, LargeBinary, String, Text
from sqlalchemy.types import TypeDecorator

from ..foundation.clock import require_aware

if TYPE_CHECKING:
    from sqlalchemy.engine import Dialect

__all__ = ["Code", "Digest", "Id", "Instant", "LegalDay", "Path", "instant_from_text", "instant_text"]

# SQLite gives an INTEGER PRIMARY KEY its rowid; a BIGINT would cost a second index.
Id = BigInteger().with_variant(Integer(), "sqlite")
Code = String(64)
# Prefix ranges ("all below 42/446") need byte order, whatever the database's collation.
Path = String(120).with_variant(String(120, collation="C"), "postgresql")
Digest = LargeBinary(32)


@lru_cache(maxsize=4096)
def instant_text(instant: datetime) -> str:
    """Return the sortable stored form, UTC with microseconds: ``2022-10-27T17:00:00.000000Z``."""
    return require_aware(instant).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


@lru_cache(maxsize=4096)
def instant_from_text(stored: str) -> datetime:
    """Read what `instant_text` wrote."""
    return datetime.fromisoformat(stored)


class LegalDay(TypeDecorator[date]):
    """A legal day: DATE on PostgreSQL, ISO text on SQLite."""

    impl = Date
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> Any:
        """Store text where the database has no date type."""
        return dialect.type_descriptor(String(10) if dialect.name == "sqlite" else Date())

    def process_bind_param(self, value: date | None, dialect: Dialect) -> Any:
        """Write ISO text on SQLite."""
        return value.isoformat() if value is not None and dialect.name == "sqlite" else value

    def process_result_value(self, value: Any, dialect: Dialect) -> date | None:
        """Read ISO text on SQLite."""
        return date.fromisoformat(value) if value is not None and dialect.name == "sqlite" else value


class Instant(TypeDecorator[datetime]):
    """An instant: TIMESTAMPTZ on PostgreSQL, sortable UTC text on SQLite. Naive values are refused."""

    impl = DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> Any:
        """Store text where the database has no instant type."""
        return dialect.type_descriptor(Text() if dialect.name == "sqlite" else DateTime(timezone=True))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        """Refuse naive values; write sortable text on SQLite."""
        if value is None:
            return None
        return instant_text(value) if dialect.name == "sqlite" else require_aware(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        """Read sortable text on SQLite."""
        return instant_from_text(value) if value is not None and dialect.name == "sqlite" else value
