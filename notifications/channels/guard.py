"""Keeps outgoing requests away from addresses they have no business with (SSRF).

A name is resolved once, every address it has is judged, and the connection goes to the very address
that was judged: a name that answers differently the next moment (DNS rebinding) gains nothing.
"""

from __future__ import annotations

import ipaddress
import socket
from typing import TYPE_CHECKING, Literal, get_args
from urllib.parse import urlsplit

from ...foundation.errors import InputError
from ...foundation.messages import fault
from ..model import PermanentFailure, TemporaryFailure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from urllib.parse import SplitResult

__all__ = ["AddressGuard", "Neighbourhood"]

Neighbourhood = Literal["loopback", "private", "link_local"]
_NEIGHBOURHOODS: tuple[Neighbourhood, ...] = get_args(Neighbourhood)

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_UNICAST = ipaddress.IPv6Network("2000::/3")
"""All that IANA has given out as global unicast; what lies outside, wrapped or translated, leads nowhere public."""


_LOCAL = ipaddress.IPv6Network("fc00::/7")
"""Unique local addresses (RFC 4193)."""


def _resolve(host: str, port: int) -> list[str]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(entry[4][0]) for entry in found]


class AddressGuard:
    """Judges where a connection may go: public addresses, and the neighbourhoods in `allow`.

    `allow` names kinds of non-public networks (``loopback``, ``private``, ``link_local``), `networks`
    single ones in CIDR form. Multicast, unspecified and reserved addresses are always refused.
    Without `plain_abroad`, plain http goes to what is so allowed, and to public addresses only https does.
    """

    def __init__(
        self,
        allow: Iterable[str] = (),
        networks: Iterable[str] = (),
        resolve: Callable[[str, int], list[str]] = _resolve,
        *,
        plain_abroad: bool = True,
    ) -> None:
        self._allow = frozenset(allow)
        unknown = self._allow - set(_NEIGHBOURHOODS)
        if unknown:
            raise fault(InputError, "sending.neighbourhood", unknown=sorted(unknown), known=", ".join(_NEIGHBOURHOODS))
        try:
            self._networks = tuple(ipaddress.ip_network(network) for network in networks)
        except ValueError as error:
            raise fault(InputError, "sending.network", error=error) from error
        self._resolve = resolve
        self._plain_abroad = plain_abroad

    def check(self, host: str, port: int) -> str:
        """Return the numeric address to connect to for `host`.

        `PermanentFailure` if any address of the host is off limits (or `host` is a path, that is, a Unix
        socket); `TemporaryFailure` if the name does not resolve just now.
        """
        return self._judged(host, port, "")

    def _judged(self, host: str, port: int, scheme: str) -> str:
        if not host or "/" in host or "\x00" in host:
            msg = f"{host!r} is not a host name; Unix sockets and paths are refused"
            raise PermanentFailure(msg)
        try:
            addresses = self._resolve(host, port)
        except (OSError, UnicodeError) as error:
            msg = f"{host}: name does not resolve: {error}"
            raise TemporaryFailure(msg, endpoint=True) from error
        if not addresses:
            msg = f"{host}: name has no address"
            raise TemporaryFailure(msg, endpoint=True)
        for address in addresses:
            self._judge(host, address, scheme)
        return addresses[0]

    def check_url(self, url: str, schemes: Iterable[str] = ("https", "http")) -> tuple[SplitResult, str]:
        """Return the parts of `url` and the numeric address to connect to; failures as in `check`."""
        try:
            parts = urlsplit(url)
            port = parts.port or (443 if parts.scheme == "https" else 80)
        except ValueError as error:
            msg = f"not a web address: {error}"
            raise PermanentFailure(msg) from error
        if parts.scheme not in schemes:
            msg = f"address scheme {parts.scheme!r} is not among {', '.join(schemes)}"
            raise PermanentFailure(msg)
        if parts.username is not None or parts.password is not None:
            msg = f"the address of {parts.hostname} carries a user name; take it out"
            raise PermanentFailure(msg)
        return parts, self._judged(parts.hostname or "", port, parts.scheme)

    def _judge(self, host: str, written: str, scheme: str) -> None:
        for address in _meant(ipaddress.ip_address(written)):
            if any(address in network for network in self._networks):
                continue
            where = _neighbourhood(address)
            if where != "public" and where not in self._allow:
                msg = f"{host} leads to {address} ({where}), which is off limits; allow it in the channel's settings"
                raise PermanentFailure(msg)
            if where == "public" and scheme == "http" and not self._plain_abroad:
                msg = f"{host} is a public address; plain http could be read and changed on the way, use https"
                raise PermanentFailure(msg)


def _meant(address: _Address) -> list[_Address]:
    """Return the address itself and the IPv4 address it wraps (mapped, 6to4, Teredo, NAT64)."""
    if isinstance(address, ipaddress.IPv4Address):
        return [address]
    if address.ipv4_mapped:
        return [address.ipv4_mapped]
    inner = [address.sixtofour, *(address.teredo or ())]
    if address in _NAT64:
        return [ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)]
    return [address, *(found for found in inner if found)]


def _neighbourhood(address: _Address) -> str:
    if address.is_multicast or address.is_unspecified:
        return "reserved"
    if address.is_loopback:
        return "loopback"
    if address.is_link_local:
        return "link_local"
    if isinstance(address, ipaddress.IPv6Address) and address not in _UNICAST:
        return "private" if address in _LOCAL else "reserved"
    if address.is_global:
        return "public"
    return "private" if address.is_private and not address.is_reserved else "reserved"
