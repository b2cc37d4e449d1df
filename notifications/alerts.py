"""Alerts about single cases, and how they are grouped: a hundred households at one step are one notice."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Literal

from ..foundation.errors import InputError
from ..foundation.messages import Text
from .kinds import DATED, check_details

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date

    from .kinds import Kind
    from .model import Severity

__all__ = ["Alert", "Counting", "Notice", "group", "group_subject"]

Counting = Literal["household", "person", "case", "round"]

_NOWHERE = Text("", "")


@dataclass(frozen=True, slots=True)
class Alert:
    """One fact that a role in a unit must learn of: about one case, or about `count` told of together.

    `subject` and `rung` name the fact for ever (``deadline:812``, ``T-2``). How many days are left is
    not here: it depends on the day the message is written. `details` holds what only this kind of
    message says, as JSON values (see `kinds.DETAILS`; labels as ``{"vi": …, "en": …}``, days as ISO
    strings). `about` is the path of the unit in which it happens: days are counted by that unit's calendar.
    `case_link` leads to the case, `list_link` to the list it stands in; both are paths below
    the installation's address. `over` is an event whose term runs no more: it is told as what happened, not as overdue.
    """

    subject: str
    kind: Kind
    rung: str
    severity: Severity
    role: str
    unit: str
    desk: Text = _NOWHERE
    step: Text = _NOWHERE
    village: str = ""
    about: str = ""
    households: tuple[str, ...] = ()
    count: int = 1
    counting: Counting = "household"
    due_on: date | None = None
    article: str = ""
    case_link: str = ""
    list_link: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)
    over: bool = False

    def __post_init__(self) -> None:
        """Refuse an alert that no message could be written from."""
        if self.count < 1:
            msg = f"alert {self.subject}: it is about {self.count} of them; at least one is expected"
            raise InputError(msg)
        check_details(self.kind, self.details)
        if self.kind in DATED and self.due_on is None:
            msg = f"alert {self.subject}: a {self.kind} alert needs due_on, the last day"
            raise InputError(msg)


@dataclass(frozen=True, slots=True)
class Notice:
    """Alerts that say the same about many subjects, told as one: the first alert stands for all."""

    like: Alert
    counts: Mapping[str, int]
    households: tuple[str, ...]

    @property
    def subjects(self) -> tuple[str, ...]:
        """What the alerts are about, each once, in order."""
        return tuple(sorted(self.counts))

    @property
    def subject(self) -> str:
        """What the notice is about: the one subject, or a name drawn from all of them."""
        return group_subject(self.subjects)

    @property
    def count(self) -> int:
        """How many households (cases, persons) it concerns."""
        return sum(self.counts.values())

    @property
    def link(self) -> str:
        """The path to the case when there is one, else to the list."""
        return self.like.case_link if self.count == 1 else self.like.list_link


def group(alerts: Iterable[Alert]) -> tuple[Notice, ...]:
    """Return one notice per audience, rung, village, step, last day and content, in order of first appearance.

    An alert given twice counts once.
    """
    heaps: dict[tuple[object, ...], list[Alert]] = defaultdict(list)
    for alert in alerts:
        heaps[_sameness(alert)].append(alert)
    return tuple(_notice(heap) for heap in heaps.values())


def group_subject(subjects: Sequence[str]) -> str:
    """Return the subject that stands for `subjects`: itself if single, else a digest independent of their order."""
    distinct = sorted(set(subjects))
    if len(distinct) == 1:
        return distinct[0]
    return "group:" + sha256("\n".join(distinct).encode()).hexdigest()[:32]


def _sameness(alert: Alert) -> tuple[object, ...]:
    return (
        alert.kind,
        alert.rung,
        alert.severity,
        alert.role,
        alert.counting,
        alert.unit,
        alert.desk,
        alert.step,
        alert.about,
        alert.village,
        alert.due_on,
        alert.article,
        alert.over,
        json.dumps(alert.details, sort_keys=True, ensure_ascii=False),
    )


def _notice(heap: list[Alert]) -> Notice:
    counts = {alert.subject: alert.count for alert in heap}
    households = tuple(sorted({code for alert in heap for code in alert.households}))
    return Notice(heap[0], counts, households)
