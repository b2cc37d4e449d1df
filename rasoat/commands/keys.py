"""`rasoat keys …`: the keys to personal data."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..foundation.defaults import DATABASE_URL
from ..foundation.messages import fault, text
from ._common import Db, Json, Keys, Lang, language, print_json
from ._progress import counting
from ._refusals import refusals

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..persistence.database import Database
    from ..persistence.keys import FileKeys, KeyRing

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, help="The keys to personal data and to checkpoints.")


@app.command()
def init(path: Annotated[Path, typer.Argument(help="The new key file.")], *, as_json: Json = False) -> None:
    """Generate keys into a new file that only its owner can read. Back it up: without it no name can be read again.

    Example: rasoat keys init /etc/rasoat/keys.json
    """
    from ..persistence.keys import create_key_file

    with refusals(as_json=as_json):
        ring = create_key_file(path)
    if as_json:
        print_json({"path": str(path), "active": ring.active})
    else:
        typer.echo(f"{path}: {ring.active}")


@app.command()
def show(*, db: Db = DATABASE_URL, keys: Keys = None, lang: Lang = "vi", as_json: Json = False) -> None:
    """Show the keys by their ids, never the keys, and how many households each master key wraps."""
    from ..opening import key_source
    from ..persistence.household_keys import households_by_master

    tongue = language(lang)
    with refusals(as_json=as_json), _database(db) as database:
        ring = key_source(keys, db).ring()
        with database.read() as tx:
            wrapped = households_by_master(tx)
    erased = wrapped.pop("", 0)
    masters = {name: wrapped.get(name, 0) for name in sorted({*ring.masters, *wrapped})}
    if as_json:
        members = {"active": ring.active, "masters": masters, "missing": sorted(set(wrapped) - set(ring.masters))}
        signers = {"signer": ring.signer().id, "former_signers": sorted(ring.former_signers)}
        print_json({**members, **signers, "erased": erased})
        return
    for name, count in masters.items():
        role = "active" if name == ring.active else "former" if name in ring.masters else "missing"
        typer.echo(text(f"audit.keys.{role}", key=name, households=count).within(tongue))
    typer.echo(text("audit.keys.signer", key=ring.signer().id).within(tongue))
    for name in sorted(ring.former_signers):
        typer.echo(text("audit.keys.former_signer", key=name).within(tongue))
    typer.echo(text("audit.keys.erased", households=erased).within(tongue))


@app.command()
def rotate(*, db: Db = DATABASE_URL, keys: Keys = None, lang: Lang = "vi", as_json: Json = False) -> None:
    """Make a new master key and wrap every household's key under it; the data itself is not touched.

    Interrupted, it goes on where it stopped when it is run again. Afterwards restart every process that uses the keys,
    then drop the former master key: rasoat keys retire. The index key does not rotate.
    """
    from ..persistence.household_keys import households_by_master, rewrap_all
    from ..persistence.keys import save_ring, with_new_master
    from ..persistence.vault import Vault

    tongue = language(lang)
    with refusals(as_json=as_json), _database(db) as database:
        source, ring = _key_file(keys, db)
        with database.read() as tx:
            wrapped = households_by_master(tx)
        former = ring.active
        if not _is_unfinished(ring, wrapped):
            ring = with_new_master(ring)
            save_ring(ring, source.path, replace_old=True)
        with counting(text("audit.keys.wrapping").within(tongue), sum(wrapped.values()), quiet=as_json) as progress:
            count = rewrap_all(database, Vault(ring), ring.active, progress=progress)
    fields = {"key": ring.active, "households": count, "resumed": former == ring.active}
    if as_json:
        print_json(fields)
    else:
        typer.echo(text("audit.keys.rotated", **fields).within(tongue))


@app.command()
def retire(*, db: Db = DATABASE_URL, keys: Keys = None, lang: Lang = "vi", as_json: Json = False) -> None:
    """Drop the former master keys, once they wrap nothing. Backups made before the rotation then can't be read.

    Restart every process that uses the keys first: one that still holds the former ring would wrap under it.
    """
    from ..foundation.errors import InputError
    from ..persistence.household_keys import households_by_master
    from ..persistence.keys import save_ring, without_master

    tongue = language(lang)
    with refusals(as_json=as_json), _database(db) as database:
        source, ring = _key_file(keys, db)
        dropped = sorted(set(ring.masters) - {ring.active})
        with database.read() as tx:
            wrapped = households_by_master(tx)
        if used := [name for name in dropped if name in wrapped]:
            raise fault(InputError, "usage.key_wraps", key=used[0], count=wrapped[used[0]])
        for name in dropped:
            ring = without_master(ring, name)
        if dropped:
            save_ring(ring, source.path, replace_old=True)
    if as_json:
        print_json({"active": ring.active, "dropped": dropped})
    else:
        typer.echo(text("audit.keys.retired", keys=", ".join(dropped) or "–").within(tongue))


@app.command()
def signer(*, db: Db = DATABASE_URL, keys: Keys = None, lang: Lang = "vi", as_json: Json = False) -> None:
    """Make a new key to sign checkpoints with; the former public key stays, to verify what it signed.

    Publish the new one: rasoat audit public-key. Restart every process that signs.
    """
    from ..persistence.keys import save_ring, with_new_signer

    tongue = language(lang)
    with refusals(as_json=as_json):
        source, ring = _key_file(keys, db)
        former, ring = ring.signer().id, with_new_signer(ring)
        save_ring(ring, source.path, replace_old=True)
    if as_json:
        print_json({"signer": ring.signer().id, "former": former})
    else:
        typer.echo(text("audit.keys.signer", key=ring.signer().id).within(tongue))


@contextmanager
def _database(db: str) -> Iterator[Database]:
    from ..opening import require_place
    from ..persistence.database import Database
    from ..persistence.migrating import require_current

    require_place(db, create=False)
    database = Database.open(db)
    try:
        require_current(database)
        yield database
    finally:
        database.dispose()


def _key_file(keys: str | None, db: str) -> tuple[FileKeys, KeyRing]:
    """Return the key file and its ring; keys that come from elsewhere are changed where they come from."""
    from ..foundation.errors import InputError
    from ..opening import key_source
    from ..persistence.keys import FileKeys

    source = key_source(keys, db)
    if not isinstance(source, FileKeys):
        raise fault(InputError, "usage.key_file")
    return source, source.ring()


def _is_unfinished(ring: KeyRing, wrapped: dict[str, int]) -> bool:
    """Whether an earlier rotation was cut short: another key than the active one still wraps, the ring having both."""
    return any(name not in ("", ring.active) for name in wrapped) and len(ring.masters) > 1
