"""Structured log line: for hosts whose log shipper is their alerting. No personal identifier reaches it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import structlog

from ..model import Receipt

if TYPE_CHECKING:
    from ..model import Message

__all__ = ["LogChannel"]

_SHOWN = ("rung", "count", "due_on", "days_left")


class LogChannel:
    """Writes one event per message: kind, severity, role, unit, counts and dates. No name, address, text or code."""

    guarantee = "at least once; repeated attempts carry the same id"

    def __init__(self, *, name: str = "log", logger: Any = None) -> None:
        self.name = name
        self._logger = logger or structlog.get_logger("rasoat.notifications")

    def send(self, message: Message) -> Receipt:
        """Write the line."""
        facts = {key: message.data[key] for key in _SHOWN if message.data.get(key) is not None}
        write = self._logger.info if message.severity == "info" else self._logger.warning
        write(
            "notice",
            id=message.id,
            kind=message.kind,
            severity=message.severity,
            role=message.recipient.role,
            unit=message.recipient.unit,
            **facts,
        )
        return Receipt(message.id, "logged")
