"""Webhooks to a real web server on loopback that takes, fails, hangs, drips, redirects and is busy."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import socket
from datetime import UTC, datetime, timedelta

import pytest

from rasoat.foundation.clock import FrozenClock
from rasoat.notifications.channels.guard import AddressGuard
from rasoat.notifications.channels.webhook import Patience, WebhookChannel, cloud_event
from rasoat.notifications.model import PermanentFailure, TemporaryFailure

KEY = bytes(range(32))
SECRET = "whsec_" + base64.b64encode(KEY).decode()
NOW = datetime(2022, 10, 25, 1, 0, tzinfo=UTC)
HERE = AddressGuard(("loopback",))


def channel(**options):
    facts = {"guard": HERE, "patience": Patience(step=2.0, total=5.0)} | options
    return WebhookChannel([SECRET], FrozenClock(NOW), **facts)


def test_the_event_arrives_as_cloudevents_json(receiver, message):
    sent = message("webhook", receiver.url("/hook?unit=1"))
    receipt = channel(source="https://rasoat.example.vn").send(sent)
    ((path, headers, body),) = receiver.requests
    assert path == "/hook?unit=1"
    assert headers["content-type"] == "application/cloudevents+json; charset=utf-8"
    assert headers["host"] == f"127.0.0.1:{receiver.port}"
    assert json.loads(body) == {
        "specversion": "1.0",
        "id": sent.id,
        "source": "https://rasoat.example.vn",
        "type": "rasoat.deadline",
        "time": "2022-10-25T01:00:00+00:00",
        "datacontenttype": "application/json",
        "severity": "warning",
        "data": {"rung": "T-2", "count": 100, "due_on": "2022-10-27", "title": "Còn 2 ngày"},
    }
    assert (receipt.handle, receipt.detail) == (sent.id, "HTTP 204")


def test_attribute_names_are_those_cloudevents_allows(message):
    event = cloud_event(message("webhook", "x"), "/rasoat")
    assert all(name.isascii() and name.islower() and name.isalnum() for name in event)


def test_the_receiver_can_check_who_sent_what_and_when(receiver, message):
    sent = message("webhook", receiver.url())
    channel().send(sent)
    ((_, headers, body),) = receiver.requests
    assert headers["webhook-id"] == sent.id
    assert headers["webhook-timestamp"] == str(int(NOW.timestamp()))
    signed = f"{sent.id}.{headers['webhook-timestamp']}.".encode() + body
    expected = base64.b64encode(hmac.new(KEY, signed, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{expected}"


def test_a_second_attempt_has_the_same_id_and_body(receiver, message):
    sent = message("webhook", receiver.url())
    channel().send(sent)
    channel().send(sent)
    (_, first, body), (_, second, again) = receiver.requests
    assert first["webhook-id"] == second["webhook-id"]
    assert body == again


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_every_2xx_is_delivery(receiver, message, status):
    receiver.answer(status)
    assert channel().send(message("webhook", receiver.url())).detail == f"HTTP {status}"


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 422])
def test_a_refusal_is_permanent_and_not_tried_again(receiver, message, status):
    receiver.answer(status)
    with pytest.raises(PermanentFailure, match=f"HTTP {status}") as caught:
        channel().send(message("webhook", receiver.url()))
    assert not caught.value.endpoint
    assert len(receiver.requests) == 1


@pytest.mark.parametrize(("status", "endpoint"), [(500, True), (502, True), (503, True), (408, False), (429, False)])
def test_trouble_and_business_are_temporary(receiver, message, status, endpoint):
    receiver.answer(status)
    with pytest.raises(TemporaryFailure, match=f"HTTP {status}") as caught:
        channel().send(message("webhook", receiver.url()))
    assert caught.value.retry_after is None
    assert caught.value.endpoint is endpoint


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(
    ("written", "wish"),
    [
        ("120", timedelta(minutes=2)),
        ("0", timedelta(0)),
        ("Tue, 25 Oct 2022 01:05:00 GMT", timedelta(minutes=5)),
        ("Tue, 25 Oct 2022 00:00:00 GMT", timedelta(0)),
        ("soon", None),
        ("-5", None),
        ("9" * 400, timedelta(seconds=10**9)),
    ],
)
def test_retry_after_is_read_as_seconds_or_date(receiver, message, status, written, wish):
    receiver.answer(status, retry_after=written)
    with pytest.raises(TemporaryFailure) as caught:
        channel().send(message("webhook", receiver.url()))
    assert caught.value.retry_after == wish


def test_a_receiver_that_hangs_is_given_up(receiver, message):
    receiver.hang()
    with pytest.raises(TemporaryFailure, match="Timeout") as caught:
        channel(patience=Patience(step=0.2, total=5.0)).send(message("webhook", receiver.url()))
    assert caught.value.endpoint


@pytest.mark.parametrize("where", ["receiver", "secure_receiver"])
def test_a_receiver_that_drips_for_ever_is_cut_off(request, message, identity, where):
    dripping = request.getfixturevalue(where)
    dripping.drip()
    scheme = "https" if where == "secure_receiver" else "http"
    impatient = channel(patience=Patience(step=5.0, total=0.4), tls=identity.trusting())
    with pytest.raises(TemporaryFailure, match="longer than allowed") as caught:
        impatient.send(message("webhook", dripping.url(scheme=scheme)))
    assert caught.value.endpoint


def test_a_receiver_that_hangs_up_is_tried_again(receiver, message):
    receiver.vanish()
    with pytest.raises(TemporaryFailure) as caught:
        channel().send(message("webhook", receiver.url()))
    assert caught.value.endpoint


def test_a_receiver_that_is_not_there_is_tried_again(message):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    with pytest.raises(TemporaryFailure, match="ConnectError") as caught:
        channel().send(message("webhook", f"http://127.0.0.1:{port}/"))
    assert caught.value.endpoint


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_refused_unless_allowed(receiver, message, status):
    receiver.answer(status, location="/elsewhere")
    with pytest.raises(PermanentFailure, match="not followed"):
        channel().send(message("webhook", receiver.url()))
    assert [path for path, _, _ in receiver.requests] == ["/hook"]


@pytest.mark.parametrize("status", [307, 308])
def test_allowed_redirects_carry_the_same_event(receiver, message, status):
    receiver.answer(status, location="/elsewhere")
    receiver.script.append(receiver._with(204, {}))
    channel(follow_redirects=True).send(message("webhook", receiver.url()))
    (_, _, first), (path, _, second) = receiver.requests
    assert path == "/elsewhere"
    assert first == second


@pytest.mark.parametrize("status", [301, 302, 303])
def test_a_redirect_that_would_turn_post_into_get_is_never_followed(receiver, message, status):
    receiver.answer(status, location="/elsewhere")
    with pytest.raises(PermanentFailure):
        channel(follow_redirects=True).send(message("webhook", receiver.url()))
    assert len(receiver.requests) == 1


def test_a_circle_of_redirects_comes_to_an_end(receiver, message):
    receiver.answer(307, location="/hook")
    with pytest.raises(PermanentFailure, match="HTTP 307"):
        channel(follow_redirects=True).send(message("webhook", receiver.url()))
    assert len(receiver.requests) == 4


def test_a_redirect_to_a_place_off_limits_is_refused_before_any_connection(receiver, message):
    receiver.answer(307, location="http://169.254.169.254/latest/meta-data/")
    with pytest.raises(PermanentFailure, match="link_local"):
        channel(follow_redirects=True).send(message("webhook", receiver.url()))


def test_a_redirect_from_https_to_http_is_refused(secure_receiver, receiver, message, identity):
    secure_receiver.answer(307, location=receiver.url())
    with pytest.raises(PermanentFailure, match="weaker"):
        channel(follow_redirects=True, tls=identity.trusting()).send(
            message("webhook", secure_receiver.url(scheme="https"))
        )
    assert receiver.requests == []


def test_https_is_verified_by_name_though_the_address_is_pinned(secure_receiver, message, identity):
    guard = AddressGuard(("loopback",), resolve=lambda host, port: ["127.0.0.1"])
    trusting = channel(guard=guard, tls=identity.trusting())
    trusting.send(message("webhook", f"https://localhost:{secure_receiver.port}/hook"))
    assert secure_receiver.requests[0][1]["host"] == f"localhost:{secure_receiver.port}"
    with pytest.raises(TemporaryFailure, match="CERTIFICATE_VERIFY_FAILED"):
        trusting.send(message("webhook", f"https://other.example.vn:{secure_receiver.port}/hook"))
    with pytest.raises(TemporaryFailure, match="CERTIFICATE_VERIFY_FAILED"):
        channel().send(message("webhook", secure_receiver.url(scheme="https")))
    assert len(secure_receiver.requests) == 1


def test_a_name_that_changes_its_answer_gains_nothing(receiver, message):
    answers = iter([["127.0.0.1"], ["169.254.169.254"]])
    guard = AddressGuard(("loopback",), resolve=lambda host, port: next(answers))
    channel(guard=guard).send(message("webhook", f"http://rebinding.example.vn:{receiver.port}/hook"))
    assert len(receiver.requests) == 1


@pytest.mark.parametrize(
    "address", ["http://127.0.0.1:{port}/", "http://localhost:{port}/", "http://[::ffff:127.0.0.1]:{port}/"]
)
def test_loopback_is_off_limits_unless_allowed(receiver, message, address):
    with pytest.raises(PermanentFailure, match="loopback"):
        channel(guard=AddressGuard()).send(message("webhook", address.format(port=receiver.port)))
    assert receiver.requests == []


def test_a_proxy_of_the_environment_is_not_used(receiver, message, monkeypatch):
    for variable in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(variable, "http://127.0.0.1:1")
    monkeypatch.delenv("NO_PROXY", raising=False)
    channel().send(message("webhook", receiver.url()))
    assert len(receiver.requests) == 1


def test_the_failure_does_not_show_the_path_which_may_hold_a_token(receiver, message):
    receiver.answer(404)
    with pytest.raises(PermanentFailure) as caught:
        channel().send(message("webhook", receiver.url("/token-in-path")))
    assert "token-in-path" not in str(caught.value)
