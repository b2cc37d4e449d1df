"""The tables. One place names every column; `migrations/` builds the same schema step by step."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from sqlalchemy import (
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    String,
    Table,
    Text,
    text,
)

from .delivery_tables import delivery_tables
from .guardrails import guard
from .lineage_tables import lineage_tables
from .types import Code, Digest, Id, Instant, LegalDay, Path

__all__ = ["DEFAULT_PREFIX", "NAMING", "Tables", "tables_for"]

DEFAULT_PREFIX = "rasoat_"
NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}
_OPEN = text("status = 'open'")
_UNCLOSED = text("closed_on IS NULL")


@dataclass(frozen=True, slots=True, eq=False)
class Tables:
    """The engine's tables under one schema and prefix."""

    metadata: MetaData
    unit: Table
    unit_lineage: Table
    household: Table
    round: Table
    case: Table
    act: Table
    event: Table
    deadline: Table
    deadline_entry: Table
    rung: Table
    outbox: Table
    idempotency: Table
    certificate: Table
    setting: Table
    service_token: Table
    personal_read: Table
    checkpoint: Table
    checkpoint_head: Table
    erasure: Table
    message: Table
    message_fact: Table
    message_attempt: Table
    held_notice: Table
    notice_day: Table
    circuit: Table
    pace: Table
    inbox: Table
    webhook: Table
    household_lineage: Table
    household_member: Table


@lru_cache(maxsize=32)
def tables_for(schema: str | None = None, prefix: str = DEFAULT_PREFIX) -> Tables:
    """Return the tables under `schema` (None: the connection's own) with `prefix` before each name."""
    metadata = MetaData(schema=schema, naming_convention=NAMING)
    unit, lineage = _units(metadata, prefix)
    case, act, event = _lives(metadata, prefix)
    deadline, entry, rung = _deadlines(metadata, prefix)
    personal_read = _personal_reads(metadata, prefix)
    checkpoint, checkpoint_head = _checkpoints(metadata, prefix)
    erasure = _erasures(metadata, prefix)
    lineages = lineage_tables(metadata, prefix, event)
    of_households = (erasure, lineages["household_lineage"])
    guard(metadata, (event, act, entry, rung, personal_read, checkpoint, checkpoint_head, *of_households), prefix)
    return Tables(
        metadata=metadata,
        unit=unit,
        unit_lineage=lineage,
        household=_households(metadata, prefix),
        round=_rounds(metadata, prefix),
        case=case,
        act=act,
        event=event,
        deadline=deadline,
        deadline_entry=entry,
        rung=rung,
        **delivery_tables(metadata, prefix),
        certificate=_certificates(metadata, prefix),
        setting=_settings(metadata, prefix),
        service_token=_service_tokens(metadata, prefix),
        personal_read=personal_read,
        checkpoint=checkpoint,
        checkpoint_head=checkpoint_head,
        erasure=erasure,
        **lineages,
    )


def _units(metadata: MetaData, prefix: str) -> tuple[Table, Table]:
    unit = Table(
        prefix + "unit",
        metadata,
        Column("path", Path, primary_key=True, comment="codes from the province down, e.g. 42/446/18766/01"),
        Column("code", Code, nullable=False),
        Column("level", String(16), nullable=False),
        Column("name", Text, nullable=False),
        Column("valid_from", LegalDay, nullable=False),
        Column("valid_to", LegalDay),
        Index(None, "code"),
    )
    lineage = Table(
        prefix + "unit_lineage",
        metadata,
        Column("old_path", Path, nullable=False),
        Column("new_path", Path, nullable=False),
        Column("kind", String(16), nullable=False),
        Column("on_day", LegalDay, nullable=False),
        Column("document", Text, nullable=False),
        PrimaryKeyConstraint("old_path", "new_path", "on_day"),
    )
    return unit, lineage


