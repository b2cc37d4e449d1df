"""E-mail through a real mail server on loopback."""

from __future__ import annotations

import email
import re
import socket
import threading
from dataclasses import replace
from datetime import UTC, datetime
from email import charset, policy
from email.header import decode_header
from email.headerregistry import Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rasoat.foundation.text import nfc
from rasoat.notifications.channels.guard import AddressGuard
from rasoat.notifications.channels.smtp import Relay, SmtpChannel, mail
from rasoat.notifications.model import Message, PermanentFailure, Recipient, TemporaryFailure

HERE = AddressGuard(("loopback",))
SENDER = "rasoat@cam-due.example.vn"


def channel(port, *, guard=HERE, **relay):
    options = {"host": "localhost", "port": port, "security": "none", "timeout": 5.0} | relay
    return SmtpChannel(Relay(**options), SENDER, guard=guard)


def letter(postbox):
    (envelope,) = postbox.received
    return email.message_from_bytes(envelope.content, policy=policy.default)


def test_the_letter_arrives_in_vietnamese_as_text_and_html(serve_mail, postbox, message):
    sent = message("email", "chairman@example.vn")
    with serve_mail(postbox) as port:
        receipt = channel(port).send(sent)
    arrived = letter(postbox)
    (envelope,) = postbox.received
    assert (envelope.mail_from, envelope.rcpt_tos) == (SENDER, ["chairman@example.vn"])
    assert arrived["Subject"] == sent.title
    assert arrived["To"].addresses[0].display_name == "Nguyễn Thị Ý"
    assert arrived["From"] == SENDER
    assert arrived["Content-Language"] == "vi"
    assert arrived["Auto-Submitted"] == "auto-generated"
    assert arrived["Date"].datetime == sent.created_at
    assert arrived.get_content_type() == "multipart/alternative"
    text, html = arrived.iter_parts()
    assert (text.get_content_type(), html.get_content_type()) == ("text/plain", "text/html")
    assert text.get_content() == sent.text
    assert html.get_content() == sent.html
    assert receipt.handle == arrived["Message-ID"] == f"<{sent.id}@cam-due.example.vn>"


def decoded(header):
    """Read a header by RFC 2047 (the parser of `policy.default` adds blanks: cpython issue 128110)."""
    parts = decode_header(header)
    return "".join(part if isinstance(part, str) else part.decode(encoding or "ascii") for part, encoding in parts)


@given(st.text(st.sampled_from("Niêm yết kết quả của xã Cẩm Duệ – “hộ” (100), 27/10"), max_size=200))
def test_every_subject_and_name_can_be_read_back_after_folding(words):
    recipient = Recipient("k", words, "role", "unit", "vi", {"email": "a@example.vn"})
    created = datetime(2022, 10, 25, tzinfo=UTC)
    sent = Message("0" * 32, "deadline", "info", recipient, "email", words, "text", "<p>html</p>", {}, created)
    raw = mail(sent, Address(addr_spec=SENDER), Address(addr_spec="a@example.vn")).as_bytes()
    read = email.message_from_bytes(raw)
    assert decoded(read["Subject"]) == nfc(words)
    name, _, address = decoded(read["To"]).rpartition("<")
    assert (name.strip(), address) == (nfc(words), "a@example.vn>")
    assert re.search(rb"\s<a@example\.vn>\n", raw)
    assert max(len(line) for line in raw.splitlines()) <= 78


def test_what_travels_is_plain_ascii_with_encoded_headers(serve_mail, postbox, message):
    with serve_mail(postbox) as port:
        channel(port).send(message("email", "chairman@example.vn"))
    raw = postbox.received[0].content
    assert raw.isascii()
    assert b"=?utf-8?" in raw.lower()
    assert max(len(line) for line in raw.splitlines()) <= 998


def test_a_second_attempt_is_the_same_letter_byte_for_byte(serve_mail, postbox, message):
    sent = message("email", "chairman@example.vn")
    with serve_mail(postbox) as port:
        channel(port).send(sent)
        channel(port).send(sent)
    first, second = postbox.received
    assert first.content == second.content


def test_the_letter_stays_the_same_when_another_package_changes_how_utf_8_is_encoded(message, monkeypatch):
    sent = message("email", "chairman@example.vn")
    addresses = Address(addr_spec=SENDER), Address(addr_spec="chairman@example.vn")
    monkeypatch.setattr(charset, "CHARSETS", dict(charset.CHARSETS))
    letters = set()
    for encoding in (charset.QP, charset.BASE64, charset.SHORTEST):
        charset.add_charset("utf-8", encoding, charset.BASE64 if encoding == charset.SHORTEST else encoding, "utf-8")
        letters.add(mail(sent, *addresses).as_bytes())
    assert len(letters) == 1


def test_starttls_with_login(serve_mail, postbox, message, identity):
    options = {"tls_context": identity.server, "authenticator": postbox.authenticate, "auth_required": True}
    login = {"security": "starttls", "username": "rasoat", "password": "s3cret", "tls": identity.trusting()}
    with serve_mail(postbox, require_starttls=True, **options) as port:
        channel(port, **login).send(message("email", "chairman@example.vn"))
    assert postbox.logins == [b"rasoat"]
    assert letter(postbox)["To"].addresses[0].addr_spec == "chairman@example.vn"


def test_tls_from_the_first_byte(serve_mail, postbox, message, identity):
    with serve_mail(postbox, identity.server) as port:
        channel(port, security="tls", tls=identity.trusting()).send(message("email", "chairman@example.vn"))
    assert len(postbox.received) == 1


