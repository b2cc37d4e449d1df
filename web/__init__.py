"""The HTTP API: the engine's contract for case-management systems that live in other processes or languages."""

from __future__ import annotations

from .app import create_app
from .limits import Limiter
from .settings import OidcSettings, WebSettings

__all__ = ["Limiter", "OidcSettings", "WebSettings", "create_app"]
