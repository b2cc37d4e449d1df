"""A private PostgreSQL server for one test run: started when a test first asks, gone when the run ends.

The server listens on a Unix socket in a folder of its own, so that no port is guessed and nobody else can reach it.
All workers of a run share it (a file lock decides who starts it); every test gets a database of its own, empty or
copied from one that was filled once a run.
"""

from __future__ import annotations

import fcntl
import itertools
import os
import pwd
import shutil
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
from psycopg import sql

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["HOW_TO_GET_IT", "Cluster", "PostgresMissingError", "find_binaries"]

HOW_TO_GET_IT = "PostgreSQL server binaries not found; run `tools/ensure_system.sh postgres` or install PostgreSQL"

_DEBIAN = Path("/usr/lib/postgresql")
_USER = "rasoat"
_CHOOSES_HOW_TO_COPY = 150_000
_SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "timezone": "UTC",
    "max_connections": "200",
}
# A crash of the machine may lose a test's data; nothing else about the server's behaviour changes.
_FORGETFUL = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


class PostgresMissingError(RuntimeError):
    """The machine has no PostgreSQL server."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """One server whose files live in `folder`; `owner` is the pid whose end takes the server down with it.

    A `durable` one keeps PostgreSQL's own settings for fsync, as benchmarks must.
    """

    folder: Path
    owner: int
    durable: bool = False
    _numbers: itertools.count[int] = field(default_factory=itertools.count, repr=False)

    @property
    def data(self) -> Path:
        """The server's data directory."""
        return self.folder / "data"

    def start(self) -> None:
        """Start the server unless another worker of this run already did; `PostgresMissingError` without binaries."""
        binaries = find_binaries()
        if binaries is None:
            raise PostgresMissingError(HOW_TO_GET_IT)
        with _locked(self.folder.with_suffix(".lock")):
            if not (self.data / "postmaster.pid").exists():
                self._start(binaries)

    def stop(self) -> None:
        """Stop the server if it runs and remove its files."""
        binaries = find_binaries()
        if binaries is not None and (self.data / "postmaster.pid").exists():
            self._run(binaries / "pg_ctl", "-D", self.data, "-m", "immediate", "-w", "stop")
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.with_suffix(".lock").unlink(missing_ok=True)

    @contextmanager
    def empty_database(self, prefix: str) -> Iterator[str]:
        """Yield the URL of a new empty database named after `prefix`; drop it afterwards, connections and all."""
        with self._database(prefix, "template0") as url:
            yield url

    @contextmanager
    def copy_of(self, template: str, fill: Callable[[str], None], prefix: str) -> Iterator[str]:
        """Yield the URL of a copy of the database `template`, which the first to ask makes with ``fill(url)``."""
        made = self.folder / f"{template}.made"
        with _locked(made.with_suffix(".lock")):
            if not made.exists():
                self._create(template, "template0")
                fill(self._url(template))
                made.touch()
        with self._database(prefix, template) as url:
            yield url

    @contextmanager
    def _database(self, prefix: str, template: str) -> Iterator[str]:
        name = f"{prefix}_{next(self._numbers)}"
        self._create(name, template)
        try:
            yield self._url(name)
        finally:
            with self._admin() as admin:
                admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))

    def _url(self, database: str) -> str:
        return f"postgresql+psycopg://{_USER}@/{database}?host={self.folder}"

    def _create(self, name: str, template: str) -> None:
        with self._admin() as admin:
            # Where it may be chosen (from 15 on): copying files costs half of what logging every page does.
            how = "STRATEGY file_copy" if admin.info.server_version >= _CHOOSES_HOW_TO_COPY else ""
            create = sql.SQL("CREATE DATABASE {} TEMPLATE {} " + how)
            admin.execute(create.format(sql.Identifier(name), sql.Identifier(template)))

    def _admin(self) -> psycopg.Connection:
        return psycopg.connect(host=str(self.folder), user=_USER, dbname="postgres", autocommit=True)

    def _start(self, binaries: Path) -> None:
        if user := _server_user():
            os.chown(self.folder, user.pw_uid, user.pw_gid)
        flags = ("--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync")
        self._run(binaries / "initdb", "-D", self.data, "-U", _USER, *flags)
        settings = _SETTINGS if self.durable else _SETTINGS | _FORGETFUL
        options = " ".join(f"-c {name}='{value}'" for name, value in settings.items())
        options += f" -c unix_socket_directories='{self.folder}'"
        self._run(binaries / "pg_ctl", "-D", self.data, "-o", options, "-w", "start")
        self._tie_to_owner()

    def _run(self, *command: str | Path) -> None:
        """Run one of the server's programs, never as root; a failure carries what it wrote."""
        user = _server_user()
        # A file, not a pipe: the server keeps the output it inherits open for as long as it lives.
        with self.folder.joinpath("server.log").open("ab") as log:
            result = subprocess.run(
                [str(part) for part in command],
                check=False,
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, "LC_ALL": "C"},
                user=user.pw_uid if user else None,
                group=user.pw_gid if user else None,
                extra_groups=[] if user else None,
            )
        if result.returncode:
            msg = f"{command[0]} failed:\n" + self.folder.joinpath("server.log").read_text(errors="replace")
            raise RuntimeError(msg)

    def _tie_to_owner(self) -> None:
        """Let a watcher take the server down should the test run be killed before it can."""
        watch = (
            '( while kill -0 "$0" && [ -f "$1/data/postmaster.pid" ]; do sleep 1; done; '
            'kill -QUIT "$(head -n 1 "$1/data/postmaster.pid")" && rm -rf "$1" "$1.lock" ) &'
        )
        subprocess.run(
            ["/bin/sh", "-c", watch, str(self.owner), str(self.folder)],
            check=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )


def find_binaries() -> Path | None:
    """Return the folder with `initdb`, `postgres` and `pg_ctl`: from PATH, else Debian's newest version."""
    found = shutil.which("initdb")
    candidates = [Path(found).resolve().parent] if found else []
    if _DEBIAN.is_dir():
        versions = (folder for folder in _DEBIAN.iterdir() if folder.name.isdigit())
        candidates += [folder / "bin" for folder in sorted(versions, key=lambda folder: -int(folder.name))]
    complete = (folder for folder in candidates if all((folder / n).exists() for n in ("initdb", "postgres", "pg_ctl")))
    return next(complete, None)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _server_user() -> pwd.struct_passwd | None:
    """PostgreSQL refuses to run as root; return who it runs as then, None if we are not root."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    msg = "PostgreSQL does not run as root and this machine has neither a user postgres nor nobody"
    raise PostgresMissingError(msg)
