"""Tables of who a household was before, and the index by which the turns of a history are found."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import Column, Index, PrimaryKeyConstraint, String, Table, Text, text

from .types import Code, Digest, Id, Instant, LegalDay, Path

if TYPE_CHECKING:
    from sqlalchemy import MetaData

__all__ = ["lineage_tables"]

_TURNS = text("kind IN ('correction', 'migration', 'moved')")


def lineage_tables(metadata: MetaData, prefix: str, event: Table) -> dict[str, Table]:
    """Return the tables by their names in `Tables`, and give `event` its index of turns."""
    name = "ix_" + prefix + "event_turns"
    Index(name, event.c.case_id, event.c.seq, sqlite_where=_TURNS, postgresql_where=_TURNS)
    return {
        "household_lineage": Table(
            prefix + "household_lineage",
            metadata,
            Column("id", Id, primary_key=True, autoincrement=False),
            Column("household_id", Id, nullable=False),
            Column("kind", String(16), nullable=False, comment="split | merged | head | moved | recoded | area"),
            Column("other_id", Id, comment="split: the household it came from; merged: the one it became part of"),
            Column("old_code", Code, nullable=False),
            Column("new_code", Code, nullable=False),
            Column("old_path", Path, nullable=False),
            Column("new_path", Path, nullable=False),
            Column("on_day", LegalDay, nullable=False),
            Column("recorded_at", Instant, nullable=False),
            Column("actor", Code, nullable=False),
            Column("document", Text, nullable=False),
            Column("on_behalf_of", Code, comment="for whom the actor acted"),
            Column("old_area", String(8)),
            Column("new_area", String(8)),
            Index(None, "household_id"),
            Index(None, "other_id"),
            Index(None, "old_code"),
        ),
        "household_member": Table(
            prefix + "household_member",
            metadata,
            Column("identity_index", Digest, nullable=False, comment="keyed hash of a member's identity number"),
            Column("household_id", Id, nullable=False),
            PrimaryKeyConstraint("identity_index", "household_id"),
            Index(None, "household_id"),
        ),
    }
