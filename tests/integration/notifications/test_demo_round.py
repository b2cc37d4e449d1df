"""The round of Xã Cẩm Duệ with its post: a real mail server and a webhook receiver get each message exactly once."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections import Counter
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from rasoat.demo.files import read_round, shipped
from rasoat.demo.running import play
from rasoat.foundation.clock import FrozenClock, start_of
from rasoat.notifying import load_notify
from rasoat.persistence import inbox
from tests.support.post import SECRET, Posting, attempts, facts, letters, messages, settings_file

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

COMMUNE = "Xã Cẩm Duệ"
RECHECK = "Phúc tra không quá 07 ngày làm việc kể từ ngày nhận được khiếu nại"
# (to, day written, title): what must have been told outside the digests, in the order in which it was.
# Reminders of what the same morning's digest lists already are told by it, not by a second list.
EXPECTED = [
    ("truong-thon", "04/10", "Chờ xử lý: Họp dân thống nhất kết quả – 14 hộ, Thôn 1"),
    ("truong-thon", "05/10", "Chờ xử lý: Họp dân thống nhất kết quả – 14 hộ, Thôn 1"),
    ("bcd", "18/10", f"Còn 1 ngày làm việc: {RECHECK} – 1 hộ, Thôn 2"),
    ("bcd", "20/10", f"Còn 1 ngày làm việc: {RECHECK} – 1 hộ, Thôn 3"),
    ("bcd", "21/10", f"Hết hạn hôm nay: {RECHECK} – 1 hộ, Thôn 3"),
    ("bcd", "24/10", "Tổng hợp tuần 17/10/2022 – 23/10/2022: 100,0\u00a0% đúng hạn"),
    ("giam-sat", "24/10", "Tổng hợp tuần 17/10/2022 – 23/10/2022: 100,0\u00a0% đúng hạn"),
    ("chu-tich-huyen", "29/10", "Tổng hợp thông báo dồn lại, thứ Bảy, 29/10/2022: 10 thay đổi"),
    ("chu-tich-huyen", "08/11", "Tổng hợp thông báo dồn lại, thứ Ba, 08/11/2022: 257 hộ quá hạn"),
    ("chu-tich", "10/11", "Tổng hợp thông báo dồn lại, thứ Năm, 10/11/2022: 10 thay đổi"),
]


@pytest.fixture
def played(
    database_url: str, tmp_path: Path, serve_mail: Any, postbox: Any, receiver: Any, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Posting]:
    monkeypatch.setenv("RASOAT_TEST_HOOK_SECRET", SECRET)
    clock = FrozenClock(start_of(date(2022, 1, 1)))
    app = Posting.open(database_url, keys="development-anywhere", clock=clock)
    with serve_mail(postbox) as port:
        app.notify = load_notify(settings_file(tmp_path, mail=port, hook=receiver.port), app)
        play(app, clock, read_round(shipped()))
        app.post()
        yield app
    app.close()


def test_each_expected_message_arrives_exactly_once_in_vietnamese_and_names_nobody(played, postbox, receiver):
    _arrived_once(played, postbox, receiver)
    _names_desk_place_and_article(played)
    _names_no_household(played)
    _webhooks_are_signed(receiver)


def _arrived_once(played: Posting, postbox: Any, receiver: Any) -> None:
    stored = messages(played.database)
    mails = letters(postbox.received)
    calls = [(path, headers, json.loads(body)) for path, headers, body in receiver.requests]
    with played.database.read() as tx:
        box = {name: inbox.letters(tx, name, limit=500) for name in ("bcd", "rsv")}

    assert {row.status for row in stored} == {"sent"}
    assert {a.outcome for a in attempts(played.database)} == {"sent"}
    assert Counter(a.message_id for a in attempts(played.database)) == Counter(row.id for row in stored)
    by_channel = {
        "email": [str(mail["Message-ID"]).strip("<>").split("@")[0] for mail in mails],
        "hook": [headers["webhook-id"] for _, headers, _ in calls],
        "inbox": [row.message_id for rows in box.values() for row in rows],
    }
    assert {channel: Counter(ids) for channel, ids in by_channel.items()} == {
        channel: Counter(row.id for row in stored if row.channel == channel) for channel in by_channel
    }
    assert set(Counter(f.status for f in facts(played.database))) == {"told", "moot"}

    told = {
        (row.recipient, f"{row.created_at.astimezone(start_of(date(2022, 1, 1)).tzinfo):%d/%m}", row.title)
        for row in stored
        if not row.title.startswith("Việc cần chú ý")
    }
    assert sorted(told, key=lambda t: (t[1][3:], t[1], t[2], t[0])) == sorted(
        EXPECTED, key=lambda t: (t[1][3:], t[1], t[2], t[0])
    )

    for mail in mails:
        row = next(row for row in stored if row.id in str(mail["Message-ID"]))
        # Parsing unfolds a header at any blank; what the eye reads is the same.
        assert str(mail["Subject"]).split() == row.title.split()
        assert mail.get_body(("plain",)).get_content().split() == row.text.split()
        assert mail.get_body(("html",)).get_content().split() == row.html.split()
        assert mail["Content-Language"] == "vi"
        assert "Kính gửi" in row.text
        assert "{" not in row.text
    assert {(path, event["data"]["recipient"]["key"]) for path, _, event in calls} == {
        ("/huyen", "chu-tich-huyen"),
        ("/giamsat", "giam-sat"),
    }
    for _, headers, event in calls:
        assert event["id"] == headers["webhook-id"]
        assert event["data"]["language"] == "vi"


def _names_desk_place_and_article(played: Posting) -> None:
    row = next(r for r in messages(played.database) if r.recipient == "giam-sat" and "257 hộ quá hạn" in r.title)
    assert f"Thôn 1, {COMMUNE}, Huyện Cẩm Xuyên" in row.text
    assert "Chủ tịch UBND cấp huyện, Huyện Cẩm Xuyên" in row.text
    assert "07/11/2022" in row.text
    reminder = next(r for r in messages(played.database) if r.title.startswith("Hết hạn hôm nay"))
    assert "thứ Sáu, 21/10/2022" in reminder.text
    assert "QĐ 24/2021/QĐ-TTg Điều 4 khoản 4 điểm b" in reminder.text
    assert f"Ban Chỉ đạo rà soát cấp xã, {COMMUNE}" in reminder.text
    assert "https://rasoat.example.vn/viec?don-vi=42/446/18766/18766-03" in reminder.text


def _names_no_household(played: Posting) -> None:
    codes = {household.code for household in read_round(shipped()).listed}
    everything = "\n".join(row.title + row.text + row.html + row.data for row in messages(played.database))
    assert [code for code in codes if code in everything] == []


def _webhooks_are_signed(receiver: Any) -> None:
    key = base64.b64decode(SECRET.removeprefix("whsec_"))
    for _, headers, body in receiver.requests:
        signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
        wanted = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
        assert f"v1,{wanted}" in headers["webhook-signature"].split()
