"""Apprise: SMS gateways, Telegram, chat services and a hundred more, by one address each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from ...foundation.errors import InputError
from ...foundation.messages import fault
from ..model import PermanentFailure, Receipt, TemporaryFailure
from ..optional import require
from .guard import AddressGuard

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..model import Message

__all__ = ["AppriseChannel"]

_PLACE = "{address}"


class AppriseChannel:
    """Sends title and text to a service Apprise knows.

    `schemes` are the kinds of service this installation uses (``tgram``, ``jsons`` …); every other one
    is refused, since Apprise also knows schemes that run on this very machine. With `url`, the operator's
    service address with ``{address}`` in it, the recipient's address is only what goes there (a phone
    number, a chat id); without, the recipient's address is a whole Apprise address.
    Apprise connects by itself: the guard judges the host before, but can't pin the address.
    """

    guarantee = "at least once; the reference in the text is the only sign of a repetition"

    def __init__(
        self,
        schemes: Iterable[str],
        *,
        name: str = "apprise",
        url: str | None = None,
        guard: AddressGuard | None = None,
    ) -> None:
        self.name = name
        self._schemes = frozenset(scheme.lower() for scheme in schemes)
        if not self._schemes:
            raise fault(InputError, "sending.schemes", name=name)
        if url is not None and _PLACE not in url:
            raise fault(InputError, "sending.place", name=name, place=_PLACE)
        self._url = url
        self._guard = guard or AddressGuard()

    def send(self, message: Message) -> Receipt:
        """Send and wait for the service's answer."""
        service = self._service(message.address)
        apprise = require("apprise", purpose=f"the channel {self.name!r}")
        caller = apprise.Apprise(asset=apprise.AppriseAsset(async_mode=False))
        caller.add(service)
        kind = {"info": "info", "warning": "warning"}.get(message.severity, "failure")
        if not caller.notify(title=message.title, body=message.text, notify_type=kind, body_format="text"):
            msg = f"{service.service_name}: the service did not take the message"
            raise TemporaryFailure(msg, endpoint=True)
        return Receipt(message.id, f"accepted by {service.service_name}")

    def _service(self, address: str) -> Any:
        apprise = require("apprise", purpose=f"the channel {self.name!r}")
        url = self._url.replace(_PLACE, quote(address, safe="")) if self._url else address
        scheme = url.partition("://")[0].lower()
        if scheme not in self._schemes:
            msg = f"Apprise scheme {scheme!r} is not among {', '.join(sorted(self._schemes))}"
            raise PermanentFailure(msg)
        asset = apprise.AppriseAsset(async_mode=False, http_redirects=False)
        service = apprise.Apprise.instantiate(url, asset=asset, suppress_exceptions=True)
        if service is None:
            msg = f"not a valid {scheme}:// address for Apprise"
            raise PermanentFailure(msg)
        if any("{host}" in template for template in service.templates):
            self._guard.check(service.host or "", service.port or 443)
        return service