def _households(metadata: MetaData, prefix: str) -> Table:
    return Table(
        prefix + "household",
        metadata,
        Column("id", Id, primary_key=True, autoincrement=False),
        Column("code", Code, nullable=False, unique=True),
        Column("unit_path", Path, nullable=False),
        Column("persons", SmallInteger, nullable=False),
        Column("area", String(8), nullable=False, comment="rural | urban, as asked; never derived"),
        Column("class_now", String(16), nullable=False, comment="poor | near_poor | none: what the last decision says"),
        Column("sealed", LargeBinary, nullable=False, comment="names, birth dates, identity numbers; encrypted"),
        Column("data_key_id", LargeBinary(8), nullable=False),
        Column("master_key_id", String(64), nullable=False, comment="empty once the key was shredded"),
        Column("wrapped_key", LargeBinary, nullable=False, comment="the household's data key under the master key"),
        Column("identity_index", Digest, comment="keyed hash of the head's identity number"),
        Column("twin_index", Digest, comment="keyed hash of head's name, birth date and commune"),
        Column("valid_from", LegalDay, nullable=False),
        Column("valid_to", LegalDay),
        Index(None, "unit_path"),
        Index(None, "identity_index"),
        Index(None, "twin_index"),
    )


def _rounds(metadata: MetaData, prefix: str) -> Table:
    return Table(
        prefix + "round",
        metadata,
        Column("id", Id, primary_key=True, autoincrement=False),
        Column("code", Code, nullable=False, unique=True),
        Column("workflow", Code, nullable=False, comment="key@regime, e.g. annual@2022"),
        Column("unit_path", Path, nullable=False),
        Column("started_on", LegalDay, nullable=False),
        Column("ends_on", LegalDay, comment="last day of the season"),
        Column("plan", Code),
        Column("created_at", Instant, nullable=False),
        Index(None, "unit_path"),
    )


def _lives(metadata: MetaData, prefix: str) -> tuple[Table, Table, Table]:
    case = Table(
        prefix + "case",
        metadata,
        Column("id", Id, primary_key=True, autoincrement=False),
        Column("round_id", Id, nullable=False),
        Column("household_id", Id, nullable=False),
        Column("unit_path", Path, nullable=False),
        Column("workflow", Code, nullable=False),
        Column("state", String(32), nullable=False),
        Column("seq", Integer, nullable=False, comment="number of the last event; the compare-and-set version"),
        Column("last_on", LegalDay, nullable=False, comment="when the last step took legal effect"),
        Column("class_before", String(16), nullable=False),
        Column("class_after", String(16), comment="poor | near_poor | none, once scored"),
        Column("facts", Text, nullable=False, comment="canonical JSON of what later steps need"),
        Column("head", Digest, nullable=False, comment="hash of the last event"),
        Index(None, "round_id", "unit_path", "state"),
        Index(None, "unit_path"),
        Index(None, "household_id"),
    )
    act = Table(
        prefix + "act",
        metadata,
        Column("id", Id, primary_key=True, autoincrement=False),
        Column("trigger", String(32), nullable=False),
        Column("form", String(32), nullable=False),
        Column("unit_path", Path, nullable=False),
        Column("occurred_on", LegalDay, nullable=False),
        Column("recorded_at", Instant, nullable=False),
        Column("actor", Code, nullable=False),
        Column("role", String(32), nullable=False),
        Column("on_behalf_of", Code),
        Column("document", Text, comment="number of the signed document"),
        Column("body", Text, nullable=False, comment="canonical JSON of the form"),
        Column("digest", Digest, nullable=False),
        Index(None, "unit_path", "occurred_on"),
    )
    event = Table(
        prefix + "event",
        metadata,
        Column("case_id", Id, nullable=False),
        Column("seq", Integer, nullable=False),
        Column("kind", String(16), nullable=False),
        Column("trigger", String(32), nullable=False),
        Column("from_state", String(32), nullable=False),
        Column("to_state", String(32), nullable=False),
        Column("act_id", Id),
        Column("occurred_on", LegalDay, nullable=False),
        Column("recorded_at", Instant, nullable=False),
        Column("actor", Code, nullable=False),
        Column("payload", Text, nullable=False, comment="canonical JSON: this household's own part of the act"),
        Column("hash", Digest, nullable=False),
        PrimaryKeyConstraint("case_id", "seq"),
        Index(None, "recorded_at"),
        sqlite_with_rowid=False,
    )
    return case, act, event


