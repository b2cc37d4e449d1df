"""The sender is killed (SIGKILL) at random points: nothing is lost, and each death repeats at most one message."""

from __future__ import annotations

import os
import random
import signal
from collections import Counter
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from rasoat.api import Rasoat
from rasoat.engine.tidings import tiding
from rasoat.foundation.clock import FrozenClock
from rasoat.persistence import inbox
from rasoat.persistence.outbox import enqueue
from tests.support.clockwork import at
from tests.support.forking import forked_processes
from tests.support.post import CHANNELS, SECRET, attempts, facts, letters, messages, settings_file
from tests.support.sender_process import send_once

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path

pytestmark = pytest.mark.xdist_group("forked")  # by one worker: the server that processes are forked from starts once

KILLS = int(os.environ.get("RASOAT_KILLS", "15"))
COMMUNE, DISTRICT = "42/446/18766", "42/446"
LEASE = timedelta(minutes=6)
# Far more at once than people would get, so that there is something left to kill: no lists, no rate limit.
SETTINGS = """
directory = "can-bo.toml"

[messages]
burst = 10000

[sending]
hourly_per_recipient = 100000
attempts = 1000
"""


@pytest.fixture
def app(database_url: str) -> Iterator[Rasoat]:
    opened = Rasoat.open(database_url, keys="development-anywhere", clock=FrozenClock(at(date(2022, 10, 28))))
    yield opened
    opened.close()


def _queue(app: Rasoat, number: int, now: datetime) -> None:
    """Queue a word to the committee (mail and inbox) or the supervisor (mail and webhook)."""
    role, path = ("committee", COMMUNE) if number % 2 else ("supervisor", DISTRICT)
    data = {"job": f"job {number}", "last_success": None, "problem": "locked"}
    with app.database.begin() as tx:
        enqueue(tx, [tiding("job_stalled", "urgent", role, path, path, f"n{number}", data, now)])


class Executioner:
    """Kills the running sender at a point drawn beforehand: at the so-manieth delivery, or after a while."""

    def __init__(self, dice: random.Random) -> None:
        self._dice = dice
        self._left = 0
        self._process: Any = None

    def sentence(self) -> float | None:
        """Draw the next death: the seconds after which it comes, or None if a delivery brings it."""
        self._left = 0
        if self._dice.random() < 0.4:
            return self._dice.uniform(0.0, 0.4)
        self._left = self._dice.randint(1, 4)
        return None

    def watch(self, process: Any) -> None:
        self._process = process

    def delivered(self) -> None:
        """Strike when the counterpart has the message and the sender does not know it yet."""
        if self._left:
            self._left -= 1
            if self._left == 0 and self._process is not None:
                self._process.kill()  # SIGKILL, and only while it is our child that has this number

    def spare(self) -> None:
        """Let the next sender live."""
        self._left, self._process = 0, None


def test_a_sender_killed_again_and_again_loses_nothing_and_repeats_at_most_one_message_each_time(
    app, database_url, tmp_path, serve_mail, postbox, receiver, monkeypatch
):
    dice = random.Random(20221028)
    executioner = Executioner(dice)
    _strike_at_delivery(postbox, receiver, executioner)
    now, queued, killed = app.clock.now(), 0, 0
    with serve_mail(postbox) as port:
        path = settings_file(tmp_path, mail=port, hook=receiver.port, settings=SETTINGS + CHANNELS)
        while killed < KILLS:
            for _ in range(3):
                _queue(app, queued, now)
                queued += 1
            killed += _run_to_death(executioner, database_url, path, now)
            now += LEASE
        executioner.spare()
        last = _start(database_url, path, now + timedelta(days=1))
        last.join(60)
        assert last.exitcode == 0
    _nothing_lost(app, postbox, receiver, queued, killed)


def _start(url: str, settings: Path, now: datetime) -> Any:
    process: Any = forked_processes().Process(target=send_once, args=(url, str(settings), now, SECRET))
    process.start()
    return process


def _run_to_death(executioner: Executioner, url: str, settings: Path, now: datetime) -> int:
    """Run a sender until it is killed or has done all there was; return how many were killed."""
    delay = executioner.sentence()
    process = _start(url, settings, now)
    executioner.watch(process)
    process.join(delay if delay is not None else 60)
    process.kill()
    process.join(60)
    executioner.spare()
    assert process.exitcode in (0, -signal.SIGKILL)
    return int(process.exitcode != 0)


def _strike_at_delivery(postbox: Any, receiver: Any, executioner: Executioner) -> None:
    """Let both counterparts tell the executioner once they have a message, before they answer."""
    take = postbox.handle_DATA

    async def taken(server, session, envelope):
        answer = await take(server, session, envelope)
        executioner.delivered()
        return answer

    postbox.handle_DATA = taken
    answer = receiver.script[0]

    def answered(handler):
        executioner.delivered()
        answer(handler)

    receiver.script = [answered]


def _nothing_lost(app: Rasoat, postbox: Any, receiver: Any, queued: int, killed: int) -> None:
    stored = messages(app.database)
    assert {f.status for f in facts(app.database)} == {"told"}
    assert {row.status for row in stored} == {"sent"}
    assert len(stored) == 2 * queued
    by_mail = Counter(str(mail["Message-ID"])[1:33] for mail in letters(postbox.received))
    by_hook = Counter(headers["webhook-id"] for _, headers, _ in receiver.requests)
    with app.database.read() as tx:
        box = Counter(row.message_id for row in inbox.letters(tx, "bcd", limit=10_000))
    for channel, arrived in (("email", by_mail), ("hook", by_hook), ("inbox", box)):
        assert set(arrived) == {row.id for row in stored if row.channel == channel}, channel
    assert set(box.values()) == {1}
    repeated = sum((by_mail + by_hook).values()) - len(by_mail) - len(by_hook)
    assert repeated <= killed
    assert repeated > 0, "no death fell between delivery and record: the test has lost its point"
    unfinished = [a for a in attempts(app.database) if a.outcome is None]
    assert repeated <= len(unfinished) <= killed
    same = {}
    for mail in postbox.received:
        key = str(letters([mail])[0]["Message-ID"])
        assert same.setdefault(key, mail.content) == mail.content
