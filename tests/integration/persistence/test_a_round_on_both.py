"""A commune's whole round through the engine, on SQLite and on PostgreSQL."""

from __future__ import annotations

from sqlalchemy import select

from tests.support.invariants import broken, counts
from tests.support.reviews import BEATS


def test_a_round_runs_from_listing_to_recognition(review):
    ids = review.open_round(1, villages=2, households=15)
    review.run(BEATS, ids)
    case, deadline = review.database.tables.case, review.database.tables.deadline
    with review.database.read() as tx:
        states = {row.state for row in tx.select(select(case.c.state))}
        statuses = {(row.rule, row.status) for row in tx.select(select(deadline.c.rule, deadline.c.status))}
    assert states == {"recognised"}
    assert statuses == {("posting", "met"), ("opinion", "met")}
    assert broken(review.database, review.engine.library) == []


def test_after_every_act_the_store_is_whole(review):
    ids = review.open_round(1, villages=1, households=4)
    for beat in BEATS:
        review.run([beat], ids)
        assert broken(review.database, review.engine.library) == [], beat.trigger
    rows = counts(review.database)
    assert rows["rasoat_act"] == len(BEATS)
    assert rows["rasoat_event"] == len(ids) * (1 + len(BEATS))
    assert rows["rasoat_deadline"] == 2 * len(ids)


def test_both_databases_keep_the_same_bytes(postgres_url, tmp_path, start_review):
    kept = []
    for url in (postgres_url, f"sqlite:///{tmp_path / 'same.db'}"):
        review = start_review(url)
        review.run(BEATS, review.open_round(1, villages=1, households=7))
        with review.database.read() as tx:
            tables = review.database.tables
            kept.append(
                [
                    sorted(map(tuple, tx.select(select(t))))
                    for t in (tables.event, tables.act, tables.case, tables.outbox)
                ]
            )
    assert kept[0] == kept[1]
