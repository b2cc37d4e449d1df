"""Where benchmarks run: empty databases on the disk that is measured, PostgreSQL with its own fsync settings."""

from __future__ import annotations

import os
import platform
import shutil
import sqlite3
import tempfile
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tests.support.postgres import Cluster

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

KINDS = ("sqlite", "postgresql")


@contextmanager
def databases(kind: str) -> Iterator[Callable[[str], str]]:
    """Yield a function that makes a new empty database and returns its URL; all are gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="rasoat-bench-"))
    folder.chmod(0o755)
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        if kind == "sqlite":
            yield lambda name: f"sqlite:///{folder / name}.db"
            return
        cluster = Cluster(Path(tempfile.mkdtemp(prefix="rasoat-bench-pg-")), os.getpid(), durable=True)
        stack.callback(cluster.stop)
        cluster.start()
        yield lambda name: stack.enter_context(cluster.empty_database(name))


def machine() -> str:
    """Return a line about the machine: figures without it say nothing."""
    cores, load = os.cpu_count(), os.getloadavg()[0]
    return (
        f"{platform.machine()}, {cores} cores, {_memory()} GiB, Linux {platform.release()}, "
        f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}; load when started {load:.1f}"
    )


def _memory() -> int:
    return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30)
