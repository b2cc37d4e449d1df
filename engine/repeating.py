"""A command done once: under its key the same is answered as before, and another is refused."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, TypeVar

from ..foundation.errors import InputError
from ..foundation.messages import fault
from ..persistence.canonical import canonical_json
from ..persistence.chain import act_hash
from ..persistence.rounds import answered, remember_answer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ..foundation.clock import Clock
    from ..persistence.database import Tx

__all__ = ["once"]

_Answer = TypeVar("_Answer")


def once(
    tx: Tx,
    key: str | None,
    asked: Callable[[], Mapping[str, Any]],
    clock: Clock,
    do: Callable[[], _Answer],
    *,
    write: Callable[[_Answer], Mapping[str, Any]],
    read: Callable[[Any], _Answer],
    keeps: Callable[[_Answer], bool] = lambda _: True,
) -> _Answer:
    """Do a command, or answer as the same command was answered under `key` before.

    `asked` says all that the key stands for, `write` and `read` turn an answer into canonical JSON and back. An answer
    that `keeps` rejects (nothing was done) is not remembered. `IdempotencyError` for a key used with another command,
    `InputError` for an empty one.
    """
    if key is None:
        return do()
    if not key.strip():
        raise fault(InputError, "idempotency.empty")
    digest = act_hash(asked())
    before = answered(tx, key, digest)
    if before is not None:
        return read(json.loads(before))
    answer = do()
    if keeps(answer):
        remember_answer(tx, key, digest, canonical_json(dict(write(answer))).decode(), clock.now())
    return answer
