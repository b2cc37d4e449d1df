"""Whether a decision about a running term may be taken: authority, document, day, and what the rule allows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from ..foundation.errors import InputError
from ..foundation.messages import fault, message
from .definition import SUPERVISOR
from .values import Refusal

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from ..deadlines.calendar import Calendar
    from ..deadlines.ledger import Running
    from ..persistence.deadlines import DeadlineRow, LedgerEntry
    from .definition import DeadlineRule
    from .ledger import Order

__all__ = ["Held", "refusal_of"]


class Held(NamedTuple):
    """A deadline under lock: its rule, its ledger, its budget (None: a fixed date) and the calendar as known now."""

    row: DeadlineRow
    rule: DeadlineRule
    entries: Sequence[LedgerEntry]
    running: Running | None
    calendar: Calendar

    @property
    def counted(self) -> Running:
        """The budget of a term that is counted; `InputError` for a fixed date, which has none."""
        if self.running is None:
            raise fault(InputError, "term.fixed", id=self.row.id)
        return self.running


def refusal_of(each: Held, kind: str, order: Order, today: date, back_dating_days: int | None) -> Refusal | None:
    """Return why `order` cannot do `kind` to a deadline, or None if it can."""
    day = order.occurred_on
    if not order.document.strip():
        name = message(f"clock.kind.{kind}")
        return _refusal(each, "no_document", kind_vi=name.vi, kind_en=name.en)
    if day > today:
        return _bare(each, "refused.future", day=day, today=today)
    if back_dating_days is not None and (today - day).days > back_dating_days:
        return _bare(each, "refused.too_old", day=day, today=today, limit=back_dating_days)
    if each.row.closed_on is not None:
        return _refusal(each, "closed", closed_on=each.row.closed_on, status=each.row.status)
    roles = _roles(each.rule, kind)
    # Held on the day of the decision and today: an office that is over orders nothing by an earlier date.
    if roles and not all(order.actor.mandate_for(roles, each.row.owner_path, d) for d in (day, today)):
        return _refusal(each, "authority", actor=order.actor.key, unit=each.row.owner_path, roles=", ".join(roles))
    return _CHECKS.get(kind, _anything)(each, day)


def _roles(rule: DeadlineRule, kind: str) -> tuple[str, ...]:
    if kind == "extended":
        return (rule.extendable.by,) if rule.extendable else ()
    return (rule.owner, SUPERVISOR) if kind == "met" else (rule.suspended_by,)


def _anything(_each: Held, _day: date) -> Refusal | None:
    return None


def _suspended(each: Held, day: date) -> Refusal | None:
    if each.running is None:
        return _refusal(each, "fixed_date")
    if each.running.suspended:
        return _refusal(each, "suspended", since=each.running.pauses[-1].first)
    earliest = each.running.earliest
    if day < earliest:
        return _refusal(each, "too_early", day=day, earliest=earliest)
    if day > each.row.due_on:
        return _refusal(each, "expired", due_on=each.row.due_on, day=day)
    return None


def _resumed(each: Held, day: date) -> Refusal | None:
    if each.running is None or not each.running.suspended:
        return _refusal(each, "not_suspended")
    since = each.running.pauses[-1].first
    return _refusal(each, "too_early", day=day, earliest=since) if day < since else None


def _extended(each: Held, day: date) -> Refusal | None:
    may = each.rule.extendable
    if each.running is None:
        return _refusal(each, "fixed_date")
    if may is None:
        return _refusal(each, "not_extendable", rule_vi=each.rule.label.vi, rule_en=each.rule.label.en)
    if each.running.suspended:
        return _refusal(each, "suspended", since=each.running.pauses[-1].first)
    times = sum(entry.kind == "extended" for entry in each.entries)
    if times >= may.times:
        return _refusal(each, "extended_enough", times=times)
    if day > each.row.due_on and not may.after_expiry:
        return _refusal(each, "expired", due_on=each.row.due_on, day=day)
    return None


def _superseded(each: Held, _day: date) -> Refusal | None:
    return None if each.running is None else _refusal(each, "counted_term")


def _cancelled(each: Held, _day: date) -> Refusal | None:
    # Nothing else would ever take the case on, and the whole commune would wait for it.
    return _refusal(each, "closes_step") if each.rule.on_expiry else None


def _met(each: Held, day: date) -> Refusal | None:
    if each.row.subject != "round":
        return _refusal(each, "by_step")
    if day < each.row.started_on:
        return _refusal(each, "too_early", day=day, earliest=each.row.started_on)
    return None


_CHECKS = {
    "suspended": _suspended,
    "resumed": _resumed,
    "extended": _extended,
    "superseded": _superseded,
    "cancelled": _cancelled,
    "met": _met,
}


def _refusal(each: Held, code: str, **fields: Any) -> Refusal:
    return _bare(each, f"clock.refused.{code}", **fields)


def _bare(each: Held, code: str, **fields: Any) -> Refusal:
    case_id = each.row.subject_id if each.row.subject == "case" else None
    return Refusal(code, str(each.rule.article), {"deadline": each.row.id, **fields}, case_id)
