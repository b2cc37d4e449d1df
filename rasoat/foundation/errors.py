"""One tree of faults. A refusal of a legal act is not here: it is a value (`rasoat.engine`)."""

from __future__ import annotations

from typing import ClassVar

__all__ = [
    "CalendarError",
    "ConflictError",
    "DefinitionError",
    "IdempotencyError",
    "InputError",
    "IntegrityError",
    "NotFoundError",
    "PermissionDeniedError",
    "RasoatError",
    "StorageError",
]


class RasoatError(Exception):
    """A fault: what was wrong, where, what was expected, what to do.

    `code` is stable and meant for programs, `retryable` says whether the same call may
    succeed later unchanged, `article` names the legal provision when one is concerned,
    `vi` is the message in Vietnamese where the catalogue has it (`messages.fault`).
    """

    code: ClassVar[str] = "error"
    retryable: ClassVar[bool] = False

    def __init__(self, message: str, *, article: str | None = None, vi: str | None = None) -> None:
        super().__init__(message)
        self.article = article
        self.vi = vi


class InputError(RasoatError, ValueError):
    """A value given by the caller is malformed."""

    code = "input"


class NotFoundError(RasoatError, LookupError):
    """Something was named that does not exist."""

    code = "not_found"


class CalendarError(RasoatError, ValueError):
    """A calendar is unknown, or does not cover the day that was asked for."""

    code = "calendar"


class DefinitionError(RasoatError, ValueError):
    """A workflow definition, a plan or a ladder is faulty. Raised at load, before any case runs."""

    code = "definition"


class StorageError(RasoatError):
    """The database refused or could not be reached."""

    code = "storage"


class ConflictError(StorageError):
    """Another writer changed the case first. Load it again and decide anew."""

    code = "conflict"
    retryable = True


class IntegrityError(StorageError):
    """Stored data contradicts itself (a broken event chain, a head that does not match)."""

    code = "integrity"


class IdempotencyError(RasoatError):
    """An idempotency key was used again with another body."""

    code = "idempotency"


class PermissionDeniedError(RasoatError):
    """The caller may not read or do this at all (a legal refusal of one case is a value instead)."""

    code = "permission"
