"""Who holds a role in a unit on a day, and who is told when nobody does."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from ..engine.definition import SUPERVISOR
from ..foundation.errors import NotFoundError
from ..foundation.messages import fault
from ..foundation.paths import parent
from .model import Recipient

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from ..foundation.messages import Language
    from .preferences import Preferences

__all__ = ["COMMITTEE", "Absence", "Climb", "Directory", "Person", "Post", "Resolution", "StaffDirectory", "resolve"]


COMMITTEE = "committee"
"""The role of a steering committee (Ban Chỉ đạo), which oversees where there is no supervisor."""


class Directory(Protocol):
    """What a host provides to plug in its own staff directory."""

    def holders(self, role: str, unit_path: str, on: date) -> tuple[Recipient, ...]:
        """Return who is to be told on the day `on` for `role` in the very unit `unit_path`; empty if nobody."""
        ...

    def preferences(self, key: str) -> Preferences:
        """Return the wishes of the recipient `key`."""
        ...

    def superior(self, role: str) -> str:
        """Return the role that answers for `role` one level up (`role` itself where it exists at every level)."""
        ...


@dataclass(frozen=True, slots=True)
class Climb:
    """Nobody held `role` at `unit`, so the next level up was asked."""

    role: str
    unit: str


@dataclass(frozen=True, slots=True)
class Resolution:
    """Who is to be told, and which levels had nobody. Without recipients even the top level had nobody."""

    recipients: tuple[Recipient, ...]
    climbed: tuple[Climb, ...]


def resolve(directory: Directory, role: str, unit_path: str, on: date) -> Resolution:
    """Return the holders of `role` at `unit_path` on `on`, or of the next level up that has any.

    Where nobody up to the top supervises, the steering committees (Ban Chỉ đạo) from that unit upward are told instead:
    a term that ran out must reach somebody.
    """
    found = _climb(directory, role, unit_path, on)
    if found.recipients or role != SUPERVISOR:
        return found
    instead = _climb(directory, COMMITTEE, unit_path, on)
    return Resolution(instead.recipients, (*found.climbed, *instead.climbed))


def _climb(directory: Directory, role: str, unit_path: str, on: date) -> Resolution:
    climbed: list[Climb] = []
    level: str | None = unit_path
    while level is not None:
        recipients = directory.holders(role, level, on)
        if recipients:
            return Resolution(recipients, tuple(climbed))
        climbed.append(Climb(role, level))
        role, level = directory.superior(role), parent(level)
    return Resolution((), tuple(climbed))


@dataclass(frozen=True, slots=True)
class Person:
    """Someone who can be told things."""

    key: str
    name: str
    language: Language
    addresses: Mapping[str, str]
    preferences: Preferences


@dataclass(frozen=True, slots=True)
class Post:
    """`person` holds `role` in `unit`, both days included; open-ended where a day is missing."""

    person: str
    role: str
    unit: str
    first: date | None = None
    last: date | None = None

    def covers(self, on: date) -> bool:
        """Return whether the post is held on `on`."""
        return _within(on, self.first, self.last)


@dataclass(frozen=True, slots=True)
class Absence:
    """`person` is away from `first` to `last`, both included; `deputy` is told instead, or nobody."""

    person: str
    first: date
    last: date
    deputy: str | None = None

    def covers(self, on: date) -> bool:
        """Return whether the person is away on `on`."""
        return _within(on, self.first, self.last)


@dataclass(frozen=True, slots=True)
class StaffDirectory:
    """A directory held in memory; `directory_file.load` reads one from TOML.

    `superiors` maps a role to the one that answers for it one level up.
    """

    people: Mapping[str, Person]
    posts: tuple[Post, ...]
    absences: tuple[Absence, ...] = ()
    superiors: Mapping[str, str] = field(default_factory=dict)
    _by_desk: dict[tuple[str, str], list[Post]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Index the posts by role and unit."""
        index: dict[tuple[str, str], list[Post]] = {}
        for post in self.posts:
            index.setdefault((post.role, post.unit), []).append(post)
        object.__setattr__(self, "_by_desk", index)

    def holders(self, role: str, unit_path: str, on: date) -> tuple[Recipient, ...]:
        """Return the holders of `role` at `unit_path` on `on`, each replaced by a deputy while away."""
        posts = [post for post in self._by_desk.get((role, unit_path), ()) if post.covers(on)]
        present = (self._present(post.person, on) for post in posts)
        keys = dict.fromkeys(key for key in present if key is not None)
        return tuple(self._recipient(key, role, unit_path) for key in keys)

    def preferences(self, key: str) -> Preferences:
        """Return the wishes of the person `key`."""
        return self.people[key].preferences

    def superior(self, role: str) -> str:
        """Return the role that answers for `role` one level up."""
        return self.superiors.get(role, role)

    def watcher(self) -> str | None:
        """Return the role that is told what a supervisor must learn; None if nobody ever holds any such role."""
        held = {post.role for post in self.posts}
        return next((role for role in (SUPERVISOR, self.superior(SUPERVISOR), COMMITTEE) if role in held), None)

    def recipient(self, key: str) -> Recipient:
        """Return a person by key, at the first post they hold if any; `NotFoundError` if there is no such person."""
        if key not in self.people:
            raise fault(NotFoundError, "directory.nobody", key=key, known=", ".join(sorted(self.people)))
        post = next((post for post in self.posts if post.person == key), None)
        return self._recipient(key, post.role if post else "", post.unit if post else "")

    def _present(self, key: str, on: date) -> str | None:
        """Follow the chain of deputies to someone who is there; None if it ends, or runs in a circle."""
        seen: set[str] = set()
        person: str | None = key
        while person is not None and person not in seen:
            away = next((a for a in self.absences if a.person == person and a.covers(on)), None)
            if away is None:
                return person
            seen.add(person)
            person = away.deputy
        return None

    def _recipient(self, key: str, role: str, unit: str) -> Recipient:
        person = self.people[key]
        return Recipient(key, person.name, role, unit, person.language, person.addresses)


def _within(on: date, first: date | None, last: date | None) -> bool:
    return (first is None or first <= on) and (last is None or on <= last)
