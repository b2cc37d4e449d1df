"""An installation that sends: settings files for a commune's staff, and what its counterparts got."""

from __future__ import annotations

import base64
import email
import email.policy
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from rasoat.api import Rasoat
from rasoat.notifications.dispatch import dispatch
from rasoat.notifications.morning import write_digests, write_summaries
from rasoat.persistence.messages import AttemptRow, MessageRow
from rasoat.persistence.outbox import OutboxRow

if TYPE_CHECKING:
    from collections.abc import Iterable
    from email.message import EmailMessage
    from pathlib import Path

    from rasoat.engine.timers import Ran
    from rasoat.notifications.setup import Notify
    from rasoat.persistence.database import Database

__all__ = ["CHANNELS", "SECRET", "SETTINGS", "Posting", "attempts", "facts", "letters", "messages", "settings_file"]

SECRET = "whsec_" + base64.b64encode(b"a secret of at least 24 bytes").decode()
DIRECTORY = """
[superiors]
village_head = "committee"
committee = "superior_chair"

[[person]]
key = "bcd"
name = "Cán bộ Ban Chỉ đạo"
addresses = { email = "bcd@example.vn", inbox = "bcd" }

[[person]]
key = "chu-tich"
name = "Chủ tịch xã"
addresses = { email = "chutich@example.vn" }
routes.info.delivery = "immediate"

[[person]]
key = "truong-thon"
name = "Trưởng thôn"
addresses = { email = "truongthon@example.vn" }
routes.info.delivery = "immediate"

[[person]]
key = "chu-tich-huyen"
name = "Chủ tịch huyện"
addresses = { email = "huyen@example.vn", hook = "http://127.0.0.1:HOOK/huyen" }
routes.info.delivery = "immediate"

[[person]]
key = "giam-sat"
name = "Người giám sát"
addresses = { email = "giamsat@example.vn", hook = "http://127.0.0.1:HOOK/giamsat" }

[[person]]
key = "rsv"
name = "Rà soát viên"
addresses = { inbox = "rsv" }

[[post]]
person = "rsv"
role = "enumerator"
unit = "42/446/18766"

[[post]]
person = "truong-thon"
role = "village_head"
unit = "42/446/18766/18766-01"

[[post]]
person = "bcd"
role = "committee"
unit = "42/446/18766"

[[post]]
person = "chu-tich"
role = "commune_chair"
unit = "42/446/18766"

[[post]]
person = "chu-tich-huyen"
role = "superior_chair"
unit = "42/446"

[[post]]
person = "giam-sat"
role = "supervisor"
unit = "42/446"
"""
_HEAD = """
directory = "can-bo.toml"

[messages]
base_url = "https://rasoat.example.vn"
list_link = "viec?don-vi={unit}"

[sending]
hourly_per_recipient = 60

"""
CHANNELS = """
[channels.email]
kind = "smtp"
host = "127.0.0.1"
port = MAIL
security = "none"
sender = "rasoat@example.vn"
allow = ["loopback"]

[channels.hook]
kind = "webhook"
secrets = [{ env = "RASOAT_TEST_HOOK_SECRET" }]
allow = ["loopback"]

[channels.inbox]
kind = "inbox"
"""
SETTINGS = _HEAD + CHANNELS


def settings_file(folder: Path, *, mail: int, hook: int, directory: str = DIRECTORY, settings: str = SETTINGS) -> Path:
    """Write the settings of an installation whose mail server and webhook receiver listen on these ports."""
    (folder / "can-bo.toml").write_text(directory.replace("HOOK", str(hook)), encoding="utf-8")
    path = folder / "notify.toml"
    path.write_text(settings.replace("MAIL", str(mail)), encoding="utf-8")
    return path


class Posting(Rasoat):
    """An engine whose worker also writes digests and sends, each time it runs."""

    notify: Notify

    def run_due(self, **options: Any) -> Ran:
        """Do what is due, then let the post go out."""
        ran = super().run_due(**options)
        self.post()
        return ran

    def post(self) -> None:
        """Write what is due and send it."""
        write_digests(self.database, self.engine, self.notify)
        write_summaries(self.database, self.engine, self.notify)
        dispatch(self.database, self.engine, self.notify, chance=lambda: 0.5)


def letters(envelopes: Iterable[Any]) -> list[EmailMessage]:
    """The letters a mail server took, parsed as a mail client does."""
    return [email.message_from_bytes(e.content, policy=email.policy.default) for e in envelopes]  # type: ignore[misc]  # untyped upstream


def messages(database: Database) -> list[MessageRow]:
    """Every stored message, in the order in which it was written."""
    m = database.tables.message
    query = select(*(m.c[name] for name in MessageRow._fields)).order_by(m.c.created_at, m.c.id)
    with database.read() as tx:
        return [MessageRow(*row) for row in tx.select(query)]


def attempts(database: Database) -> list[AttemptRow]:
    """Every attempt at delivery."""
    a = database.tables.message_attempt
    query = select(*(a.c[name] for name in AttemptRow._fields)).order_by(a.c.started_at, a.c.message_id, a.c.number)
    with database.read() as tx:
        return [AttemptRow(*row) for row in tx.select(query)]


def facts(database: Database) -> list[OutboxRow]:
    """Every outbox row, the oldest first."""
    o = database.tables.outbox
    query = select(*(o.c[name] for name in OutboxRow._fields)).order_by(o.c.created_at, o.c.id)
    with database.read() as tx:
        return [OutboxRow(*row) for row in tx.select(query)]
