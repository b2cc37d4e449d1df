"""Figures for Prometheus. Counts of this process, and counts of the store taken when they are asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from sqlalchemy import func, select

from ..foundation.clock import legal_date

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..engine.service import Outcome
    from ..persistence.database import Tx
    from .ports import Facade

__all__ = ["Metrics"]

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class Metrics:
    """One registry per application, so that two in one process do not collide."""

    def __init__(self, facade: Facade) -> None:
        self.registry = CollectorRegistry()
        self._acts = Counter(
            "rasoat_acts", "Cases an act moved or did not move", ("trigger", "outcome", "code"), registry=self.registry
        )
        self._requests = Histogram(
            "rasoat_request_seconds",
            "Time to answer a request",
            ("method", "route", "status"),
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.registry.register(_Store(facade))

    def acted(self, trigger: str, outcome: Outcome) -> None:
        """Count an act's answer. Only triggers that moved a case get a label of their own."""
        name = trigger if outcome.accepted else ""
        if outcome.accepted:
            self._acts.labels(name, "accepted", "").inc(len(outcome.accepted))
        for refusal in outcome.refused:
            self._acts.labels(name, "refused", refusal.code).inc()

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count an answered request."""
        self._requests.labels(method, route, str(status)).observe(seconds)

    def text(self) -> bytes:
        """Return everything in Prometheus' text form."""
        return generate_latest(self.registry)


class _Store:
    """Asks the store at each scrape."""

    def __init__(self, facade: Facade) -> None:
        self._facade = facade

    def collect(self) -> Iterator[GaugeMetricFamily]:
        queue = GaugeMetricFamily("rasoat_outbox_messages", "Messages by status", labels=["status"])
        late = GaugeMetricFamily("rasoat_deadlines_overdue", "Open ones past their last day", labels=["owner_role"])
        running = GaugeMetricFamily("rasoat_deadlines_open", "Open deadlines", labels=["owner_role"])
        with self._facade.database.read() as tx:
            for status, count in _queue(tx):
                queue.add_metric([status], count)
            for role, count, overdue in _deadlines(tx, self._facade):
                running.add_metric([role], count)
                late.add_metric([role], overdue)
        yield from (queue, running, late)

    def describe(self) -> list[GaugeMetricFamily]:
        """Name nothing at registration: the store is asked at the first scrape, not at start."""
        return []


def _queue(tx: Tx) -> list[tuple[str, int]]:
    outbox = tx.tables.outbox.c
    return [(row[0], row[1]) for row in tx.select(select(outbox.status, func.count()).group_by(outbox.status))]


def _deadlines(tx: Tx, facade: Facade) -> list[tuple[str, int, int]]:
    d = tx.tables.deadline.c
    late = func.count().filter(d.due_on < legal_date(facade.clock.now()), d.kind != "minimum")
    query = select(d.owner_role, func.count(), late).where(d.status == "open").group_by(d.owner_role)
    return [(row[0], row[1], row[2]) for row in tx.select(query)]
