"""Processes that start quickly: the package is imported once, in a server they are forked from."""

from __future__ import annotations

import multiprocessing
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from multiprocessing.context import ForkServerContext

__all__ = ["forked_processes"]


@cache
def forked_processes() -> ForkServerContext:
    """Return the context such processes are made in; they know nothing of what the test has done."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.support.sender_process", "tests.support.one_worker"])
    return context
