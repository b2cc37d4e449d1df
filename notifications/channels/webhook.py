"""Webhook: a signed CloudEvents 1.0 JSON event by POST to the recipient's address."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urljoin

from ...foundation.errors import InputError
from ...foundation.messages import fault
from ..model import DeliveryFailure, PermanentFailure, Receipt, TemporaryFailure
from ..optional import require
from .guard import AddressGuard
from .signing import secret_key, signature_headers
from .trust import machines_trust

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator, Mapping, Sequence

    import httpx

    from ...foundation.clock import Clock
    from ..model import Message

__all__ = ["Patience", "WebhookChannel", "cloud_event"]

_TYPE_PREFIX = "rasoat."
_MOST_HOPS = 3
_SAME_METHOD = frozenset({307, 308})
_OTHER_METHOD = frozenset({300, 301, 302, 303, 304, 305})
_BUSY = frozenset({408, 425, 429})
_OK = range(200, 300)
_SERVER_FAULT = range(500, 600)


class _Answer(NamedTuple):
    status: int
    retry_after: str | None
    location: str | None


class Patience(NamedTuple):
    """Seconds given to each step of an exchange, and to the whole of it however slowly the other side drips."""

    step: float = 10.0
    total: float = 30.0


class WebhookChannel:
    """Posts each message to the web address the recipient has under this channel's name.

    `secrets` are Standard Webhooks secrets (``whsec_…``); give the new one first and the old one second
    while rotating. Redirects are refused unless `follow_redirects`; then only 307 and 308 are followed,
    each hop is judged anew, and never from https to http. Proxy settings of the environment are not used:
    a proxy would connect where the guard can't see.
    """

    guarantee = "at least once; repeated attempts carry the same webhook-id and CloudEvents id"

    def __init__(
        self,
        secrets: Sequence[str],
        clock: Clock,
        *,
        name: str = "webhook",
        source: str = "/rasoat",
        patience: Patience | None = None,
        follow_redirects: bool = False,
        guard: AddressGuard | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        if not secrets:
            raise fault(InputError, "sending.secret", name=name)
        self.name = name
        self._keys = tuple(secret_key(secret) for secret in secrets)
        self._clock = clock
        self._source = source
        self._patience = patience or Patience()
        self._hops = _MOST_HOPS if follow_redirects else 0
        self._guard = guard or AddressGuard()
        self._tls = tls or machines_trust()

    def send(self, message: Message) -> Receipt:
        """Post the event; a status of 2xx is delivery."""
        body = json.dumps(cloud_event(message, self._source), ensure_ascii=False, sort_keys=True).encode()
        now = self._clock.now()
        headers = {
            "content-type": "application/cloudevents+json; charset=utf-8",
            "user-agent": "rasoat",
            **signature_headers(message.id, now, body, self._keys),
        }
        answer = self._exchange(message.address, body, headers)
        if answer.status not in _OK:
            raise _refusal(answer, now)
        return Receipt(message.id, f"HTTP {answer.status}")

    def _exchange(self, url: str, body: bytes, headers: Mapping[str, str]) -> _Answer:
        for _ in range(self._hops):
            answer = self._post(url, body, headers)
            if answer.status not in _SAME_METHOD or not answer.location:
                return answer
            url = _next_hop(url, answer.location)
        return self._post(url, body, headers)

    def _post(self, url: str, body: bytes, headers: Mapping[str, str]) -> _Answer:
        httpx = require("httpx", purpose="the webhook channel")
        parts, target = self._guard.check_url(url)
        host = parts.hostname or ""
        pinned = httpx.URL(url).copy_with(host=target)
        watch = _Watch(self._patience.total)
        extensions = {"sni_hostname": host, "trace": watch.trace}
        named = {**headers, "host": httpx.URL(url).netloc.decode()}
        try:
            with (
                httpx.Client(verify=self._tls, trust_env=False, timeout=self._patience.step) as client,
                watch.running(),
                client.stream("POST", pinned, content=body, headers=named, extensions=extensions) as response,
            ):
                return _answer(response)
        except httpx.HTTPError as error:
            reason = "took longer than allowed" if watch.expired else f"{type(error).__name__}: {error}"
            msg = f"{host}: {reason}"
            raise TemporaryFailure(msg, endpoint=True) from error
        except httpx.InvalidURL as error:
            msg = f"not a web address: {error}"
            raise PermanentFailure(msg) from error


def cloud_event(message: Message, source: str) -> dict[str, Any]:
    """Return `message` as a CloudEvents 1.0 event in structured JSON form."""
    return {
        "specversion": "1.0",
        "id": message.id,
        "source": source,
        "type": _TYPE_PREFIX + message.kind,
        "time": message.created_at.astimezone(UTC).isoformat(),
        "datacontenttype": "application/json",
        "severity": message.severity,
        "data": dict(message.data),
    }


class _Watch:
    """Cuts the connection once the whole exchange has lasted too long.

    The timeouts of the HTTP client start anew with every byte; a counterpart that drips one byte at a
    time could hold a worker for hours.
    """

    def __init__(self, total: float) -> None:
        self._total = total
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self.expired = False

    def trace(self, event: str, info: Mapping[str, Any]) -> None:
        """Remember the connection's socket, first plain, then under TLS."""
        if event in {"connection.connect_tcp.complete", "connection.start_tls.complete"}:
            with self._lock:
                self._socket = info["return_value"].get_extra_info("socket")
                if self.expired:
                    self._cut()

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Watch over what happens inside."""
        timer = threading.Timer(self._total, self._expire)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def _expire(self) -> None:
        with self._lock:
            self.expired = True
            self._cut()

    def _cut(self) -> None:
        if self._socket is not None:
            with contextlib.suppress(OSError):
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)


def _answer(response: httpx.Response) -> _Answer:
    headers = response.headers
    return _Answer(response.status_code, headers.get("retry-after"), headers.get("location"))


def _next_hop(url: str, location: str) -> str:
    following = urljoin(url, location)
    if url.startswith("https:") and not following.startswith("https:"):
        msg = "redirected from https to something weaker; give the final address instead"
        raise PermanentFailure(msg)
    return following


def _refusal(answer: _Answer, now: datetime) -> DeliveryFailure:
    status = answer.status
    if status in _BUSY or status in _SERVER_FAULT:
        wish = _wish(answer.retry_after, now)
        return TemporaryFailure(f"HTTP {status}", retry_after=wish, endpoint=status in _SERVER_FAULT)
    if status in _SAME_METHOD or status in _OTHER_METHOD:
        return PermanentFailure(f"HTTP {status}: redirects are not followed; give the final address")
    return PermanentFailure(f"HTTP {status}")


def _wish(written: str | None, now: datetime) -> timedelta | None:
    """Return the wait of a Retry-After header (seconds or an HTTP date); None where it says nothing usable."""
    if written is None:
        return None
    if written.strip().isascii() and written.strip().isdigit():
        return timedelta(seconds=min(int(written), 10**9))
    try:
        until = parsedate_to_datetime(written)
    except ValueError:
        return None
    return max(until - now, timedelta(0)) if until.tzinfo else None
