"""The gate before every route: who calls, how often, how much they send. What has no route is behind it too.

Nothing passes without valid credentials but the two health checks.
"""

from __future__ import annotations

import ipaddress
import time
from typing import TYPE_CHECKING, Any

from anyio.to_thread import run_sync
from starlette.exceptions import HTTPException

from ..foundation.errors import StorageError
from ..foundation.logs import Log
from ..persistence.tokens import TOKEN_START
from .oidc import Unacceptable, principal_of
from .principals import Principal, of_service_token
from .problems import ProblemError, answer, retry_after

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from .desk import Desk

__all__ = ["OPEN_PATHS", "Gate", "authenticate", "is_loopback"]

log = Log("rasoat.web")
OPEN_PATHS = ("/health/live", "/health/ready")
_POLICY_VIOLATION = 1008


class Gate:
    """ASGI middleware: credentials, rate, size, time."""

    def __init__(self, app: ASGIApp, desk: Desk) -> None:
        self._app = app
        self._desk = desk

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the request pass, or answer it here."""
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": _POLICY_VIOLATION})
        elif scope["type"] != "http":
            await self._app(scope, receive, send)
        else:
            await self._timed(scope, receive, send)

    async def _timed(self, scope: Scope, receive: Receive, send: Send) -> None:
        began, status = time.perf_counter(), 500

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._admitted(scope, receive, noting)
        finally:
            route = getattr(scope.get("route"), "path", "")
            self._desk.metrics.answered(scope["method"], route, status, time.perf_counter() - began)

    async def _admitted(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            if _path(scope) in OPEN_PATHS:
                await self._require_slow(f"address {_address(scope)}")
            else:
                scope.setdefault("state", {})["principal"] = await self._principal(scope)
            self._require_small(scope)
        except ProblemError as problem:
            await answer(problem)(scope, receive, send)
            return
        await self._app(scope, _bounded(receive, self._desk.settings.body_bytes), send)

    async def _principal(self, scope: Scope) -> Principal:
        try:
            found = await run_sync(authenticate, self._desk, _header(scope, b"authorization"), _address(scope))
        except Unacceptable as why:
            await self._require_slow(f"address {_address(scope)}")
            log.info("credentials_refused", why=str(why))
            challenge = {"WWW-Authenticate": 'Bearer realm="rasoat"'}
            raise ProblemError(401, "web.unauthenticated", headers=challenge) from None
        except StorageError as error:
            log.exception("credentials_unchecked", error=str(error))
            raise ProblemError(503, "web.storage", retryable=True, headers=retry_after(1)) from None
        await self._require_slow(f"principal {found.key}")
        return found

    async def _require_slow(self, name: str) -> None:
        wait = await self._desk.limits.wait(name)
        if wait:
            raise ProblemError(429, "web.too_many", retryable=True, headers=retry_after(wait))

    def _require_small(self, scope: Scope) -> None:
        written = _header(scope, b"content-length")
        if written and (not written.isdecimal() or int(written) > self._desk.settings.body_bytes):
            raise ProblemError(413, "web.too_large")


def authenticate(desk: Desk, authorization: str, address: str) -> Principal:
    """Return who calls; `Unacceptable` for missing or worthless credentials."""
    if desk.settings.open_to_all and is_loopback(address):
        return desk.everyone()
    kind, _, written = authorization.partition(" ")
    written = written.strip()
    if kind.lower() != "bearer" or not written:
        msg = "no bearer token"
        raise Unacceptable(msg)
    now = desk.facade.clock.now()
    if written.startswith(TOKEN_START):
        found = of_service_token(desk.facade.database, written, now)
        if found is None:
            msg = "an unknown, expired or revoked service token"
            raise Unacceptable(msg)
        return found
    if desk.settings.oidc is None or desk.issuer_keys is None:
        msg = "a token of no kind that is set up here"
        raise Unacceptable(msg)
    return principal_of(written, desk.settings.oidc, desk.issuer_keys, now)


def is_loopback(host: str) -> bool:
    """Whether an address can be reached from this machine alone."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _path(scope: Scope) -> str:
    path: str = scope["path"]
    return path.removeprefix(scope.get("root_path", ""))


def _address(scope: Scope) -> str:
    client = scope.get("client")
    return client[0] if client else "unknown"


def _header(scope: Scope, name: bytes) -> str:
    found: Any = next((value for key, value in scope["headers"] if key.lower() == name), b"")
    return str(found.decode("latin-1"))


def _bounded(receive: Receive, limit: int) -> Receive:
    taken = 0

    async def counting() -> Message:
        nonlocal taken
        message = await receive()
        taken += len(message.get("body", b""))
        if taken > limit:
            raise HTTPException(413)
        return message

    return counting
