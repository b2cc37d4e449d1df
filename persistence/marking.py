"""What a database says of itself: whether it is for trials, when it was last written, which keys it was sealed with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlalchemy import func, select

from ..foundation.errors import InputError
from ..foundation.messages import fault
from .rounds import store_setting

if TYPE_CHECKING:
    from datetime import datetime

    from .database import Tx

__all__ = ["MARKS", "holds_secrets", "is_trial", "last_recorded", "mark_trial", "master_in_use", "signer_in_use"]

MARKS: Final = "rasoat.database"
"""Where marks stand among the stored settings: under a definition of a name that none can have."""

_TRIAL: Final = "trial"


def is_trial(tx: Tx) -> bool:
    """Whether the database was made for trials: its clock may be told, and nothing in it is evidence."""
    setting = tx.tables.setting.c
    return bool(tx.select(select(setting.value).where(setting.workflow == MARKS, setting.key == _TRIAL)))


def mark_trial(tx: Tx) -> None:
    """Mark the database as one for trials, for good; `InputError` if it holds a record that was not entered as one."""
    if is_trial(tx):
        return
    if tx.select(select(tx.tables.unit.c.path).limit(1)) or last_recorded(tx) is not None:
        raise fault(InputError, "opening.not_empty")
    store_setting(tx, "", MARKS, _TRIAL, "true")


def last_recorded(tx: Tx) -> datetime | None:
    """Return when the last event was entered; None if there is none."""
    found: datetime | None = tx.select(select(func.max(tx.tables.event.c.recorded_at)))[0][0]
    return found


def master_in_use(tx: Tx) -> str | None:
    """Return the id of a master key that wraps a household's key; None if nothing is sealed."""
    household = tx.tables.household.c
    found = tx.select(select(household.master_key_id).where(household.master_key_id != "").limit(1))
    return found[0][0] if found else None


def signer_in_use(tx: Tx) -> str | None:
    """Return the id of the key that signed the last checkpoint; None if none was taken."""
    checkpoint = tx.tables.checkpoint.c
    found = tx.select(select(checkpoint.key_id).order_by(checkpoint.number.desc()).limit(1))
    return found[0][0] if found else None


def holds_secrets(tx: Tx) -> bool:
    """Whether anything was sealed or signed with keys that must not be lost."""
    return master_in_use(tx) is not None or signer_in_use(tx) is not None
