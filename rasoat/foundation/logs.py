"""The engine's log: the host's `structlog` set-up where there is one, else warnings alone, on standard error."""

from __future__ import annotations

import logging
import sys
from typing import Any

import structlog

__all__ = ["Log"]


class Log:
    """Short event names with keys. A personal identifier is never a key or a value of any of them."""

    __slots__ = ("_bound", "_name", "_quiet", "_set_up")

    def __init__(self, name: str) -> None:
        self._name = name
        self._quiet: Any = None
        self._bound: Any = None
        self._set_up: list[Any] = []

    def info(self, event: str, **keys: Any) -> None:
        """Say what was done."""
        self._target().info(event, **keys)

    def warning(self, event: str, **keys: Any) -> None:
        """Say what may need somebody."""
        self._target().warning(event, **keys)

    def error(self, event: str, **keys: Any) -> None:
        """Say what failed."""
        self._target().error(event, **keys)

    def exception(self, event: str, **keys: Any) -> None:
        """Say what failed, with the exception in hand."""
        self._target().exception(event, **keys)

    def _target(self) -> Any:
        # Asked each time: a host may set structlog up, or anew, after it has imported the engine.
        if structlog.is_configured():
            set_up = list(structlog.get_config().values())
            if set_up != self._set_up:
                self._bound, self._set_up = structlog.get_logger(self._name).bind(), set_up
            return self._bound
        if self._quiet is None:
            self._quiet = structlog.wrap_logger(
                structlog.PrintLogger(sys.stderr), wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING)
            )
        return self._quiet
