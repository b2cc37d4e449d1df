"""Ten thousand overdue households of one district are a handful of messages, and every rung stays on record."""

from __future__ import annotations

import json
from collections import Counter
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from rasoat.deadlines.releases import calendar
from rasoat.notifications.directory_file import parse
from rasoat.notifications.dispatch import dispatch
from rasoat.notifications.model import Receipt
from rasoat.notifications.morning import write_digests
from rasoat.notifications.operations import show
from rasoat.notifications.setup import Notify
from tests.support.caseload import open_terms
from tests.support.clockwork import at, work_at
from tests.support.post import facts, messages
from tests.support.reviews import DISTRICT, Review

if TYPE_CHECKING:
    from collections.abc import Iterator

VILLAGES, HOUSEHOLDS = 100, 10_000


@pytest.fixture
def district(database_url: str) -> Iterator[Review]:
    review = Review.start(database_url)
    # A hundred villages of ten communes; each household's re-check runs out on 27/10/2022.
    villages = [f"{DISTRICT}/{18_700 + n // 10}/{n % 10 + 1:02d}" for n in range(VILLAGES)]
    review.clock.move_to(at(date(2022, 10, 18)))
    terms = [(villages[n % VILLAGES], "recheck", date(2022, 10, 18)) for n in range(HOUSEHOLDS)]
    rows = open_terms(review, calendar(), terms)
    assert {row.due_on for row in rows} == {date(2022, 10, 27)}
    yield review
    review.database.dispose()


class Kept:
    """A channel that keeps what it is given."""

    name = "email"
    guarantee = "kept"

    def __init__(self) -> None:
        self.sent: list[Any] = []

    def send(self, message: Any) -> Receipt:
        self.sent.append(message)
        return Receipt(message.id)


@pytest.fixture
def own_post() -> tuple[list[Any], Notify]:
    """One committee and chair for all ten communes, one supervisor of the district and one above."""
    posts = [("watch", "supervisor", DISTRICT), ("province", "supervisor", "42")]
    for commune in range(10):
        posts += [("bcd", "committee", f"{DISTRICT}/{18_700 + commune}")]
        posts += [("chair", "commune_chair", f"{DISTRICT}/{18_700 + commune}")]
    people = sorted({person for person, _, _ in posts})
    directory = parse(
        {
            "person": [{"key": key, "name": key, "addresses": {"email": f"{key}@example.vn"}} for key in people],
            "post": [{"person": person, "role": role, "unit": unit} for person, role, unit in posts],
        }
    )
    channel = Kept()
    return channel.sent, Notify(directory, {"email": channel})


def test_ten_thousand_overdue_households_are_a_handful_of_messages_and_a_page_of_the_next_digest(district, own_post):
    """The worker was down from before the first reminder until four working days after the last day."""
    sent, notify = own_post
    _every_rung_is_told_in_a_handful_of_messages(district, sent, notify)
    sent.clear()
    _the_next_mornings_digest_is_one_page_too(district, sent, notify)


def _every_rung_is_told_in_a_handful_of_messages(review: Review, sent: list[Any], notify: Notify) -> None:
    ran = work_at(review, at(date(2022, 11, 2), 8))
    assert (ran.rungs, ran.breaches) == (5 * HOUSEHOLDS, HOUSEHOLDS)
    queued = facts(review.database)
    assert Counter(f.kind for f in queued) == {
        "deadline": 5 * VILLAGES, "breach": VILLAGES, "delay_notice": VILLAGES,
    }  # fmt: skip
    done = dispatch(review.database, review.engine, notify, chance=lambda: 0.5)
    assert (done.failed, done.dead) == (0, 0)
    assert 0 < done.sent <= 10
    assert len(sent) == done.sent
    told = Counter(message.recipient.key for message in sent)
    assert max(told.values()) <= 3
    to_watch = next(m for m in sent if m.recipient.key == "watch")
    assert "10.000 hộ quá hạn" in to_watch.title
    assert len(to_watch.text) < 20_000

    linked = set()
    with review.database.read() as tx:
        for row in messages(review.database):
            linked |= {fact.id for fact in show(tx, row.id).facts}
    held = {f.id for f in facts(review.database) if f.status == "told"} - linked
    assert {f.status for f in facts(review.database)} == {"told"}
    assert {json.loads(f.data)["step"] for f in facts(review.database) if f.id in held} <= {-2}


def _the_next_mornings_digest_is_one_page_too(review: Review, sent: list[Any], notify: Notify) -> None:
    review.clock.move_to(at(date(2022, 11, 3), 7, 30))
    written = write_digests(review.database, review.engine, notify)
    dispatch(review.database, review.engine, notify, chance=lambda: 0.5)
    assert written == len(sent) <= 12
    watch: Any = next(m for m in sent if m.recipient.key == "watch")
    assert "10.000 hộ quá hạn" in watch.title
    assert len(watch.text) < 20_000
