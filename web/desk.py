"""What one application shares among its requests, and what each request is given of it."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..engine.values import Actor, Mandate
from ..foundation.clock import legal_date
from ..persistence.rounds import units
from ..persistence.scoping import scope_of
from .jwks import IssuerKeys
from .limits import Buckets, Limits
from .metrics import Metrics
from .principals import Principal

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date, datetime

    from ..persistence.database import Tx
    from ..persistence.scoping import Scope
    from .limits import Limiter
    from .ports import Facade, Registry
    from .settings import WebSettings

__all__ = ["Desk", "Session"]


class Desk:
    """One application's engine, settings and counters."""

    def __init__(
        self, facade: Facade, registry: Registry, settings: WebSettings, limiter: Limiter | None = None
    ) -> None:
        self.facade = facade
        self.registry = registry
        self.settings = settings
        self.metrics = Metrics(facade)
        self.limits = Limits(Buckets(settings.requests_per_second, settings.burst), limiter)
        self.issuer_keys = IssuerKeys(settings.oidc) if settings.oidc else None

    def everyone(self) -> Principal:
        """Return who calls when everybody is let in (a local trial): a holder of every role, everywhere."""
        library = self.facade.library
        roles = {role for workflow in library.ids() for role in library.workflow(workflow).roles}
        with self.facade.database.read() as tx:
            provinces = [unit.path for unit in units(tx) if "/" not in unit.path]
        mandates = tuple(Mandate(role, path) for role in sorted(roles) for path in provinces)
        return Principal("demo", frozenset({"read", "act", "admin"}), mandates, frozenset({"*"}), frozenset(roles))


@dataclass(frozen=True, slots=True)
class Session:
    """One request: the desk, who calls, on whose behalf, and the present instant."""

    desk: Desk
    principal: Principal
    on_behalf_of: str | None
    now: datetime

    @property
    def facade(self) -> Facade:
        """The engine."""
        return self.desk.facade

    @property
    def today(self) -> date:
        """The legal day."""
        return legal_date(self.now)

    @property
    def scope(self) -> Scope:
        """What the caller may see today."""
        return scope_of(self.principal.mandates, self.today, self.desk.settings.personal_roles)

    @property
    def actor(self) -> Actor:
        """Who acts."""
        return self.principal.actor(self.on_behalf_of)

    @contextmanager
    def writing(self, *, briefly: bool = False) -> Iterator[Tx]:
        """Open a writing transaction; brief ones may share a commit (`Database.begin`)."""
        with self.facade.transaction(briefly=briefly) as tx:
            yield tx

    def require_registrar(self, unit_path: str) -> None:
        """`PermissionDeniedError` unless the caller may register households and open rounds in a unit."""
        self.principal.require_role(self.desk.settings.registering_roles, unit_path, self.today)
