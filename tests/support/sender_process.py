"""A sender in a process of its own, which a test may kill at any point of its work."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from rasoat.api import Rasoat
from rasoat.foundation.clock import FrozenClock
from rasoat.notifications.channels.trust import machines_trust
from rasoat.notifications.dispatch import dispatch
from rasoat.notifying import load_notify
from rasoat.persistence.migrating import head_revision

if TYPE_CHECKING:
    from datetime import datetime

__all__ = ["send_once"]

# Senders are forked from a process that has read this file: what each of them would read first is read here.
machines_trust()
head_revision()


def send_once(url: str, settings: str, now: datetime, secret: str) -> None:
    """Dispatch all that is due at the instant `now`, as a worker would."""
    os.environ["RASOAT_TEST_HOOK_SECRET"] = secret
    app = Rasoat.open(url, keys="development-anywhere", create=False, clock=FrozenClock(now))
    dispatch(app.database, app.engine, load_notify(Path(settings), app), chance=lambda: 0.5)
    app.close()
