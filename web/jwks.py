"""The issuer's public keys: fetched, kept for a while, fetched again when a token names a key that is not there.

A token with a made-up key id must not let a stranger hammer the issuer, so keys are asked for at most every few
seconds; and an issuer that is down does not lock out tokens signed with keys already known.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

import httpx
from jwt import PyJWK, PyJWKSet
from jwt.exceptions import PyJWTError

from ..foundation.errors import StorageError
from ..foundation.logs import Log

if TYPE_CHECKING:
    from collections.abc import Callable

    from .settings import OidcSettings

__all__ = ["IssuerKeys", "fetch_json"]

log = Log("rasoat.web")
_LARGEST_ANSWER = 256 * 1024
_PATIENCE_SECONDS = 5.0


def fetch_json(url: str) -> Any:
    """Return the JSON document at `url`; `StorageError` if it cannot be had. Redirects are not followed."""
    try:
        answer = httpx.get(url, timeout=_PATIENCE_SECONDS, follow_redirects=False)
        answer.raise_for_status()
        if len(answer.content) > _LARGEST_ANSWER:
            msg = f"{url}: {len(answer.content)} bytes are no key set"
            raise StorageError(msg)
        return answer.json()
    except (httpx.HTTPError, ValueError) as error:
        msg = f"the issuer's keys cannot be read from {url}: {error}"
        raise StorageError(msg) from error


class IssuerKeys:
    """The keys of one issuer, by key id. Thread-safe."""

    def __init__(
        self,
        settings: OidcSettings,
        fetch: Callable[[str], Any] = fetch_json,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._fetch = fetch
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._keys: dict[str, PyJWK] = {}
        self._read_at: float | None = None
        self._asked_at: float | None = None

    def key(self, key_id: str) -> PyJWK | None:
        """Return the issuer's key under `key_id`, None if it has none; `StorageError` if nothing is known of it."""
        with self._lock:
            if key_id not in self._keys or self._older_than(self._read_at, self._settings.keys_kept_seconds):
                self._refresh()
            if self._read_at is None:
                msg = f"nothing is known of the issuer's keys at {self._settings.jwks_url}"
                raise StorageError(msg)
            return self._keys.get(key_id)

    def _refresh(self) -> None:
        if not self._older_than(self._asked_at, self._settings.keys_asked_at_most_every_seconds):
            return
        self._asked_at = self._monotonic()
        try:
            self._keys = _signing_keys(self._fetch(self._settings.jwks_url))
            self._read_at = self._asked_at
        except StorageError as error:
            log.warning("issuer_keys_unreachable", url=self._settings.jwks_url, error=str(error))
            if self._older_than(self._read_at, self._settings.keys_outlive_outage_seconds):
                self._keys, self._read_at = {}, None

    def _older_than(self, moment: float | None, seconds: float) -> bool:
        return moment is None or self._monotonic() - moment >= seconds


def _signing_keys(document: Any) -> dict[str, PyJWK]:
    try:
        return {key.key_id: key for key in PyJWKSet.from_dict(document).keys if key.key_id and _may_sign(key)}
    except (PyJWTError, AttributeError, TypeError) as error:
        msg = f"the issuer's answer is no key set: {error}"
        raise StorageError(msg) from error


def _may_sign(key: PyJWK) -> bool:
    return key.public_key_use in (None, "sig") and key.key_type in ("RSA", "EC", "OKP")