def _deadlines(metadata: MetaData, prefix: str) -> tuple[Table, Table, Table]:
    deadline = Table(
        prefix + "deadline",
        metadata,
        Column("id", Id, primary_key=True, autoincrement=False),
        Column("subject", String(8), nullable=False, comment="case | round"),
        Column("subject_id", Id, nullable=False),
        Column("round_id", Id, nullable=False),
        Column("unit_path", Path, nullable=False),
        Column("workflow", Code, nullable=False),
        Column("rule", String(32), nullable=False),
        Column("kind", String(8), nullable=False, comment="minimum | maximum | fixed"),
        Column("owner_role", String(32), nullable=False),
        Column("owner_path", Path, nullable=False),
        Column("started_on", LegalDay, nullable=False),
        Column("length", SmallInteger, nullable=False),
        Column("unit", String(16), nullable=False),
        Column("calendar", Code, nullable=False, comment="the calendar release it was computed on"),
        Column("due_on", LegalDay, nullable=False),
        Column("due_at", Instant, nullable=False, comment="the instant the term is over: 24:00 of due_on"),
        Column("next_at", Instant, comment="when the worker must look again: next rung or due_at; null: nothing to do"),
        Column(
            "status", String(12), nullable=False, comment="open | suspended | met | met_late | cancelled | superseded"
        ),
        Column("provisional", Boolean, nullable=False),
        Column("opened_seq", Integer, nullable=False),
        Column("breached_at", Instant, comment="when the breach was recorded; nothing erases it"),
        Column("closed_on", LegalDay),
        Column("cause", String(32), comment="lateness cause, or why it was cancelled"),
        Index(
            "ix_" + prefix + "deadline_open_subject", "subject_id", sqlite_where=_UNCLOSED, postgresql_where=_UNCLOSED
        ),
        Index("ix_" + prefix + "deadline_wake", "next_at", sqlite_where=_OPEN, postgresql_where=_OPEN),
        Index("ix_" + prefix + "deadline_open_due", "due_on", "unit_path", sqlite_where=_OPEN, postgresql_where=_OPEN),
        Index("ix_" + prefix + "deadline_unit", "unit_path", "rule"),
    )
    entry = Table(
        prefix + "deadline_entry",
        metadata,
        Column("deadline_id", Id, nullable=False),
        Column("seq", Integer, nullable=False),
        Column("kind", String(16), nullable=False, comment="suspended | resumed | extended | firm | breached …"),
        Column("occurred_on", LegalDay, nullable=False),
        Column("recorded_at", Instant, nullable=False),
        Column("actor", Code, nullable=False),
        Column("document", Text, nullable=False),
        Column("detail", Text, nullable=False, comment="canonical JSON: old and new values"),
        PrimaryKeyConstraint("deadline_id", "seq"),
    )
    rung = Table(
        prefix + "rung",
        metadata,
        Column("deadline_id", Id, nullable=False),
        Column("due_on", LegalDay, nullable=False, comment="a moved deadline climbs its ladder anew"),
        Column("step", SmallInteger, nullable=False, comment="working days after the due day; negative: before"),
        Column("claimed_at", Instant, nullable=False),
        Column("missed", Boolean, nullable=False, comment="the worker came after the rung's own day"),
        PrimaryKeyConstraint("deadline_id", "due_on", "step"),
    )
    return deadline, entry, rung


