"""After a whole round no name and no identity number stands anywhere but sealed: in no table, file, export or log."""

from __future__ import annotations

import io
import json
import logging
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING

import pytest
import structlog
from sqlalchemy import insert, select

from rasoat import FrozenClock, Rasoat, Reader
from rasoat.demo.files import read_round, shipped
from rasoat.demo.showing import run
from rasoat.foundation.clock import start_of
from rasoat.persistence.archives import new_archive
from rasoat.persistence.audit import Audit
from rasoat.persistence.checkpoint_rows import prove, take
from rasoat.persistence.copying import export_all, tables_by_name
from rasoat.persistence.types import instant_text
from rasoat.worker import Worker

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rasoat.importing.records import HouseholdRecord


@cache
def listed() -> tuple[HouseholdRecord, ...]:
    """The households of the demonstration's round, as its files list them."""
    return read_round(shipped()).listed


@cache
def secrets() -> dict[str, list[str]]:
    """Every name and identity number of the round's households, plain and as JSON would escape it, by how it begins."""
    said = {text for record in listed() for m in record.members for text in (m.name, m.identity) if text}
    found: dict[str, list[str]] = {}
    for text in sorted(said | {json.dumps(text)[1:-1] for text in said}):
        found.setdefault(text[:4], []).append(text)
    return found


def leaks(content: str) -> list[str]:
    return [text for start, texts in secrets().items() if start in content for text in texts if text in content]


@pytest.fixture
def logged() -> Iterator[io.StringIO]:
    """Everything that is logged, by structlog and by the standard library, down to the least detail."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    root, level = logging.getLogger(), logging.getLogger().level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    kept = structlog.get_config()
    structlog.configure(
        processors=[structlog.processors.format_exc_info, structlog.processors.JSONRenderer(ensure_ascii=False)],
        wrapper_class=structlog.make_filtering_bound_logger(logging.DEBUG),
        logger_factory=structlog.PrintLoggerFactory(stream),
        cache_logger_on_first_use=False,
    )
    yield stream
    structlog.configure(**kept)
    root.setLevel(level)
    root.removeHandler(handler)


@pytest.fixture
def lived(database_url, tmp_path, logged) -> Iterator[Rasoat]:
    """The demonstration's round, and afterwards everything that touches personal data once."""
    report = run(tmp_path / "out", None, database_url, "vi", quiet=True)
    assert report.played.moves > 2000
    last = report.played.round.ends_on
    assert last is not None
    engine = Rasoat.open(database_url, keys="development-anywhere", clock=_clock(last))
    head = listed()[0].head
    (code,) = engine.find_by_identity(head.identity)
    household_id = engine.case(code).case.household_id
    assert engine.household(household_id, reader=Reader("cb01", "kiểm tra")).members[0].name == head.name
    Worker(engine).once()
    take(engine.database, now=engine.clock.now(), key=engine.keys.ring().signer())
    engine.erase_household(code, reason="theo quyết định", document="1/QĐ-UBND", actor="cb01")
    yield engine
    engine.close()


def _clock(last) -> FrozenClock:

    return FrozenClock(start_of(last) + timedelta(hours=10))


def stored(engine: Rasoat) -> Iterator[tuple[str, str]]:
    """Every value of every table but the sealed one, with the place it stands in."""
    with engine.database.read() as tx:
        for name, table in tables_by_name(engine.database).items():
            columns = [column for column in table.columns if (name, column.name) != ("household", "sealed")]
            for row in tx.select(select(*columns)):
                for column, value in zip(columns, row, strict=True):
                    text = bytes(value).decode("utf-8", "ignore") if isinstance(value, bytes) else str(value)
                    yield f"{name}.{column.name}", text


def leaking_columns(engine: Rasoat) -> set[str]:
    seen: dict[str, list[str]] = {}
    for place, text in stored(engine):
        seen.setdefault(place, []).append(text)
    return {place for place, texts in seen.items() if leaks("\n".join(texts))}


def test_no_name_and_no_identity_number_stands_anywhere_but_sealed(lived, logged, tmp_path):
    assert sum(map(len, secrets().values())) > 500
    assert leaking_columns(lived) == set()
    assert leaks(logged.getvalue()) == []
    assert logged.getvalue().count("act_applied") > 50
    with new_archive(tmp_path / "export") as archive:
        export_all(lived.database, archive, taken_at=instant_text(lived.clock.now()))
    assert [path.name for path in (tmp_path / "export").iterdir() if leaks(path.read_text("utf-8"))] == []
    with lived.database.read() as tx:
        assert list(Audit(tx, lived.keys.ring().public_keys()).everything()) == []
        assert leaks(prove(tx, lived.case(listed()[1].code).case.id).to_json().decode()) == []
    if lived.database.engine.dialect.name == "sqlite":
        pages = b"".join(path.read_bytes() for path in tmp_path.glob("test.db*"))
        assert len(pages) > 1_000_000
        assert leaks(pages.decode("utf-8", "ignore")) == []


def test_a_name_that_got_in_would_be_found(database_url):
    engine = Rasoat.open(database_url, keys="development-anywhere")
    with engine.database.begin() as tx:
        values = {"unit_path": "", "workflow": "w", "key": "k", "value": json.dumps({"x": listed()[0].head.name})}
        tx.execute(insert(tx.tables.setting), values)
    assert leaking_columns(engine) == {"setting.value"}
    engine.close()
