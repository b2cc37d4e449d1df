"""Apprise against a real web server, the inbox against a store, the log line as it is written."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from structlog.testing import capture_logs

from rasoat.foundation.errors import InputError
from rasoat.notifications.channels.apprise import AppriseChannel
from rasoat.notifications.channels.guard import AddressGuard
from rasoat.notifications.channels.inbox import InboxChannel
from rasoat.notifications.channels.log import LogChannel
from rasoat.notifications.model import PermanentFailure, TemporaryFailure

# One of Apprise's services imports it; nothing of ours does.
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")

HERE = AddressGuard(("loopback",))


def apprise(schemes=("json",), **options):
    return AppriseChannel(schemes, **({"guard": HERE} | options))


def test_apprise_delivers_title_and_text(receiver, message):
    receiver.answer(200)
    sent = message("apprise", receiver.url("/sms", scheme="json"))
    receipt = apprise().send(sent)
    ((path, _, body),) = receiver.requests
    told = json.loads(body)
    assert path.startswith("/sms")
    assert told["title"] == sent.title
    assert told["message"].strip() == sent.text.strip()
    assert told["type"] == "warning"
    assert receipt.handle == sent.id


@pytest.mark.parametrize(("severity", "kind"), [("info", "info"), ("urgent", "failure"), ("breach", "failure")])
def test_the_severity_is_told_in_the_services_own_terms(receiver, message, severity, kind):
    receiver.answer(200)
    apprise().send(message("apprise", receiver.url(scheme="json"), severity=severity))
    assert json.loads(receiver.requests[0][2])["type"] == kind


def test_the_operators_gateway_takes_the_recipients_number(receiver, message):
    receiver.answer(200)
    gateway = receiver.url("/sms/{address}", scheme="json")
    apprise(url=gateway).send(message("apprise", "+84 24/1"))
    assert receiver.requests[0][0].startswith("/sms/+84%2024%2F1")


def test_a_service_that_fails_is_tried_again(receiver, message):
    receiver.answer(500)
    with pytest.raises(TemporaryFailure) as caught:
        apprise().send(message("apprise", receiver.url(scheme="json")))
    assert caught.value.endpoint
    assert "127.0.0.1" not in str(caught.value)


def test_apprise_follows_no_redirect(receiver, message):
    receiver.answer(307, location="/elsewhere")
    with pytest.raises(TemporaryFailure):
        apprise().send(message("apprise", receiver.url(scheme="json")))
    assert len(receiver.requests) == 1


def test_only_the_schemes_named_may_be_used(receiver, message):
    for address in (receiver.url(scheme="xml"), "syslog://", "nonsense"):
        with pytest.raises(PermanentFailure, match="not among"):
            apprise().send(message("apprise", address))
    assert receiver.requests == []


def test_an_address_apprise_does_not_understand_is_permanent(message):
    with pytest.raises(PermanentFailure, match="not a valid tgram"):
        apprise(("tgram",)).send(message("apprise", "tgram://x"))


def test_a_host_off_limits_is_refused_before_any_connection(receiver, message):
    with pytest.raises(PermanentFailure, match="loopback"):
        apprise(guard=AddressGuard()).send(message("apprise", receiver.url(scheme="json")))
    assert receiver.requests == []


def test_a_gateway_without_a_place_for_the_number_is_refused():
    with pytest.raises(InputError):
        apprise(url="json://gateway.example.vn/")
    with pytest.raises(InputError):
        AppriseChannel([])


class Inbox:
    def __init__(self):
        self.kept = {}

    def put(self, message):
        new = message.id not in self.kept
        self.kept.setdefault(message.id, message)
        return new


def test_the_inbox_keeps_a_message_once(message):
    store = Inbox()
    sent = message("inbox", "chairman")
    first = InboxChannel(store).send(sent)
    again = InboxChannel(store).send(replace(sent, title="changed"))
    assert store.kept == {sent.id: sent}
    assert (first.detail, again.detail) == ("stored", "was stored before")
    assert first.handle == again.handle == sent.id


def test_the_log_line_has_keys_and_no_personal_identifier(message):
    data = {"rung": "T-2", "count": 3, "days_left": 0, "due_on": None, "households": ["H-0417"], "text": "Nguyễn"}
    sent = message("log", "chairman@example.vn", data=data)
    with capture_logs() as lines:
        LogChannel().send(sent)
    assert lines == [
        {
            "event": "notice",
            "log_level": "warning",
            "id": sent.id,
            "kind": "deadline",
            "severity": "warning",
            "role": "chairman",
            "unit": "ha-tinh/cam-due",
            "rung": "T-2",
            "count": 3,
            "days_left": 0,
        }
    ]


def test_mild_news_is_logged_at_info_level(message):
    with capture_logs() as lines:
        LogChannel().send(message("log", "x", severity="info"))
    assert lines[0]["log_level"] == "info"
