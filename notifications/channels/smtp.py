"""E-mail over SMTP: multipart text and HTML, one message per recipient, Message-ID drawn from the message id."""

from __future__ import annotations

import contextlib
import smtplib
import socket
from dataclasses import dataclass, field
from email.charset import BASE64, Charset
from email.errors import MessageError
from email.header import Header
from email.headerregistry import Address
from email.mime.multipart import MIMEMultipart
from email.mime.nonmultipart import MIMENonMultipart
from email.utils import format_datetime
from typing import TYPE_CHECKING, Literal

from ...foundation.errors import InputError
from ...foundation.messages import fault
from ...foundation.text import nfc
from ..model import PermanentFailure, Receipt, TemporaryFailure
from .guard import AddressGuard
from .trust import machines_trust

if TYPE_CHECKING:
    import ssl

    from ..model import DeliveryFailure, Message

__all__ = ["Relay", "Security", "SmtpChannel", "mail"]

Security = Literal["starttls", "tls", "none"]

_PORTS: dict[str, int] = {"starttls": 587, "tls": 465, "none": 25}
_PERMANENT = range(500, 600)


@dataclass(frozen=True, slots=True)
class Relay:
    """The mail server that takes our messages.

    `security`: ``starttls`` (upgrade is compelled, port 587), ``tls`` (from the first byte, port 465) or
    ``none`` (port 25). A password is never sent unencrypted. `timeout` in seconds, for each step.
    """

    host: str
    port: int | None = None
    security: Security = "starttls"
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    timeout: float = 30.0
    tls: ssl.SSLContext = field(default_factory=machines_trust, repr=False)

    def __post_init__(self) -> None:
        """Refuse half a login, an unknown security, and a login in the clear."""
        if self.security not in _PORTS:
            raise fault(InputError, "sending.security", security=self.security, known=", ".join(_PORTS))
        if (self.username is None) != (self.password is None):
            raise fault(InputError, "sending.password_both", host=self.host)
        if not f"{self.username}{self.password}".isascii():
            raise fault(InputError, "sending.password_ascii", host=self.host)
        if self.username is not None and self.security == "none":
            raise fault(InputError, "sending.password_plain", host=self.host)

    @property
    def door(self) -> int:
        """The port, the usual one if none is given."""
        return self.port or _PORTS[self.security]


class SmtpChannel:
    """Sends through one relay. The recipient's address is an e-mail address.

    The relay is the operator's choice, so the guard used by default lets private networks pass.
    """

    guarantee = "at least once; repeated attempts carry the same Message-ID"

    def __init__(self, relay: Relay, sender: str, *, name: str = "email", guard: AddressGuard | None = None) -> None:
        self.name = name
        self._relay = relay
        self._sender = _address(sender, "sender")
        self._guard = guard or AddressGuard(allow=("private",))

    def send(self, message: Message) -> Receipt:
        """Hand the message to the relay and return its answer."""
        to = _recipient(message)
        letter = mail(message, self._sender, to)
        host = self._relay.host
        try:
            session = self._connect()
            try:
                self._hand_over(session, letter, to)
            finally:
                _leave(session)
        except (smtplib.SMTPException, OSError) as error:
            raise _failure(error, host) from error
        return Receipt(str(letter["Message-ID"]), f"accepted by {host}")

    def _connect(self) -> smtplib.SMTP:
        relay = self._relay
        target = self._guard.check(relay.host, relay.door)
        if relay.security == "tls":
            return _PinnedTls(relay, target, self._sender.domain)
        session = _Pinned(relay, target, self._sender.domain)
        if relay.security == "starttls":
            try:
                session.starttls(context=relay.tls)
            except BaseException:
                session.close()
                raise
        return session

    def _hand_over(self, session: smtplib.SMTP, letter: MIMEMultipart, to: Address) -> None:
        if self._relay.username is not None and self._relay.password is not None:
            session.login(self._relay.username, self._relay.password)
        session.send_message(letter, self._sender.addr_spec, to.addr_spec)


def _utf8() -> Charset:
    """Return UTF-8 in base64, whatever another package has registered for UTF-8 in this process (Apprise does)."""
    charset = Charset("utf-8")
    charset.header_encoding = charset.body_encoding = BASE64
    return charset


