"""Whom the channels trust over TLS: the certificate authorities of the machine."""

from __future__ import annotations

import ssl
from functools import cache

__all__ = ["machines_trust"]


@cache
def machines_trust() -> ssl.SSLContext:
    """Return TLS settings that trust the machine's authorities; made once a process, since reading them is slow."""
    return ssl.create_default_context()