def test_a_wrong_password_is_the_relays_trouble_and_no_letter_dies_of_it(serve_mail, postbox, message, identity):
    options = {"tls_context": identity.server, "authenticator": postbox.authenticate, "auth_required": True}
    login = {"security": "starttls", "username": "rasoat", "password": "wrong", "tls": identity.trusting()}
    with serve_mail(postbox, **options) as port, pytest.raises(TemporaryFailure, match="535") as caught:
        channel(port, **login).send(message("email", "chairman@example.vn"))
    assert caught.value.endpoint
    assert postbox.received == []


def test_without_starttls_on_offer_nothing_is_sent_in_the_clear(serve_mail, postbox, message, identity):
    with serve_mail(postbox) as port, pytest.raises(TemporaryFailure, match="STARTTLS") as caught:
        channel(port, security="starttls", tls=identity.trusting()).send(message("email", "chairman@example.vn"))
    assert caught.value.endpoint
    assert postbox.received == []


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_a_certificate_nobody_vouches_for_is_refused(serve_mail, postbox, message, identity, security):
    options = {"tls_context": identity.server} if security == "starttls" else {"implicit_tls": identity.server}
    with serve_mail(postbox, **options) as port, pytest.raises(TemporaryFailure, match="CERTIFICATE") as caught:
        channel(port, security=security).send(message("email", "chairman@example.vn"))
    assert caught.value.endpoint
    assert postbox.received == []


def test_a_certificate_for_another_name_is_refused(serve_mail, postbox, message, identity):
    guard = AddressGuard(("loopback",), resolve=lambda host, port: ["127.0.0.1"])
    relay = {"host": "mail.example.vn", "security": "tls", "tls": identity.trusting()}
    with serve_mail(postbox, identity.server) as port, pytest.raises(TemporaryFailure, match=r"mail\.example\.vn"):
        channel(port, guard=guard, **relay).send(message("email", "chairman@example.vn"))


@pytest.mark.parametrize(
    ("answers", "failure"),
    [
        ({"on_recipient": "550 5.1.1 no such user"}, PermanentFailure),
        ({"on_recipient": "450 4.2.1 mailbox busy"}, TemporaryFailure),
        ({"on_data": "554 5.7.1 refused"}, PermanentFailure),
        ({"on_data": "451 4.3.0 try again"}, TemporaryFailure),
    ],
)
def test_refusals_of_one_letter_are_told_apart_and_do_not_count_against_the_relay(
    serve_mail, postbox, message, answers, failure
):
    for name, answer in answers.items():
        setattr(postbox, name, answer)
    with serve_mail(postbox) as port, pytest.raises(failure) as caught:
        channel(port).send(message("email", "chairman@example.vn"))
    assert next(iter(answers.values()))[:3] in str(caught.value)
    assert "chairman@example.vn" not in str(caught.value)
    assert not caught.value.endpoint


def test_trouble_after_the_letter_was_taken_is_no_failure(serve_mail, postbox, message):
    postbox.on_quit = "421 4.3.2 shutting down"
    with serve_mail(postbox) as port:
        assert channel(port).send(message("email", "chairman@example.vn")).handle
    assert len(postbox.received) == 1


def test_a_relay_that_is_not_there_is_tried_again_later(message):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    with pytest.raises(TemporaryFailure) as caught:
        channel(port).send(message("email", "chairman@example.vn"))
    assert caught.value.endpoint


def test_a_relay_that_hangs_is_given_up_after_the_timeout(message):
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(TemporaryFailure) as caught:
        channel(silent.getsockname()[1], timeout=0.2).send(message("email", "chairman@example.vn"))
    assert caught.value.endpoint


def test_a_relay_that_turns_everybody_away_at_the_door_is_tried_again_later(message):
    with socket.create_server(("127.0.0.1", 0)) as door:

        def turn_away():
            visitor, _ = door.accept()
            with visitor:
                visitor.sendall(b"554 5.3.2 no service here\r\n")

        thread = threading.Thread(target=turn_away)
        thread.start()
        with pytest.raises(TemporaryFailure, match="554") as caught:
            channel(door.getsockname()[1]).send(message("email", "chairman@example.vn"))
        thread.join()
    assert caught.value.endpoint


@pytest.mark.parametrize(
    "address",
    ["nobody", "a@", "@example.vn", "a@example.vn\r\nBcc: b@example.vn", "a b@x.vn", "chủtịch@x.vn", "a@xã.vn"],
)
def test_what_is_no_address_is_a_permanent_failure(message, address):
    with pytest.raises(PermanentFailure):
        channel(1).send(message("email", address))


def test_a_name_or_title_cannot_smuggle_in_a_header(serve_mail, postbox, message):
    sent = message("email", "chairman@example.vn", title="Hết hạn\r\nBcc: everyone@example.vn")
    sent = replace(sent, recipient=replace(sent.recipient, name="A\r\nBcc: everyone@example.vn"))
    with serve_mail(postbox) as port:
        channel(port).send(sent)
    assert letter(postbox)["Bcc"] is None
    assert postbox.received[0].rcpt_tos == ["chairman@example.vn"]


def test_the_connection_goes_to_the_address_that_was_judged(serve_mail, postbox, message):
    asked = []
    guard = AddressGuard(("loopback",), resolve=lambda host, port: asked.append(host) or ["127.0.0.1"])
    with serve_mail(postbox) as port:
        channel(port, guard=guard, host="relay.example.invalid").send(message("email", "chairman@example.vn"))
    assert asked == ["relay.example.invalid"]
    assert len(postbox.received) == 1


def test_loopback_is_off_limits_unless_allowed(message):
    relay = SmtpChannel(Relay("localhost", security="none"), SENDER)
    with pytest.raises(PermanentFailure, match="loopback"):
        relay.send(message("email", "chairman@example.vn"))
