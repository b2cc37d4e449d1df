"""A command done once: repeated under its key it is answered as before; as a preview it is not done at all."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel

from ..engine import repeating

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..persistence.database import Tx
    from .desk import Session

__all__ = ["key_of", "once", "previewed"]

M = TypeVar("M", bound=BaseModel)


class _TakenBack(Exception):  # noqa: N818  no fault: it undoes what was only tried
    pass


def once(session: Session, key: str | None, what: str, asked: BaseModel, model: type[M], do: Callable[[Tx], M]) -> M:
    """Do a command in a transaction of its own; what `do` raises undoes it, and is not remembered.

    Under a key its answer is kept with it: a repetition is answered alike, `IdempotencyError` for another body.
    """

    def said() -> dict[str, Any]:
        return {"command": what, "on_behalf_of": session.on_behalf_of, "asked": asked.model_dump(mode="json")}

    name = None if key is None else key_of(session, key)
    with session.writing() as tx:
        return repeating.once(
            tx, name, said, session.facade.clock, lambda: do(tx),
            write=lambda answer: answer.model_dump(mode="json", by_alias=True), read=model.model_validate,
        )  # fmt: skip


def previewed(session: Session, do: Callable[[Tx], M]) -> M:
    """Return what a command would answer; its transaction is rolled back."""
    answers: list[M] = []
    with suppress(_TakenBack), session.writing() as tx:
        answers.append(do(tx))
        raise _TakenBack
    return answers[0]


def key_of(session: Session, key: str) -> str:
    """Return a caller's own key: two callers may choose the same word, and their own keys may hold colons."""
    caller = session.principal.key.replace("%", "%25").replace(":", "%3A")
    return f"{caller}:{key}"
