"""What opening a database holds to: that it is there, the keys it was sealed with, and a clock that tells the truth."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, TypedDict

from sqlalchemy.engine import Connection
from sqlalchemy.orm import Session

from .foundation.clock import LEGAL_ZONE, SystemClock
from .foundation.errors import InputError, NotFoundError, StorageError
from .foundation.messages import fault
from .persistence.keys import DevelopmentKeys, FileKeys, KeyProvider, create_key_file, key_provider
from .persistence.marking import holds_secrets, is_trial, last_recorded, master_in_use, signer_in_use

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import date, datetime

    from .deadlines.calendar import Calendar
    from .engine.service import Observer
    from .foundation.clock import Clock
    from .foundation.ids import IdSource
    from .persistence.database import Database
    from .persistence.keys import KeyRing

__all__ = [
    "EngineOptions",
    "key_source",
    "prepared_keys",
    "require_instant",
    "require_keys_of",
    "require_place",
    "sqlite_file",
]

_FILE = "sqlite:///"

HostConnection: TypeAlias = Connection | Session
"""In whose transaction the engine works: a host's own connection, or its session."""


class EngineOptions(TypedDict, total=False):
    """What an engine may be given besides its database and keys.

    `definitions` are folders or files of a host's own regimes, `settings` what the law leaves open, `observers` hooks
    inside each transaction. The rest stands in for the system's clock, the ids, and the calendar known on a day.
    """

    clock: Clock | None
    ids: IdSource | None
    calendar_for: Callable[[date, str], Calendar] | None
    settings: Mapping[str, Any] | None
    definitions: Sequence[Path]
    observers: Sequence[Observer]


def sqlite_file(url: str) -> Path | None:
    """Return the file behind a SQLite URL; None for a database in memory, a file: URI or a server."""
    name = url.removeprefix(_FILE)
    if not url.startswith(_FILE) or name in ("", ":memory:") or name.startswith("file:"):
        return None
    return Path(name)


def require_place(url: str, *, create: bool) -> None:
    """Refuse a SQLite file that is not there (a typing error would make an empty one), or whose folder is not."""
    path = sqlite_file(url)
    if path is None:
        return
    if path.is_dir():
        raise fault(StorageError, "opening.is_folder", path=path)
    if not path.parent.is_dir():
        raise fault(StorageError, "opening.no_folder", path=path, folder=path.parent)
    if not create and not path.exists():
        raise fault(NotFoundError, "opening.no_database", path=path, url=url)


def key_source(keys: KeyProvider | str | None, url: str) -> KeyProvider:
    """Return where the keys come from: as given, as ``RASOAT_KEYS`` says, or a key file beside a SQLite database."""
    if keys is not None and not isinstance(keys, str):
        return keys
    spec = keys or os.environ.get("RASOAT_KEYS")
    if spec:
        return key_provider(spec, url)
    path = sqlite_file(url)
    if path is None:
        raise fault(InputError, "opening.which_keys")
    return FileKeys(path.with_name(path.name + ".keys"))


def prepared_keys(database: Database, keys: KeyProvider | str | None, url: str, *, create: bool) -> KeyProvider:
    """Return the keys of a database that was just opened: those it was sealed with, no others.

    A key file beside a SQLite file is made only where nothing was sealed yet (and `create` says so): in place of a
    lost one it would open nothing, and what is sealed from then on nobody would find under the right one.
    """
    source = key_source(keys, url)
    if not isinstance(source, FileKeys):
        if isinstance(keys, str) or keys is None:
            require_keys_of(database, source.ring(), keys or os.environ["RASOAT_KEYS"])
        return source
    beside = keys is None and not os.environ.get("RASOAT_KEYS")
    if source.path.exists():
        require_keys_of(database, source.ring(), f"file:{source.path}")
    elif beside:
        return _beside(database, source, url, create=create)
    return source


def _beside(database: Database, source: FileKeys, url: str, *, create: bool) -> KeyProvider:
    """Return the keys of a database whose key file is not there: new ones where nothing is sealed yet."""
    with database.read() as tx:
        if is_trial(tx) and master_in_use(tx) == DevelopmentKeys.MASTER:
            return DevelopmentKeys(url)
        if holds_secrets(tx):
            raise fault(NotFoundError, "opening.keys_missing", path=source.path)
    if create:
        create_key_file(source.path)
    return source


def require_keys_of(database: Database, ring: KeyRing, name: str) -> None:
    """`InputError` if the ring is not the one the database was sealed or signed with."""
    with database.read() as tx:
        master, signer = master_in_use(tx), signer_in_use(tx)
    if master is not None and master not in ring.masters:
        raise fault(InputError, "opening.wrong_keys", keys=name, key=master)
    if signer is not None and signer not in ring.public_keys():
        raise fault(InputError, "opening.wrong_signer", keys=name, key=signer)


def require_instant(database: Database, told: datetime) -> None:
    """Refuse a told instant that would falsify the record: one to come, or one before the last entry.

    A database that was made for trials takes any.
    """
    with database.read() as tx:
        if is_trial(tx):
            return
        last = last_recorded(tx)
    if told > SystemClock().now():
        raise fault(InputError, "opening.now_to_come", now=_shown(told))
    if last is not None and told < last:
        raise fault(InputError, "opening.now_before", now=_shown(told), last=_shown(last))


def _shown(instant: datetime) -> str:
    return f"{instant.astimezone(LEGAL_ZONE):%d/%m/%Y %H:%M:%S}"
