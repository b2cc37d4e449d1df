"""The files shown in docs/notifications.md are files the room accepts."""

from __future__ import annotations

import base64
import re
import tomllib
from datetime import UTC, date, datetime
from pathlib import Path

from rasoat.foundation.clock import FrozenClock
from rasoat.notifications.channels.registry import Surroundings, build
from rasoat.notifications.directory import resolve
from rasoat.notifications.directory_file import parse
from rasoat.notifications.kinds import KINDS

PAGE = (Path(__file__).parents[3] / "docs" / "notifications.md").read_text(encoding="utf-8")
_, DIRECTORY, CHANNELS, _ = (tomllib.loads(block) for block in re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL))


class Inbox:
    def put(self, message):
        return True


def test_the_directory_shown_is_read_and_its_deputy_is_found():
    found = resolve(parse(DIRECTORY), "village_head", "42/446/18766/01", date(2022, 10, 25))
    assert [recipient.key for recipient in found.recipients] == ["can-bo-09"]
    assert [climb.unit for climb in found.climbed] == ["42/446/18766/01"]


def test_the_channels_shown_are_built_and_keep_the_promises_shown(tmp_path):
    password = tmp_path / "mail"
    password.write_text("s3cret", encoding="utf-8")
    tables = {name: dict(table) for name, table in CHANNELS.items()}
    tables["email"]["password"] = {"file": str(password)}
    del tables["email"]["ca_file"]
    secret = "whsec_" + base64.b64encode(bytes(32)).decode()
    environment = {
        "HOOK_SECRET": secret,
        "HOOK_SECRET_OLD": secret,
        "SMS_GATEWAY": "jsons://gateway.example.vn/{address}",
    }
    clock = FrozenClock(datetime(2022, 10, 25, tzinfo=UTC))
    channels = build(tables, Surroundings(clock, Inbox(), environment))
    for name, channel in channels.items():
        promise = channel.guarantee.split(";")[0]
        (row,) = (
            line for line in PAGE.splitlines() if line.startswith("|") and f"| `{tables[name]['kind']}` |" in line
        )
        assert f"| {promise}" in row


def test_every_kind_of_message_is_explained():
    assert [kind for kind in KINDS if f"`{kind}`" not in PAGE] == []
