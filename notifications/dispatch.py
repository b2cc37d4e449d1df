"""One round of the sender: what is due in the outbox becomes messages, and messages whose time has come go out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ..foundation.logs import Log
from .delivering import Sender
from .gathering import Gathered, gather

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..engine.service import Engine
    from ..persistence.database import Database
    from .setup import Notify

__all__ = ["Dispatched", "dispatch"]

log = Log("rasoat.notifications")


@dataclass(frozen=True, slots=True)
class Dispatched:
    """What one run did: what became of outbox rows, and how its attempts at delivery ended."""

    gathered: Gathered = field(default_factory=Gathered)
    sent: int = 0
    failed: int = 0
    dead: int = 0


def dispatch(
    database: Database,
    engine: Engine,
    notify: Notify,
    *,
    chance: Callable[[], float],
    stop: Callable[[], bool] = lambda: False,
    at_most: int = 10_000,
) -> Dispatched:
    """Compose all that is due, then send until nothing may go out now (or `at_most` attempts, or `stop` says so).

    Any number of processes may do this at once. `chance` spreads the retries (``random.Random().random``).
    """
    gathered = Gathered()
    while (more := gather(database, engine, notify)).rows and not stop():
        gathered = _sum(gathered, more)
    sender = Sender(database, engine.clock, notify, chance)
    ends = {"sent": 0, "failed": 0, "dead": 0}
    for _ in range(at_most):
        outcome = None if stop() else sender.send_next()
        if outcome is None:
            break
        ends[outcome] += 1
    done = Dispatched(gathered, **ends)
    if gathered.rows or any(ends.values()):
        log.info("dispatched", rows=gathered.rows, messages=gathered.messages, **ends)
    return done


def _sum(one: Gathered, more: Gathered) -> Gathered:
    return Gathered(*(getattr(one, name) + getattr(more, name) for name in Gathered.__slots__))
