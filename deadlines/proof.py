"""The proof of a last day: every day from the start, counted or not, and why. For a complainant and an auditor."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import timedelta
from enum import StrEnum
from itertools import groupby
from textwrap import wrap
from typing import TYPE_CHECKING, Any

from ..foundation.clock import end_of
from ..foundation.messages import Language, Text, text
from .calendar import DayKind
from .ledger import Running
from .terms import Unit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import date, datetime

    from .calendar import Calendar, DayFact
    from .ledger import Pause
    from .terms import Term

__all__ = ["Change", "Proof", "ProofDay", "Step", "prove"]

_WIDTH = 92
_ONE_PAGE = 36  # lines of single days that leave room for head and foot on one A4 page


class Step(StrEnum):
    """What a day does in the count."""

    START = "start"  # the day of the event, not counted
    COUNTED = "counted"
    SKIPPED = "skipped"  # a day off inside a term of working days
    ROLLED = "rolled"  # the term's last day was a day off, so the term runs on
    SUSPENDED = "suspended"  # the term stood still


@dataclass(frozen=True, slots=True)
class ProofDay:
    """One day of the count; `number` is its place in the term, None if it is not counted."""

    day: date
    step: Step
    number: int | None
    fact: DayFact


@dataclass(frozen=True, slots=True)
class Change:
    """A decision that moved the last day: `kind` is suspended, resumed or extended, `day` the one from which it holds.

    `length` is what a suspended term had used until then, or by how much an extension lengthened it; `unit` its unit.
    """

    kind: str
    day: date
    document: str
    length: int | None = None
    unit: Unit | None = None


@dataclass(frozen=True, slots=True)
class Proof:
    """Why a term that began on `start` ends on `due_on`, on one calendar release.

    `term` is the whole one, with what `changes` added to it; `start` is the day of its event.
    """

    term: Term
    start: date
    due_on: date
    calendar: str
    confirmed_through: date
    days: tuple[ProofDay, ...]
    undecided: tuple[DayFact, ...] = ()
    changes: tuple[Change, ...] = ()

    @property
    def due_at(self) -> datetime:
        """Return the instant at which the term is over: 24:00 of the last day."""
        return end_of(self.due_on)

    @property
    def provisional(self) -> bool:
        """Say whether the last day rests on days that are not decided yet."""
        return self.due_on > self.confirmed_through or bool(self.undecided)

    @property
    def provisos(self) -> tuple[Text, ...]:
        """Return why the last day is provisional, a sentence each; nothing if it is firm."""
        past = self.due_on > self.confirmed_through
        horizon = [text("due.provisional", day=f"{self.confirmed_through:%d/%m/%Y}")] if past else []
        return (*horizon, *(_both("due.undecided", day=_named(fact.day), name=fact.name) for fact in self.undecided))

    def as_dict(self) -> dict[str, Any]:
        """Return the proof in its documented JSON shape (docs/calendar.md)."""
        return {
            "start": self.start.isoformat(),
            "length": self.term.length,
            "unit": str(self.term.unit),
            "article": self.term.article,
            "counting": asdict(self.term.counting),
            "due_on": self.due_on.isoformat(),
            "due_at": self.due_at.isoformat(),
            "provisional": self.provisional,
            "calendar": self.calendar,
            "confirmed_through": self.confirmed_through.isoformat(),
            "undecided": [fact.day.isoformat() for fact in self.undecided],
            "changes": [_change_dict(each) for each in self.changes],
            "days": [_day_dict(each) for each in self.days],
        }

    def render(self, language: Language, *, about: str = "") -> str:
        """Return the proof as one printable page of plain text; `about` names the case it belongs to."""
        return "\n".join(_page(self, about, lambda words: words.within(language))) + "\n"


def prove(
    term: Term, start: date, calendar: Calendar, *, pauses: tuple[Pause, ...] = (), changes: tuple[Change, ...] = ()
) -> Proof:
    """List each day from `start` to the last day of `term`, which stood still in `pauses`; `changes` say by what."""
    due_on = Running(term, start, pauses).due_on(calendar)
    listed = _working if term.unit is Unit.WORKING_DAYS else _solar
    days = tuple(listed(term, start, due_on, calendar, pauses))
    undecided = term.undecided(start, due_on, calendar)
    return Proof(term, start, due_on, calendar.key, calendar.confirmed_through, days, undecided, changes)


def _working(
    term: Term, start: date, due_on: date, calendar: Calendar, pauses: tuple[Pause, ...]
) -> Iterator[ProofDay]:
    number = 0
    for day in _days(start, due_on):
        fact = calendar.fact(day)
        if day == start and term.counting.first_day_excluded:
            yield ProofDay(day, Step.START, None, fact)
        elif _stands_still(day, pauses):
            yield ProofDay(day, Step.SUSPENDED, None, fact)
        elif calendar.is_working(day, makeup_counts=term.counting.makeup_counts):
            number += 1
            yield ProofDay(day, Step.COUNTED, number, fact)
        else:
            yield ProofDay(day, Step.SKIPPED, None, fact)


def _solar(term: Term, start: date, due_on: date, calendar: Calendar, pauses: tuple[Pause, ...]) -> Iterator[ProofDay]:
    excluded = term.counting.first_day_excluded
    budget = (term.unrolled(start) - start).days + (not excluded)
    number = 0
    for day in _days(start, due_on):
        fact = calendar.fact(day)
        if day == start and excluded:
            yield ProofDay(day, Step.START, None, fact)
        elif _stands_still(day, pauses):
            yield ProofDay(day, Step.SUSPENDED, None, fact)
        elif number == budget:
            yield ProofDay(day, Step.ROLLED, None, fact)
        else:
            number += 1
            yield ProofDay(day, Step.COUNTED, number, fact)


def _stands_still(day: date, pauses: tuple[Pause, ...]) -> bool:
    return any(pause.first <= day and (pause.resumed is None or day < pause.resumed) for pause in pauses)


def _days(first: date, last: date) -> Iterator[date]:
    return (first + timedelta(days=offset) for offset in range((last - first).days + 1))


def _day_dict(each: ProofDay) -> dict[str, Any]:
    fact = each.fact
    return {
        "day": each.day.isoformat(),
        "weekday": each.day.isoweekday(),
        "step": str(each.step),
        "number": each.number,
        "kind": str(fact.kind),
        "name": {"vi": fact.name.vi, "en": fact.name.en},
        "decision": fact.decision,
        "decided_on": fact.decided_on.isoformat() if fact.decided_on else None,
        "source": fact.source,
        "tag": fact.tag,
    }


def _change_dict(change: Change) -> dict[str, Any]:
    return {
        "kind": change.kind,
        "day": change.day.isoformat(),
        "document": change.document,
        "length": change.length,
        "unit": change.unit and str(change.unit),
    }


def _page(proof: Proof, about: str, say: Callable[[Text], str]) -> Iterator[str]:
    yield from (say(text("proof.title")), "")
    if about:
        yield say(text("proof.about", about=about))
    term = proof.term
    length = _both("proof.length." + term.unit, length=term.length)
    article = Text(f" ({term.article})", f" ({term.article})") if term.article else Text("", "")
    yield say(_both("proof.term", length=length, article=article))
    yield say(_both("proof.start", day=_named(proof.start)))
    yield say(_both("proof.due", day=_named(proof.due_on)))
    if proof.changes:
        yield from ("", say(text("proof.changes")))
        yield from (line for change in proof.changes for line in _wrapped(say(_changed(change))))
    yield from (
        "",
        *(line for rule in _rules(proof) for line in _wrapped(say(rule))),
    )
    yield from ("", say(text("proof.days")))
    for group in _groups(proof):
        yield from _lines(group, proof, say)
    yield ""
    sources = dict.fromkeys(each.fact.source for each in proof.days if each.fact.source)
    if sources:
        yield say(text("proof.sources"))
        yield from (line for source in sources for line in _wrapped(source))
    yield from ("", say(text("proof.signature")))


def _changed(change: Change) -> Text:
    length = _both(f"proof.length.{change.unit}", length=change.length) if change.unit else Text("", "")
    return _both(f"proof.change.{change.kind}", day=_named(change.day), document=change.document, length=length)


def _rules(proof: Proof) -> Iterator[Text]:
    counting, unit = proof.term.counting, proof.term.unit
    yield text("proof.rule.first_excluded" if counting.first_day_excluded else "proof.rule.first_counted")
    if unit is Unit.WORKING_DAYS:
        yield text("proof.rule.working_days")
    elif counting.roll_end:
        yield text("proof.rule.roll")
    else:
        yield text("proof.rule.no_roll")
    if any(each.fact.kind is DayKind.MAKEUP for each in proof.days):
        yield text("proof.rule.makeup_counts" if counting.makeup_counts else "proof.rule.makeup_skipped")
    yield text("proof.rule.calendar", key=proof.calendar, day=f"{proof.confirmed_through:%d/%m/%Y}")
    if proof.due_on > proof.confirmed_through:
        yield text("proof.rule.provisional")
    if proof.undecided:
        yield text("proof.rule.undecided", days=", ".join(f"{fact.day:%d/%m/%Y}" for fact in proof.undecided))


def _groups(proof: Proof) -> list[list[ProofDay]]:
    """Return single days while they fit on a page, else runs of days with the same reason."""
    if len(proof.days) <= _ONE_PAGE:
        return [[each] for each in proof.days]
    return [list(run) for _, run in groupby(proof.days, key=lambda each: _sameness(each, proof))]


def _sameness(each: ProofDay, proof: Proof) -> tuple[object, ...]:
    """Return what days must share to stand on one line: in a term of calendar days all counted days are alike."""
    decided = each.day <= proof.confirmed_through
    if each.step is Step.COUNTED and proof.term.unit is not Unit.WORKING_DAYS and each.day != proof.due_on:
        return each.step, decided
    if each.step is Step.SUSPENDED:
        return each.step, decided
    return each.step, decided, each.fact.kind, each.fact.name, each.day == proof.due_on


def _lines(group: list[ProofDay], proof: Proof, say: Callable[[Text], str]) -> Iterator[str]:
    first, last = group[0], group[-1]
    label = f"{say(_weekday(first.day)):<10}{first.day:%d/%m/%Y}"
    if last is not first:
        label += f" – {say(_weekday(last.day)):<10}{last.day:%d/%m/%Y}"
    number = "" if first.number is None else str(first.number) if last is first else f"{first.number}–{last.number}"
    head = f"  {label}  {number:>4}  "
    reason = say(_reason(group, proof))
    if last.day > proof.confirmed_through:
        reason += say(text("proof.expected"))
    yield from _wrapped(reason, head, " " * len(head))


def _reason(group: list[ProofDay], proof: Proof) -> Text:
    each = group[-1]
    if each.step is Step.SUSPENDED:
        return text("proof.step.suspended")
    if len({member.fact.name for member in group}) > 1:
        return text("proof.step.counted_run")
    name = each.fact.name
    if each.fact.decision:
        name = Text(f"{name.vi} ({each.fact.decision})", f"{name.en} ({each.fact.decision})")
    is_last = each.day == proof.due_on and each.step in {Step.COUNTED, Step.ROLLED}
    return _both(f"proof.step.{each.step}_last" if is_last else f"proof.step.{each.step}", name=name)


def _wrapped(sentence: str, first: str = "- ", following: str = "  ") -> list[str]:
    return wrap(
        sentence,
        _WIDTH,
        initial_indent=first,
        subsequent_indent=following,
        break_on_hyphens=False,
        break_long_words=False,
    )


def _named(day: date) -> Text:
    names = _weekday(day)
    return Text(f"{names.vi}, {day:%d/%m/%Y}", f"{names.en}, {day:%d/%m/%Y}")


def _weekday(day: date) -> Text:
    return text(f"calendar.weekday.{day.isoweekday()}")


def _both(code: str, **fields: object) -> Text:
    """Fill a message whose fields are themselves in two languages."""
    vi = text(code, **{k: v.vi if isinstance(v, Text) else v for k, v in fields.items()}).vi
    en = text(code, **{k: v.en if isinstance(v, Text) else v for k, v in fields.items()}).en
    return Text(vi, en)
