"""A PostgreSQL server that follows another one: copied with pg_basebackup, fed by its stream, able to be held back."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.support.postgres import Cluster, PostgresMissingError, find_binaries

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Standby"]


@dataclass(frozen=True, slots=True)
class Standby:
    """A hot standby of `primary` whose files live in `folder`."""

    primary: Cluster
    folder: Path

    def start(self) -> None:
        """Copy the primary and follow it."""
        binaries = find_binaries()
        if binaries is None or not (binaries / "pg_basebackup").exists():
            msg = "no pg_basebackup"
            raise PostgresMissingError(msg)
        self.folder.chmod(0o755)
        stat = self.primary.folder.stat()
        os.chown(self.folder, stat.st_uid, stat.st_gid)
        target = ("-h", self.primary.folder, "-U", "rasoat", "-D", self.folder / "data")
        self.primary._run(binaries / "pg_basebackup", *target, "-R", "-X", "stream", "--checkpoint=fast", "--no-sync")
        options = f"-c unix_socket_directories='{self.folder}' -c listen_addresses='' -c fsync=off"
        options += " -c max_connections=200"  # no fewer than its primary takes, or it does not start
        self.primary._run(binaries / "pg_ctl", "-D", self.folder / "data", "-o", options, "-w", "start")

    def stop(self) -> None:
        """Stop the server."""
        binaries = find_binaries()
        if binaries is not None and (self.folder / "data" / "postmaster.pid").exists():
            self.primary._run(binaries / "pg_ctl", "-D", self.folder / "data", "-m", "immediate", "-w", "stop")

    def url_of(self, url: str) -> str:
        """Return where the standby shows the primary's database of `url`."""
        return url.replace(str(self.primary.folder), str(self.folder))
