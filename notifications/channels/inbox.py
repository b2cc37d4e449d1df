"""In-app inbox: the message is stored where the recipient's pages read it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from ..model import Receipt

if TYPE_CHECKING:
    from ..model import Message

__all__ = ["InboxChannel", "InboxStore"]


class InboxStore(Protocol):
    """Keeps messages by id."""

    def put(self, message: Message) -> bool:
        """Keep `message`; return False, changing nothing, if its id is already there."""
        ...


class InboxChannel:
    """Puts the message into a store, once."""

    guarantee = "exactly once; the message id is unique in the inbox"

    def __init__(self, store: InboxStore, *, name: str = "inbox") -> None:
        self.name = name
        self._store = store

    def send(self, message: Message) -> Receipt:
        """Store the message; a second attempt changes nothing."""
        new = self._store.put(message)
        return Receipt(message.id, "stored" if new else "was stored before")
