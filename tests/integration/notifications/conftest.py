"""Real counterparts on loopback: mail servers, a web server that misbehaves on order, certificates."""

from __future__ import annotations

import datetime as dt
import ipaddress
import socket
import ssl
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from rasoat.notifications.model import Message, Recipient, message_id

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@dataclass(frozen=True)
class Identity:
    """A self-signed certificate for localhost, as file, and both ends' TLS settings."""

    file: Path
    server: ssl.SSLContext

    def trusting(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self.file))


@pytest.fixture(scope="session")
def identity(tmp_path_factory: pytest.TempPathFactory) -> Identity:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.IPv4Address("127.0.0.1"))]
    today = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(today - dt.timedelta(days=1))
        .not_valid_after(today + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    folder = tmp_path_factory.mktemp("identity")
    public, private = folder / "certificate.pem", folder / "key.pem"
    public.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(public, private)
    return Identity(public, server)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass
class Postbox:
    """A mail server's handler: keeps what comes in, answers as told."""

    received: list[Any] = field(default_factory=list)
    greeted: list[str] = field(default_factory=list)
    logins: list[bytes] = field(default_factory=list)
    on_recipient: str = "250 OK"
    on_data: str = "250 OK"
    on_quit: str = "221 Bye"

    async def handle_EHLO(self, server, session, envelope, hostname, responses):  # noqa: N802 - aiosmtpd's hook
        session.host_name = hostname
        self.greeted.append(hostname)
        return responses

    async def handle_RCPT(self, server, session, envelope, address, options):  # noqa: N802 - aiosmtpd's hook
        if self.on_recipient.startswith("250"):
            envelope.rcpt_tos.append(address)
        return self.on_recipient

    async def handle_DATA(self, server, session, envelope):  # noqa: N802 - aiosmtpd's hook
        self.received.append(envelope)
        return self.on_data

    async def handle_QUIT(self, server, session, envelope):  # noqa: N802 - aiosmtpd's hook
        return self.on_quit

    def authenticate(self, server, session, envelope, mechanism, data):
        self.logins.append(data.login)
        return AuthResult(handled=False, success=(data.login, data.password) == (b"rasoat", b"s3cret"))


@contextmanager
def mail_server(postbox: Postbox, implicit_tls: ssl.SSLContext | None = None, **options: Any) -> Iterator[int]:
    """Run a mail server; yields its port."""
    server = Controller(postbox, hostname="127.0.0.1", port=free_port(), ssl_context=implicit_tls, **options)
    server.start()
    try:
        yield server.port
    finally:
        server.stop()


@pytest.fixture
def serve_mail() -> Callable[..., Any]:
    return mail_server


@pytest.fixture
def postbox() -> Postbox:
    return Postbox()


@dataclass
class Receiver:
    """A web server that keeps each request and answers by `script`: one function per request, the last repeated."""

    port: int = 0
    requests: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    script: list[Callable[[BaseHTTPRequestHandler], None]] = field(default_factory=list)
    released: threading.Event = field(default_factory=threading.Event)

    def url(self, path: str = "/hook", scheme: str = "http") -> str:
        return f"{scheme}://127.0.0.1:{self.port}{path}"

    def answer(self, *statuses: int, **headers: str) -> None:
        """Answer with each of `statuses` in turn."""
        self.script = [self._with(status, headers) for status in statuses]

    def hang(self) -> None:
        """Take the request and never answer."""
        self.script = [lambda handler: self.released.wait(20) and None]

    def drip(self) -> None:
        """Answer one byte at a time, fast enough for every timeout, without coming to an end."""

        def drop_by_drop(handler: BaseHTTPRequestHandler) -> None:
            handler.wfile.write(b"HTTP/1.1 200 OK\r\nx-slow: ")
            while not self.released.wait(0.05):
                handler.wfile.write(b"x")
                handler.wfile.flush()

        self.script = [drop_by_drop]

    def vanish(self) -> None:
        """Close the connection without an answer."""
        self.script = [lambda handler: None]

    @staticmethod
    def _with(status: int, headers: dict[str, str]) -> Callable[[BaseHTTPRequestHandler], None]:
        def respond(handler: BaseHTTPRequestHandler) -> None:
            handler.send_response(status)
            for name, value in headers.items():
                handler.send_header(name.replace("_", "-"), value)
            handler.send_header("content-length", "0")
            handler.end_headers()

        return respond


def _handler(receiver: Receiver) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", "0")))
            receiver.requests.append((self.path, {k.lower(): v for k, v in self.headers.items()}, body))
            step = receiver.script.pop(0) if len(receiver.script) > 1 else receiver.script[0]
            try:
                step(self)
            except (BrokenPipeError, ConnectionResetError):
                self.close_connection = True

        do_GET = do_POST  # noqa: N815 - the server's hook

        def log_message(self, *_: object) -> None:
            """Stay silent."""

    return Handler


@contextmanager
def web_server(tls: ssl.SSLContext | None = None) -> Iterator[Receiver]:
    """Run a receiver on loopback."""
    receiver = Receiver()
    receiver.answer(204)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(receiver))
    server.daemon_threads = True
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    receiver.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield receiver
    finally:
        receiver.released.set()
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with web_server() as running:
        yield running


@pytest.fixture
def secure_receiver(identity: Identity) -> Iterator[Receiver]:
    with web_server(identity.server) as running:
        yield running


@pytest.fixture
def message() -> Callable[..., Message]:
    """Make a message to the address given, on the channel given."""

    def make(channel: str, address: str, **changes: Any) -> Message:
        recipient = Recipient("chairman", "Nguyễn Thị Ý", "chairman", "ha-tinh/cam-due", "vi", {channel: address})
        key = message_id("deadline:1", "T-2", recipient.key, channel)
        facts: dict[str, Any] = {
            "id": key,
            "kind": "deadline",
            "severity": "warning",
            "recipient": recipient,
            "channel": channel,
            "title": "Còn 2 ngày làm việc: Niêm yết kết quả – 100 hộ, thôn Phú Thượng của xã Cẩm Duệ, huyện Cẩm Xuyên",
            "text": "Thời hạn sắp hết.\nNgày cuối cùng: thứ Năm, 27/10/2022\n",
            "html": '<!DOCTYPE html><html lang="vi"><body><p>thứ Năm, 27/10/2022</p></body></html>\n',
            "data": {"rung": "T-2", "count": 100, "due_on": "2022-10-27", "title": "Còn 2 ngày"},
            "created_at": dt.datetime(2022, 10, 25, 1, 0, tzinfo=dt.UTC),
        }
        return Message(**(facts | changes))

    return make
