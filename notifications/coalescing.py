"""Storm control for one recipient on one channel: one term is told once, a backlog becomes one catch-up."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from itertools import chain
from typing import TYPE_CHECKING

from ..foundation.errors import InputError
from ..foundation.messages import fault
from .alerts import Notice, group_subject
from .model import gravest

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from .model import Severity

__all__ = ["Parcel", "coalesce"]

_OF_A_TERM = ("deadline", "season_lost", "breach")
"""What may be told of one and the same term, from the mildest to the gravest."""


@dataclass(frozen=True, slots=True)
class Parcel:
    """What goes out as one message: `notices` to be told, `covered` facts it settles (subject, rung)."""

    notices: tuple[Notice, ...]
    covered: tuple[tuple[str, str], ...]

    @property
    def is_catch_up(self) -> bool:
        """Whether several notices are gathered into one list."""
        return len(self.notices) > 1

    @property
    def severity(self) -> Severity:
        """The gravest severity inside."""
        return gravest(tuple(notice.like.severity for notice in self.notices))

    @property
    def subject(self) -> str:
        """What the message is about, the same whenever the same facts are gathered."""
        if not self.is_catch_up:
            return self.notices[0].subject
        return group_subject([f"{subject}@{rung}" for subject, rung in self.covered])

    @property
    def rung(self) -> str:
        """The rung told: the latest of a single notice, ``catch-up`` of a list."""
        return "catch-up" if self.is_catch_up else self.notices[0].like.rung


def coalesce(notices: Sequence[Notice], *, limit: int) -> tuple[Parcel, ...]:
    """Return the messages in which `notices`, oldest first, reach one recipient over one channel.

    Notices that differ only in rung, severity or the role addressed (missed rungs of one term, released
    together) merge into the latest. What is told of a term then stands for the milder things there would be to tell of
    it: a breach for the rung and the lost season, the lost season for the rung. If more than `limit` remain, all go
    into one catch-up. Every fact given in is covered by exactly one parcel.
    """
    if limit < 1:
        raise fault(InputError, "sending.limit", limit=limit)
    merged: dict[tuple[object, ...], list[Notice]] = {}
    for notice in notices:
        merged.setdefault(_matter(notice), []).append(notice)
    parcels = _once_a_term([Parcel((_merge(heap),), _facts(heap)) for heap in merged.values()])
    if len(parcels) <= limit:
        return parcels
    covered = dict.fromkeys(chain.from_iterable(parcel.covered for parcel in parcels))
    return (Parcel(tuple(parcel.notices[0] for parcel in parcels), tuple(covered)),)


def _matter(notice: Notice) -> tuple[object, ...]:
    like = notice.like
    details = json.dumps(like.details, sort_keys=True, ensure_ascii=False)
    return (like.kind, like.desk, like.step, like.about, like.village, like.due_on, like.article, details)


def _once_a_term(parcels: Sequence[Parcel]) -> tuple[Parcel, ...]:
    """Let the gravest thing told of each term stand for the milder ones."""
    terms: dict[tuple[object, ...], list[Parcel]] = {}
    for parcel in parcels:
        terms.setdefault(_term(parcel.notices[0]), []).append(parcel)
    return tuple(told for alike in terms.values() for told in _gravest(alike))


def _gravest(alike: Sequence[Parcel]) -> Iterator[Parcel]:
    """Yield what is left to tell of a term: the milder only where it is about more than the gravest is."""
    top = max(map(_gravity, alike))
    first, *others = (parcel for parcel in alike if _gravity(parcel) == top)
    about = sum(parcel.notices[0].count for parcel in (first, *others))
    milder = [parcel for parcel in alike if _gravity(parcel) < top]
    yield _standing_for(first, [parcel for parcel in milder if parcel.notices[0].count <= about])
    yield from others
    yield from (parcel for parcel in milder if parcel.notices[0].count > about)


def _standing_for(parcel: Parcel, milder: Sequence[Parcel]) -> Parcel:
    notice = parcel.notices[0]
    severity = gravest(tuple(each.severity for each in (parcel, *milder)))
    covered = dict.fromkeys(chain.from_iterable(each.covered for each in (parcel, *milder)))
    return Parcel((replace(notice, like=replace(notice.like, severity=severity)),), tuple(covered))


def _gravity(parcel: Parcel) -> int:
    kind = parcel.notices[0].like.kind
    return _OF_A_TERM.index(kind) if kind in _OF_A_TERM else len(_OF_A_TERM)


def _term(notice: Notice) -> tuple[object, ...]:
    """Return the term a notice is about; for kinds that say something of their own, the matter itself."""
    like = notice.like
    of_term = (like.desk, like.step, like.about or like.village, like.due_on, like.article)
    return of_term if like.kind in _OF_A_TERM else _matter(notice)


def _merge(heap: list[Notice]) -> Notice:
    latest = heap[-1]
    severity = gravest(tuple(notice.like.severity for notice in heap))
    return Notice(
        like=replace(latest.like, severity=severity),
        counts={subject: count for notice in heap for subject, count in notice.counts.items()},
        households=tuple(sorted({code for notice in heap for code in notice.households})),
    )


def _facts(heap: list[Notice]) -> tuple[tuple[str, str], ...]:
    return tuple(dict.fromkeys((subject, notice.like.rung) for notice in heap for subject in notice.subjects))
