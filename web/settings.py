"""The HTTP API's settings. Nothing is open by default but health; each default is the stricter choice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from pydantic import ConfigDict

from ..foundation.errors import InputError
from ..foundation.messages import fault

__all__ = [
    "DEFAULT_ERASING_ROLES",
    "DEFAULT_PERSONAL_ROLES",
    "DEFAULT_REGISTERING_ROLES",
    "OidcSettings",
    "WebSettings",
]

DEFAULT_PERSONAL_ROLES = frozenset({"enumerator", "village_head", "committee", "commune_chair"})
DEFAULT_REGISTERING_ROLES = frozenset({"committee", "commune_chair"})
DEFAULT_ERASING_ROLES = frozenset({"commune_chair"})
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
_ALGORITHMS = frozenset(
    {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519"}
)


@dataclass(frozen=True, slots=True)
class OidcSettings:
    """Who issues bearer tokens, and what their claims mean here.

    A claim is named by its path (``realm_access.roles``). Mandates come from `mandates_claim` (a list of
    ``role:unit/path``), or from the roles of `roles_claim`, renamed by `roles`, in the units of `units_claim`, renamed
    by `units`; a name that no mapping knows is taken as it is only if the mapping is empty. `scopes` renames the words
    of `scopes_claim` to read, act, admin. `acts_for_claim` lists the staff keys on whose behalf the bearer may act.
    """

    __pydantic_config__ = ConfigDict(extra="forbid")

    issuer: str
    audience: str
    jwks_url: str
    algorithms: tuple[str, ...] = ("RS256", "ES256")
    leeway_seconds: int = 30
    subject_claim: str = "sub"
    mandates_claim: str = "rasoat_mandates"
    roles_claim: str = ""
    units_claim: str = ""
    roles: Mapping[str, str] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)
    scopes_claim: str = "scope"
    scopes: Mapping[str, str] = field(
        default_factory=lambda: {"rasoat.read": "read", "rasoat.act": "act", "rasoat.admin": "admin"}
    )
    acts_for_claim: str = "rasoat_acts_for"
    keys_kept_seconds: int = 300
    keys_asked_at_most_every_seconds: int = 10
    keys_outlive_outage_seconds: int = 24 * 3600

    def __post_init__(self) -> None:
        """Refuse algorithms whose key is shared or absent, and an address that anyone on the way can change."""
        weak = sorted(set(self.algorithms) - _ALGORITHMS)
        if weak or not self.algorithms:
            raise fault(
                InputError, "serving.algorithms", weak=", ".join(weak) or "(none)", known=", ".join(sorted(_ALGORITHMS))
            )
        address = urlsplit(self.jwks_url)
        near = address.scheme == "http" and address.hostname in _LOOPBACK
        if not address.hostname or not (near or address.scheme == "https"):
            raise fault(InputError, "serving.jwks", url=self.jwks_url)


@dataclass(frozen=True, slots=True)
class WebSettings:
    """How the API behaves.

    `personal_roles` may see names, birth dates and identity numbers; `registering_roles` may register households, open
    rounds and carry out migrations; `erasing_roles` may have a household's personal data destroyed.
    `requests_per_second` and `burst` are each principal's, in each process, unless the host brings a `Limiter`.
    `open_to_all` lets everyone in as a holder of every role, from this machine alone: `rasoat serve --insecure-demo`
    sets it. `threads` bounds the requests served at once (None: the host's own limit). A workbook unpacks to
    `unpacked_bytes` and to `unpacked_ratio` times its size at most, and a list has `upload_rows` rows. Webhook
    subscriptions lead to public addresses, by https; also to `subscriber_networks` (CIDR, or ``loopback``,
    ``private``), where plain http will do.
    """

    __pydantic_config__ = ConfigDict(extra="forbid")

    oidc: OidcSettings | None = None
    personal_roles: frozenset[str] = DEFAULT_PERSONAL_ROLES
    registering_roles: frozenset[str] = DEFAULT_REGISTERING_ROLES
    erasing_roles: frozenset[str] = DEFAULT_ERASING_ROLES
    requests_per_second: float = 50.0
    burst: int = 100
    subscriber_networks: frozenset[str] = frozenset()
    body_bytes: int = 16 * 1024 * 1024
    unpacked_bytes: int = 128 * 1024 * 1024
    unpacked_ratio: int = 100
    upload_rows: int = 50_000
    largest_batch: int = 10_000
    threads: int | None = None
    open_to_all: bool = False

    def __post_init__(self) -> None:
        """Refuse limits that nobody could pass."""
        if min(self.requests_per_second, self.burst, self.body_bytes, self.largest_batch, self.threads or 1) <= 0:
            raise fault(InputError, "serving.limits")