def mail(message: Message, sender: Address, to: Address) -> MIMEMultipart:
    """Return the e-mail that carries `message`: byte for byte the same on every attempt.

    Built with the older MIME classes on purpose: where a long Vietnamese subject is folded, `EmailMessage`
    loses or adds blanks in some releases of Python (cpython issues 92081 and 144156).
    """
    recipient = message.recipient
    letter = MIMEMultipart("alternative", boundary=f"=_{message.id}")
    letter["From"] = sender.addr_spec
    letter["To"] = f"{_encoded('To', recipient.name)} <{to.addr_spec}>"
    letter["Subject"] = _encoded("Subject", message.title)
    letter["Date"] = format_datetime(message.created_at)
    letter["Message-ID"] = f"<{message.id}@{sender.domain}>"
    letter["Auto-Submitted"] = "auto-generated"
    letter["Content-Language"] = recipient.language
    letter.attach(_part("plain", message.text))
    letter.attach(_part("html", message.html))
    return letter


def _recipient(message: Message) -> Address:
    try:
        return _address(message.address, "recipient")
    except InputError as error:
        msg = f"message {message.id}: {error}"
        raise PermanentFailure(msg) from error


def _part(subtype: str, words: str) -> MIMENonMultipart:
    part = MIMENonMultipart("text", subtype, charset="utf-8")
    part.set_payload(words, _utf8())
    return part


def _encoded(header: str, words: str) -> str:
    return Header(nfc(words), _utf8(), header_name=header).encode()


class _Pinned(smtplib.SMTP):
    """Connects to the address that was checked, and verifies the relay by its name."""

    def __init__(self, relay: Relay, target: str, greeting: str) -> None:
        self._target = target
        super().__init__(relay.host, relay.door, local_hostname=greeting, timeout=relay.timeout)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:  # noqa: ARG002 - smtplib's own hook
        return socket.create_connection((self._target, port), timeout)


class _PinnedTls(smtplib.SMTP_SSL):
    """The same with TLS from the first byte."""

    def __init__(self, relay: Relay, target: str, greeting: str) -> None:
        self._target = target
        super().__init__(relay.host, relay.door, local_hostname=greeting, timeout=relay.timeout, context=relay.tls)

    def _get_socket(self, host: str, port: int, timeout: float) -> ssl.SSLSocket:
        plain = socket.create_connection((self._target, port), timeout)
        try:
            return self.context.wrap_socket(plain, server_hostname=host)
        except BaseException:
            plain.close()
            raise


def _leave(relay: smtplib.SMTP) -> None:
    """Say goodbye. What goes wrong now concerns no message: the relay has answered for it already."""
    with contextlib.suppress(smtplib.SMTPException, OSError):
        relay.quit()
    relay.close()


def _address(written: str, whose: str) -> Address:
    if not written.isascii():
        raise fault(InputError, "sending.address_ascii", whose=whose)
    try:
        address = Address(addr_spec=written.strip())
    except (ValueError, MessageError, IndexError) as error:
        raise fault(InputError, "sending.address", whose=whose, error=error) from error
    if not address.username or not address.domain:
        raise fault(InputError, "sending.address_parts", whose=whose)
    return address


def _failure(error: smtplib.SMTPException | OSError, host: str) -> DeliveryFailure:
    """Tell the relay's own troubles (unreachable, login, no TLS) from a refusal of this one message."""
    reason = f"{host}: {type(error).__name__}: {_reason(error)}"
    match error:
        case smtplib.SMTPRecipientsRefused():
            codes = [code for code, _ in error.recipients.values()]
            permanent = all(code in _PERMANENT for code in codes)
            return PermanentFailure(reason) if permanent else TemporaryFailure(reason)
        case smtplib.SMTPSenderRefused() | smtplib.SMTPDataError():
            return PermanentFailure(reason) if error.smtp_code in _PERMANENT else TemporaryFailure(reason)
        case _:
            return TemporaryFailure(reason, endpoint=True)


def _reason(error: Exception) -> str:
    """Return the relay's answer without the address it was about."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return "; ".join(f"{code} {text.decode(errors='replace')}" for code, text in error.recipients.values())
    if isinstance(error, smtplib.SMTPResponseException):
        text = error.smtp_error
        return f"{error.smtp_code} {text.decode(errors='replace') if isinstance(text, bytes) else text}"
    return str(error)
