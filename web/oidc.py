"""Bearer tokens of an OpenID provider: signature, issuer, audience, days; then claims into roles and units."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jwt
from jwt.exceptions import PyJWTError

from ..engine.values import Mandate
from .principals import Principal, is_key

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from .jwks import IssuerKeys
    from .settings import OidcSettings

__all__ = ["Unacceptable", "principal_of", "verified_claims"]


_LARGEST_MOMENT = 1e15


class Unacceptable(Exception):  # noqa: N818  not a fault of ours: the bearer's token is no good
    """A bearer token that opens nothing; the text says why, without repeating the token."""


def principal_of(written: str, settings: OidcSettings, keys: IssuerKeys, now: datetime) -> Principal:
    """Return who bears the token; `Unacceptable` says what is wrong with it."""
    claims = verified_claims(written, settings, keys, now)
    key = _claim(claims, settings.subject_claim)
    if not isinstance(key, str) or not is_key(key):
        msg = f"claim {settings.subject_claim!r} is no staff key (1–64 letters, digits and . _ : @ | -)"
        raise Unacceptable(msg)
    words = _words(_claim(claims, settings.scopes_claim))
    scopes = frozenset(settings.scopes[word] for word in words if word in settings.scopes)
    acts_for = frozenset(_words(_claim(claims, settings.acts_for_claim)))
    return Principal(key, scopes & {"read", "act", "admin"}, _mandates(claims, settings), acts_for)


def verified_claims(written: str, settings: OidcSettings, keys: IssuerKeys, now: datetime) -> dict[str, Any]:
    """Return the claims of a token whose signature, issuer, audience and days are in order."""
    try:
        header = jwt.get_unverified_header(written)
        key_id = header.get("kid")
        key = keys.key(key_id) if isinstance(key_id, str) else None
        if key is None:
            msg = "the token names no key of the issuer"
            raise Unacceptable(msg)
        claims: dict[str, Any] = jwt.decode(
            written,
            key,
            algorithms=list(settings.algorithms),
            audience=settings.audience,
            issuer=settings.issuer,
            # Days are compared below, with the clock that everything else here goes by.
            options={"require": ["exp", "iss", "aud"], "verify_exp": False, "verify_nbf": False, "verify_iat": False},
        )
    except PyJWTError as error:
        raise Unacceptable(str(error)) from error
    _require_current(claims, settings.leeway_seconds, now)
    return claims


def _require_current(claims: Mapping[str, Any], leeway: int, now: datetime) -> None:
    instant = now.timestamp()
    if instant >= _moment(claims, "exp") + leeway:
        msg = "the token has expired"
        raise Unacceptable(msg)
    for name in ("nbf", "iat"):
        if name in claims and instant < _moment(claims, name) - leeway:
            msg = f"the token is not valid yet ({name})"
            raise Unacceptable(msg)


def _moment(claims: Mapping[str, Any], name: str) -> float:
    found = claims[name]
    if isinstance(found, bool) or not isinstance(found, int | float) or not abs(found) < _LARGEST_MOMENT:
        msg = f"claim {name!r} is no number of seconds"
        raise Unacceptable(msg)
    return float(found)


def _mandates(claims: Mapping[str, Any], settings: OidcSettings) -> tuple[Mandate, ...]:
    written = _words(_claim(claims, settings.mandates_claim))
    found = [Mandate(*pair) for pair in (_role_and_unit(word) for word in written) if pair is not None]
    roles = _renamed(_words(_claim(claims, settings.roles_claim)), settings.roles)
    units = _renamed(_words(_claim(claims, settings.units_claim)), settings.units)
    return (*found, *(Mandate(role, unit) for role in roles for unit in units))


def _role_and_unit(word: str) -> tuple[str, str] | None:
    role, colon, unit = word.partition(":")
    return (role, unit) if colon and role and unit else None


def _renamed(words: tuple[str, ...], names: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(names[word] for word in words if word in names) if names else words


def _words(value: object) -> tuple[str, ...]:
    """Return a claim's words: a list's strings, or a string's parts between blanks."""
    if isinstance(value, str):
        return tuple(value.split())
    if isinstance(value, list):
        return tuple(word for word in value if isinstance(word, str))
    return ()


def _claim(claims: Mapping[str, Any], path: str) -> object:
    """Return the claim at a path; a name that itself holds dots (a URI) is tried whole first."""
    if not path or path in claims:
        return claims.get(path)
    found: object = claims
    for part in path.split("."):
        if not isinstance(found, dict):
            return None
        found = found.get(part)
    return found
