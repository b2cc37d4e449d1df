"""A worker in a process of its own: ``one_worker.py URL INSTANT KILL_AT``; at its KILL_ATth statement it is killed."""

from __future__ import annotations

import os
import signal
import sys
from datetime import datetime

from rasoat.deadlines.releases import calendar
from rasoat.engine.service import Engine
from rasoat.engine.timers import run_due
from rasoat.foundation.clock import FrozenClock
from rasoat.foundation.ids import TimeOrderedIds
from rasoat.persistence import transactions
from rasoat.persistence.database import Database
from rasoat.workflows.library import WorkflowLibrary


def killing(method, countdown):
    def counted(*args):
        countdown[0] -= 1
        if countdown[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return method(*args)

    return counted


def main(url: str, instant: str, kill_at: str) -> None:
    countdown = [int(kill_at)]
    if countdown[0]:
        for name in ("rows", "run", "many", "select", "execute"):
            setattr(transactions.Tx, name, killing(getattr(transactions.Tx, name), countdown))
    database = Database.open(url)
    clock = FrozenClock(datetime.fromisoformat(instant))
    engine = Engine(WorkflowLibrary(), lambda day, unit: calendar(as_known_on=day, unit=unit), clock, TimeOrderedIds())
    sys.stdin.readline()  # all start together
    while run_due(database, engine).groups:
        pass


if __name__ == "__main__":
    main(*sys.argv[1:])
