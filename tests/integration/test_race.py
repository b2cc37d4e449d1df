"""Several writers at once: on one case exactly one wins; on many they queue; a command given twice is done once."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from rasoat.engine.values import Mode
from rasoat.foundation.errors import ConflictError, IdempotencyError, InputError
from rasoat.foundation.ids import TimeOrderedIds
from tests.support.forking import forked_processes
from tests.support.invariants import broken, counts
from tests.support.one_worker import list_once
from tests.support.reviews import BEATS, Review, commune

LIST, SURVEY = BEATS[0], BEATS[1]


@pytest.fixture
def reviews(database_url):
    """Independent engines over one database, as processes would have them."""
    started = []

    def start(count):
        started.extend(Review.start(database_url, ids=TimeOrderedIds(), pool_size=2) for _ in range(count))
        return started

    yield start
    for review in started:
        review.database.dispose()


def at_once(actions):
    """Run the actions in threads that begin together; return what each returned or raised."""
    gate = threading.Barrier(len(actions))

    def run(action):
        gate.wait()
        try:
            return action()
        except (ConflictError, IdempotencyError) as error:
            return error

    with ThreadPoolExecutor(len(actions)) as pool:
        return list(pool.map(run, actions))


def test_of_many_writers_on_one_case_exactly_one_wins(reviews):
    writers = reviews(6)
    [case] = writers[0].open_round(1, villages=1, households=1)
    for writer in writers:
        writer.move_to(LIST)
    answers = at_once([lambda w=w: w.fire(LIST, [case]) for w in writers])
    won = [a for a in answers if not isinstance(a, Exception) and a.accepted]
    lost = [a for a in answers if a not in won]
    assert len(won) == 1
    assert all(a.retryable if isinstance(a, ConflictError) else a.refused[0].code == "refused.state" for a in lost)
    assert broken(writers[0].database, writers[0].engine.library) == []


def test_overlapping_batches_never_deadlock_and_move_each_case_once(reviews):
    writers = reviews(4)
    ids = writers[0].open_round(1, villages=1, households=40)
    parts = [ids, ids[::-1], ids[10:30], ids[::2]]
    for writer in writers:
        writer.move_to(LIST)
    answers = at_once([lambda w=w, p=p: w.fire(LIST, p, mode=Mode.EACH) for w, p in zip(writers, parts, strict=True)])
    moved = [m.case_id for a in answers for m in a.accepted]
    assert sorted(moved) == sorted(ids)
    assert broken(writers[0].database, writers[0].engine.library) == []


def test_sixteen_writers_of_single_steps_queue_without_errors(reviews):
    writers = reviews(16)
    groups = [writers[0].open_round(n + 1, villages=1, households=1, path=commune(n)) for n in range(16)]

    def walk(review, ids):
        for beat in BEATS:
            assert len(review.fire(beat, ids).accepted) == 1
        return beat.trigger

    answers = at_once([lambda w=w, g=g: walk(w, g) for w, g in zip(writers, groups, strict=True)])
    assert answers == [BEATS[-1].trigger] * 16
    assert counts(writers[0].database)["rasoat_event"] == 16 * (1 + len(BEATS))
    assert broken(writers[0].database, writers[0].engine.library) == []


def test_a_key_used_again_gives_the_same_answer_and_writes_nothing(reviews):
    [review] = reviews(1)
    ids = review.open_round(1, villages=1, households=3)
    first = review.fire(LIST, ids, idempotency_key="k1")
    written = counts(review.database)
    assert review.fire(LIST, ids, idempotency_key="k1") == first
    assert counts(review.database) == written


def test_a_key_used_with_another_body_is_refused(reviews):
    [review] = reviews(1)
    ids = review.open_round(1, villages=1, households=3)
    review.fire(LIST, ids[:2], idempotency_key="k1")
    written = counts(review.database)
    for other in ({"document": "12/QĐ"}, {"mode": Mode.EACH}):
        with pytest.raises(IdempotencyError, match="k1"):
            review.fire(LIST, ids[:2], idempotency_key="k1", **other)
    with pytest.raises(IdempotencyError):
        review.fire(LIST, ids[2:], idempotency_key="k1")
    assert counts(review.database) == written


@pytest.mark.parametrize("key", ["", "  "])
def test_an_empty_key_is_none(reviews, key):
    [review] = reviews(1)
    ids = review.open_round(1, villages=1, households=1)
    before = counts(review.database)
    with pytest.raises(InputError, match="empty"):
        review.fire(LIST, ids, idempotency_key=key)
    assert counts(review.database) == before


def test_one_key_at_once_is_done_once_and_answered_alike(reviews):
    writers = reviews(6)
    ids = writers[0].open_round(1, villages=1, households=3)
    for writer in writers:
        writer.move_to(LIST)
    answers = at_once([lambda w=w: w.fire(LIST, ids, idempotency_key="same") for w in writers])
    assert {a.act_id for a in answers} == {answers[0].act_id}
    assert all(a == answers[0] for a in answers)
    assert counts(writers[0].database)["rasoat_act"] == 1


def test_one_key_at_once_for_different_cases_lets_one_through(reviews):
    writers = reviews(3)
    ids = writers[0].open_round(1, villages=1, households=3)
    for writer in writers:
        writer.move_to(LIST)
    answers = at_once(
        [lambda w=w, i=i: w.fire(LIST, [i], idempotency_key="same") for w, i in zip(writers, ids, strict=True)]
    )
    assert sum(isinstance(a, IdempotencyError) for a in answers) == 2
    assert counts(writers[0].database)["rasoat_act"] == 1


@pytest.mark.xdist_group("forked")
def test_two_processes_with_one_key_give_one_answer(reviews, database_url):
    [review] = reviews(1)
    ids = review.open_round(1, villages=1, households=20)
    processes = forked_processes()
    together = processes.Barrier(2)
    answers = []
    for _ in range(2):
        hears, tells = processes.Pipe(duplex=False)
        process = processes.Process(target=list_once, args=(database_url, ids, together, tells))
        process.start()
        tells.close()
        answers.append((process, hears))
    acts = {hears.recv() for _, hears in answers}
    for process, _ in answers:
        process.join(60)
    assert [process.exitcode for process, _ in answers] == [0, 0]
    assert len(acts) == 1
    assert counts(review.database)["rasoat_act"] == 1