def _certificates(metadata: MetaData, prefix: str) -> Table:
    return Table(
        prefix + "certificate",
        metadata,
        Column("series", Code, nullable=False, comment="commune path and year: the book the number is drawn from"),
        Column("number", Code, nullable=False, comment="style …/GCN-HN.HCN (Mẫu 03)"),
        Column("case_id", Id, nullable=False),
        Column("class", String(16), nullable=False),
        Column("issued_on", LegalDay, nullable=False),
        Column("act_id", Id, nullable=False),
        Column("withdrawn_on", LegalDay),
        PrimaryKeyConstraint("series", "number"),
        Index(None, "case_id"),
    )


def _settings(metadata: MetaData, prefix: str) -> Table:
    return Table(
        prefix + "setting",
        metadata,
        Column("unit_path", Path, nullable=False, comment="'' for everywhere"),
        Column("workflow", Code, nullable=False),
        Column("key", Code, nullable=False),
        Column("value", Text, nullable=False, comment="canonical JSON"),
        PrimaryKeyConstraint("unit_path", "workflow", "key"),
    )


def _service_tokens(metadata: MetaData, prefix: str) -> Table:
    return Table(
        prefix + "service_token",
        metadata,
        Column("id", Id, primary_key=True, autoincrement=False),
        Column("name", Code, nullable=False, comment="who acts by this token: the actor's key"),
        Column("digest", Digest, nullable=False, comment="SHA-256 of the secret"),
        Column("scopes", Text, nullable=False, comment="canonical JSON: read, act, admin"),
        Column("holdings", Text, nullable=False, comment="canonical JSON: roles in units with their days"),
        Column("acts_for", Text, nullable=False, comment="canonical JSON: staff keys on whose behalf it may act"),
        Column("created_at", Instant, nullable=False),
        Column("expires_at", Instant, nullable=False),
        Column("revoked_at", Instant),
    )


def _personal_reads(metadata: MetaData, prefix: str) -> Table:
    return Table(
        prefix + "personal_read",
        metadata,
        Column("id", Id, primary_key=True, autoincrement=False),
        Column("read_at", Instant, nullable=False),
        Column("actor", Code, nullable=False),
        Column("on_behalf_of", Code),
        Column("household_id", Id, nullable=False),
        Column("unit_path", Path, nullable=False),
        Column("purpose", Text, nullable=False, comment="why, in the reader's words"),
        Index(None, "household_id"),
    )


def _checkpoints(metadata: MetaData, prefix: str) -> tuple[Table, Table]:
    checkpoint = Table(
        prefix + "checkpoint",
        metadata,
        Column("number", Integer, primary_key=True, autoincrement=False),
        Column("taken_at", Instant, nullable=False),
        Column("leaf_count", Id, nullable=False),
        Column("root", Digest, nullable=False),
        Column("previous", Digest, nullable=False, comment="digest of the checkpoint before"),
        Column("key_id", String(64), nullable=False),
        Column("signature", LargeBinary(64), nullable=False),
        Column("secret", LargeBinary(32), nullable=False, comment="salts this checkpoint's leaves; handed to nobody"),
    )
    head = Table(
        prefix + "checkpoint_head",
        metadata,
        Column("case_id", Id, nullable=False),
        Column("number", Integer, nullable=False, comment="the first checkpoint that sealed this head"),
        Column("length", Integer, nullable=False),
        Column("head", Digest, nullable=False),
        PrimaryKeyConstraint("case_id", "number"),
        sqlite_with_rowid=False,
    )
    return checkpoint, head


def _erasures(metadata: MetaData, prefix: str) -> Table:
    return Table(
        prefix + "erasure",
        metadata,
        Column("household_id", Id, primary_key=True, autoincrement=False),
        Column("erased_at", Instant, nullable=False),
        Column("actor", Code, nullable=False),
        Column("reason", Text, nullable=False),
        Column("document", Text, nullable=False),
        Column("on_behalf_of", Code, comment="for whom the actor acted"),
    )
