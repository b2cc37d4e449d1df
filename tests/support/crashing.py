"""A worker killed without warning, again and again, while it does mixed work; and what the store is asked after each.

    python -m tests.support.crashing URL KILLS SEED [WRITERS]

A nursery forks the worker (so that each life costs no imports), lets it live for a random moment, kills it with
SIGKILL, and compares: the store contradicts itself nowhere, every commit the worker had reported is there, and at
most the one it was reporting is there beside them. With several writers a worker is as many threads, which share their
commits; then each may have been reporting one.
"""

from __future__ import annotations

import json
import os
import random
import select
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import NamedTuple

import sqlalchemy as sa
import structlog

from rasoat.engine.timers import run_due
from rasoat.foundation.clock import LEGAL_ZONE
from rasoat.foundation.ids import TimeOrderedIds
from rasoat.persistence.database import Database
from rasoat.persistence.migrating import upgrade
from rasoat.workflows.library import WorkflowLibrary
from tests.support.invariants import broken
from tests.support.reviews import BEATS, Review, commune

_NEXT = {
    "registered": "list_managed", "listed": "survey", "surveyed": "meet", "agreed": "post", "posted": "posting_ended",
    "settled": "summarise", "summarised": "report", "reported": "receive_report",
    "awaiting_opinion": "give_opinion", "opined": "recognise",
}  # fmt: skip
_LATEST = datetime(2022, 11, 7, 17, tzinfo=LEGAL_ZONE)
_ROUNDS_AT_ONCE = 6
_LONGEST_LIFE = 0.12

Say = Callable[[object], object]


class Part(NamedTuple):
    """Which of how many writers: each has the rounds whose numbers are its own."""

    writer: int
    writers: int


class Report(NamedTuple):
    """What a run of killings found."""

    kills: int
    acts: int
    reported: int
    in_flight: int
    faults: list[str]


def main(url: str, kills: int, seed: int, writers: int = 1) -> Report:
    """Kill a worker `kills` times over the database of `url`."""
    chance = random.Random(seed)
    database = Database.open(url)
    library = _rehearse(database)
    reported = set(_acts(database))
    database.dispose()
    in_flight, faults = 0, []
    for life in range(kills):
        worker = partial(_work, url, library, [random.Random(chance.randrange(2**32)) for _ in range(writers)])
        reported |= _one_life(worker, chance.uniform(0.0, _LONGEST_LIFE))
        stored = _acts(database)
        faults += [f"life {life}: {fault}" for fault in broken(database, library)]
        faults += [f"life {life}: act {i} was reported and is not there" for i in reported - set(stored)]
        unreported = {i for i, actor in stored.items() if actor != "system"} - reported
        if len(unreported) > writers:
            faults.append(f"life {life}: {len(unreported)} acts are there that nobody reported")
        in_flight += len(unreported)
        reported = set(stored)
        database.dispose()
    return Report(kills, len(reported), len(reported) - in_flight, in_flight, faults)


def _rehearse(database: Database) -> WorkflowLibrary:
    """Do everything once, so that workers are born with every definition loaded and every statement compiled."""
    upgrade(database)
    library = WorkflowLibrary()
    review = Review(database, ids=TimeOrderedIds(), library=library)
    review.run(BEATS, review.open_round(1, villages=1, households=6))
    run_due(review.database, review.engine)
    return library


def _one_life(work: Callable[[Say], None], seconds: float) -> set[int]:
    """Let one worker begin, live for `seconds` and die; return the acts it said it had committed."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        try:
            work(lambda line: os.write(writing, f"{line}\n".encode()))
        finally:
            os._exit(1)  # a worker that ends by itself is a fault: nothing below may run twice
    os.close(writing)
    select.select([reading], [], [], 30)  # the worker's first word: it is connected
    time.sleep(seconds)
    os.kill(child, signal.SIGKILL)
    with os.fdopen(reading, encoding="ascii") as said:
        lines = said.read().split("\n")[:-1]
    _, status = os.waitpid(child, 0)
    if not os.WIFSIGNALED(status):
        msg = f"the worker ended by itself after {lines[-3:]}"
        raise RuntimeError(msg)
    return {int(line) for line in lines if line.isdigit()}


def _work(url: str, library: WorkflowLibrary, chances: list[random.Random], say: Say) -> None:
    review = Review(Database.open(url), ids=TimeOrderedIds(), library=library)
    review.clock.move_to(_LATEST)
    with review.database.read():
        say("ready")
    if len(chances) == 1:
        _live(review, chances[0], say, Part(0, 1))
    for writer, chance in enumerate(chances):
        part = Part(writer, len(chances))
        threading.Thread(target=_live_or_end, args=(review, chance, say, part)).start()
    threading.Event().wait()


def _live_or_end(review: Review, chance: random.Random, say: Say, part: Part) -> None:
    try:
        _live(review, chance, say, part)
    finally:
        traceback.print_exc()
        os._exit(1)


def _live(review: Review, chance: random.Random, say: Say, part: Part) -> None:
    rounds = _unfinished(review, part)
    while True:
        deed = chance.random()
        if deed < 0.1 or len(rounds) < _ROUNDS_AT_ONCE // part.writers:
            number = chance.randrange(1, 2**40) * part.writers + part.writer
            review.open_round(number, 1, chance.randrange(1, 9), commune(number % 1000))
            rounds = _unfinished(review, part)
        elif deed < 0.2 and part.writers == 1:
            run_due(review.database, review.engine)
            rounds = _unfinished(review, part)
        else:
            _step(review, rounds, chance, say)


def _step(review: Review, rounds: dict[int, tuple[str, list[int]]], chance: random.Random, say: Say) -> None:
    number = chance.choice(sorted(rounds))
    state, ids = rounds[number]
    beat = next(b for b in BEATS if b.trigger == _NEXT[state])
    with review.database.begin(briefly=True) as tx:
        outcome = review.fire_in(tx, beat, ids, idempotency_key=f"{number}:{beat.trigger}")
    if len(outcome.accepted) != len(ids):
        msg = f"{beat.trigger} was refused: {outcome.refused[:2]}"
        raise RuntimeError(msg)
    say(outcome.act_id)
    target = outcome.accepted[0].to_state
    if target in _NEXT:
        rounds[number] = (target, ids)
    else:
        del rounds[number]


def _unfinished(review: Review, part: Part) -> dict[int, tuple[str, list[int]]]:
    """Find the rounds that are not at their end, as the store tells it: each stands in one state as a whole."""
    case = review.database.tables.case.c
    with review.database.read() as tx:
        rows = tx.select(sa.select(case.round_id, case.state, case.id).where(case.state.in_(_NEXT)).order_by(case.id))
    found: dict[int, tuple[str, list[int]]] = {}
    for number, state, case_id in (row for row in rows if row.round_id % part.writers == part.writer):
        stands, ids = found.setdefault(number, (state, []))
        if stands != state:
            msg = f"round {number} stands in {stands} and in {state}: an act was done by half"
            raise RuntimeError(msg)
        ids.append(case_id)
    return found


def _acts(database: Database) -> dict[int, str]:
    """Every act and who did it: what the timers do of themselves nobody reports."""
    act = database.tables.act.c
    with database.read() as tx:
        return dict(map(tuple, tx.select(sa.select(act.id, act.actor))))


if __name__ == "__main__":
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    print(json.dumps(main(sys.argv[1], *map(int, sys.argv[2:]))._asdict()))
