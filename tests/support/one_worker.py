"""A worker in a process of its own that may be killed at any of its statements, and one that does a single act."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

from rasoat.deadlines.releases import calendar
from rasoat.engine.service import Engine
from rasoat.engine.timers import run_due
from rasoat.foundation.clock import FrozenClock
from rasoat.foundation.ids import TimeOrderedIds
from rasoat.persistence import transactions
from rasoat.persistence.database import Database
from rasoat.workflows.library import WorkflowLibrary
from tests.support.reviews import BEATS, Review

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from multiprocessing.connection import Connection
    from multiprocessing.synchronize import Barrier

__all__ = ["list_once", "work_off"]


def work_off(url: str, instant: datetime, kill_at: int, together: Barrier) -> None:
    """Do all that is due at `instant`, beginning when all are there; at its `kill_at`th statement (0: none) it dies."""
    if kill_at:
        countdown = [kill_at]
        for name in ("rows", "run", "many", "select", "execute"):
            setattr(transactions.Tx, name, _killing(getattr(transactions.Tx, name), countdown))
    database = Database.open(url)
    clock = FrozenClock(instant)
    engine = Engine(WorkflowLibrary(), lambda day, unit: calendar(as_known_on=day, unit=unit), clock, TimeOrderedIds())
    together.wait(60)
    while run_due(database, engine).groups:
        pass


def list_once(url: str, ids: Sequence[int], together: Barrier, told: Connection) -> None:
    """List the cases under the idempotency key "same" when all are there; tell the act that this was."""
    review = Review(Database.open(url), ids=TimeOrderedIds())
    review.move_to(BEATS[0])
    together.wait(60)
    told.send(review.fire(BEATS[0], ids, idempotency_key="same").act_id)
    review.database.dispose()


def _killing(method, countdown):
    def counted(*args):
        countdown[0] -= 1
        if countdown[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return method(*args)

    return counted
