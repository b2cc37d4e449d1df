"""An OpenID provider on loopback: it serves its keys, counts how often it is asked, and signs what it is told."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING, Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from rasoat.web import OidcSettings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

__all__ = ["Issuer", "issuer"]

NAME = "https://id.example"
AUDIENCE = "rasoat"


class Issuer:
    """Keys by key id; `down` makes it answer 500."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.asked = 0
        self.down = False
        self._private: dict[str, Any] = {}
        self._public: dict[str, dict[str, Any]] = {}

    def settings(self, **other: Any) -> OidcSettings:
        """Settings that trust this issuer."""
        return OidcSettings(NAME, AUDIENCE, f"http://127.0.0.1:{self.port}/keys", **other)

    def new_key(self, key_id: str, kind: str = "RSA") -> None:
        """Begin to sign with another key."""
        made: Any = rsa.generate_private_key(65537, 2048) if kind == "RSA" else ec.generate_private_key(ec.SECP256R1())
        algorithm = RSAAlgorithm if kind == "RSA" else ECAlgorithm
        self._private[key_id] = made
        self._public[key_id] = {**json.loads(algorithm.to_jwk(made.public_key())), "kid": key_id, "use": "sig"}

    def drop_key(self, key_id: str) -> None:
        """No longer show a key; what it signed before is worth nothing from then on."""
        del self._public[key_id]

    def sign(self, key_id: str, now: datetime, *, algorithm: str = "RS256", **claims: Any) -> str:
        """Sign claims, valid for an hour from `now` unless told otherwise; a claim that is None is left out."""
        moment = int(now.timestamp())
        body = {"iss": NAME, "aud": AUDIENCE, "sub": "CB-01", "iat": moment, "exp": moment + 3600, **claims}
        kept = {name: value for name, value in body.items() if value is not None}
        return jwt.encode(kept, self._private[key_id], algorithm=algorithm, headers={"kid": key_id})

    def document(self) -> bytes:
        """The key set as it is served."""
        return json.dumps({"keys": list(self._public.values())}).encode()


@contextmanager
def issuer() -> Iterator[Issuer]:
    """Run an issuer on a free port of loopback."""
    running: list[Issuer] = []

    class Answering(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            running[0].asked += 1
            self.send_response(500 if running[0].down else 200)
            self.end_headers()
            self.wfile.write(b"" if running[0].down else running[0].document())

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", 0), Answering)
    running.append(Issuer(server.server_port))
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield running[0]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
