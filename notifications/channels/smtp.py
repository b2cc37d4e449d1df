"""E-mail over SMTP: multipart text and HTML, one message per recipient, Message-ID drawn from the message id."""

from __future__ import annotations

import contextlib
import smtplib
import socket
import ssl
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from typing import TYPE_CHECKING, Literal, get_args

from ...foundation.errors import InputError
from ...foundation.text import nfc
from ..model import PermanentFailure, Receipt, TemporaryFailure
from .guard import AddressGuard

if TYPE_CHECKING:
    from ..model import DeliveryFailure, Message

__all__ = ["Security", "SmtpChannel", "mail"]

Security = Literal["starttls", "tls", "none"]

_PERMANENT = range(500, 600)


class SmtpChannel:
    """Sends through one relay. The recipient's address is an e-mail address.

    `security`: ``starttls`` (upgrade is compelled, port 587), ``tls`` (from the first byte, port 465) or
    ``none``. A user name is refused without encryption. The relay is the operator's choice, so its guard
    allows private networks; loopback and link-local only if the guard given says so.
    """

    guarantee = "at least once; repeated attempts carry the same Message-ID"

    def __init__(
        self,
        host: str,
        sender: str,
        *,
        name: str = "email",
        port: int | None = None,
        security: Security = "starttls",
        username: str | None = None,
        password: str | None = None,
        timeout: float = 30.0,
        tls: ssl.SSLContext | None = None,
        guard: AddressGuard | None = None,
    ) -> None:
        if security not in get_args(Security):
            msg = f"SMTP security {security!r} is not one of {', '.join(get_args(Security))}"
            raise InputError(msg)
        if (username is None) != (password is None):
            msg = f"SMTP channel {name!r}: give both user name and password, or neither"
            raise InputError(msg)
        if username is not None and security == "none":
            msg = f"SMTP channel {name!r}: a password is not sent unencrypted; use starttls or tls"
            raise InputError(msg)
        self.name = name
        self._host = host
        self._port = port or {"starttls": 587, "tls": 465, "none": 25}[security]
        self._sender = _address(sender, "sender")
        self._security = security
        self._login = (username, password) if username is not None and password is not None else None
        self._timeout = timeout
        self._tls = tls or ssl.create_default_context()
        self._guard = guard or AddressGuard(allow=("private",))

    def send(self, message: Message) -> Receipt:
        """Hand the message to the relay and return its answer."""
        letter = mail(message, self._sender)
        try:
            relay = self._connect()
            try:
                self._hand_over(relay, letter)
            finally:
                _leave(relay)
        except (smtplib.SMTPException, OSError) as error:
            raise _failure(error, self._host) from error
        return Receipt(letter["Message-ID"], f"accepted by {self._host}")

    def _connect(self) -> smtplib.SMTP:
        target = self._guard.check(self._host, self._port)
        if self._security == "tls":
            return _PinnedTls(self._host, self._port, target, self._sender.domain, self._timeout, self._tls)
        relay = _Pinned(self._host, self._port, target, self._sender.domain, self._timeout)
        if self._security == "starttls":
            try:
                relay.starttls(context=self._tls)
            except BaseException:
                relay.close()
                raise
        return relay

    def _hand_over(self, relay: smtplib.SMTP, letter: EmailMessage) -> None:
        if self._login:
            relay.login(*self._login)
        try:
            relay.send_message(letter)
        except smtplib.SMTPNotSupportedError as error:
            msg = f"{self._host} does not take addresses outside ASCII (SMTPUTF8)"
            raise PermanentFailure(msg) from error


def mail(message: Message, sender: Address) -> EmailMessage:
    """Return the e-mail that carries `message`: byte for byte the same on every attempt."""
    letter = EmailMessage(policy=SMTP_POLICY)
    recipient = message.recipient
    try:
        to = _address(message.address, "recipient")
        letter["From"] = sender
        letter["To"] = Address(nfc(recipient.name), addr_spec=to.addr_spec)
        letter["Subject"] = nfc(message.title)
        letter["Date"] = message.created_at
        letter["Message-ID"] = f"<{message.id}@{sender.domain}>"
    except (ValueError, MessageError) as error:
        msg = f"message {message.id}: a header cannot be written: {error}"
        raise PermanentFailure(msg) from error
    letter["Auto-Submitted"] = "auto-generated"
    letter["Content-Language"] = recipient.language
    letter.set_content(message.text, cte="base64")
    letter.add_alternative(message.html, subtype="html", cte="base64")
    letter.set_boundary(f"=_{message.id}")
    return letter


class _Pinned(smtplib.SMTP):
    """Connects to the address that was checked, and verifies the host by its name."""

    def __init__(self, host: str, port: int, target: str, greeting: str, timeout: float) -> None:
        self._target = target
        super().__init__(host, port, local_hostname=greeting, timeout=timeout)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:  # noqa: ARG002 - smtplib's hook
        return socket.create_connection((self._target, port), timeout)


class _PinnedTls(smtplib.SMTP_SSL):
    """The same with TLS from the first byte."""

    def __init__(  # noqa: PLR0917 - mirrors the class above
        self, host: str, port: int, target: str, greeting: str, timeout: float, tls: ssl.SSLContext
    ) -> None:
        self._target = target
        super().__init__(host, port, local_hostname=greeting, timeout=timeout, context=tls)

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
    try:
        address = Address(addr_spec=written.strip())
    except (ValueError, MessageError, IndexError) as error:
        msg = f"{whose} address is not an e-mail address: {error}"
        raise PermanentFailure(msg) from error
    if not address.username or not address.domain:
        msg = f"{whose} address is not an e-mail address: it lacks user or domain"
        raise PermanentFailure(msg)
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
