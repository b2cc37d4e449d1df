"""The guards a definition may name. Each is a pure function that returns None, or why not.

A guard's scope says what it reads, so that a village's meeting is asked about once, not a hundred
times: ``act`` guards read the act alone, ``case`` guards the household's own facts too.

Parameters mean the same in every guard: `fact`, `facts`, `day`, `start`, `end` name facts (the last three days
of the case or of its round), `field`, `fields` name what the act or the household's row gives, `deadline` a
deadline of the workflow, `waiting` states, `setting` a setting that switches the guard on, `code` a message.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from ..foundation.errors import DefinitionError
from ..foundation.messages import fault
from .values import Refusal

if TYPE_CHECKING:
    from .views import View

__all__ = ["GUARDS", "GuardSpec", "Scope", "guard", "guard_spec"]

Check = Callable[["View", Mapping[str, Any]], Refusal | None]


class Scope(StrEnum):
    """What a guard reads."""

    ACT = "act"
    CASE = "case"


@dataclass(frozen=True, slots=True)
class GuardSpec:
    """A guard: its function, what it reads, the parameters a definition must and may give."""

    name: str
    check: Check
    scope: Scope
    required: frozenset[str]
    optional: frozenset[str]
    needs_census: str = ""


GUARDS: dict[str, GuardSpec] = {}


def guard(
    name: str, scope: Scope, *, required: tuple[str, ...] = (), optional: tuple[str, ...] = (), census: str = ""
) -> Callable[[Check], Check]:
    """Register a guard under `name`. `census` names the unit level whose cases must be counted for it."""

    def register(check: Check) -> Check:
        GUARDS[name] = GuardSpec(name, check, scope, frozenset(required), frozenset(optional), census)
        return check

    return register


def guard_spec(name: str, params: Mapping[str, Any]) -> GuardSpec:
    """Return the guard called `name`; `DefinitionError` if unknown or its parameters do not fit."""
    spec = GUARDS.get(name)
    if spec is None:
        raise fault(DefinitionError, "definition.guard", name=name, known=", ".join(sorted(GUARDS)))
    missing = spec.required - set(params)
    unknown = set(params) - spec.required - spec.optional
    if missing or unknown:
        raise fault(
            DefinitionError, "definition.guard_parameters", name=name, lacking=sorted(missing), strange=sorted(unknown)
        )
    return spec


def _share(favour: int, attendees: int, percent: int) -> bool:
    # Integers only: 4 of 9 must fail at 50 % and no float may decide it.
    return attendees > 0 and favour * 100 >= attendees * percent


@guard("agreement_at_least", Scope.ACT, required=("percent",), optional=("base",))
def _agreement_at_least(view: View, params: Mapping[str, Any]) -> Refusal | None:
    favour, counted = _votes(view, params)
    if favour is None or counted is None:
        return view.refuse("refused.votes_missing")
    if _share(favour, counted, params["percent"]):
        return None
    return view.refuse("refused.agreement_below", favour=favour, attendees=counted, percent=params["percent"])


@guard("agreement_below", Scope.ACT, required=("percent",), optional=("base",))
def _agreement_below(view: View, params: Mapping[str, Any]) -> Refusal | None:
    favour, counted = _votes(view, params)
    if favour is None or counted is None:
        return view.refuse("refused.votes_missing")
    if not _share(favour, counted, params["percent"]):
        return None
    return view.refuse("refused.agreement_reached", favour=favour, attendees=counted, percent=params["percent"])


def _votes(view: View, params: Mapping[str, Any]) -> tuple[int | None, int | None]:
    """Who agreed and who is counted: all persons attending, or households by one vote each (doubt D9)."""
    if view.value(params.get("base", "attendees")) == "households":
        return view.body.get("households_in_favour"), view.body.get("households_represented")
    return view.body["in_favour"], view.body["attendees"]


@guard("minutes_complete", Scope.ACT, required=("copies", "signed_by"))
def _minutes_complete(view: View, params: Mapping[str, Any]) -> Refusal | None:
    missing = [who for who in params["signed_by"] if not view.body.get(f"signed_by_{who}")]
    if missing:
        return view.refuse("refused.minutes_unsigned", missing=", ".join(missing))
    if view.body["copies"] < params["copies"]:
        return view.refuse("refused.minutes_copies", copies=view.body["copies"], needed=params["copies"])
    return None


@guard("all_true", Scope.ACT, required=("fields", "code"))
def _all_true(view: View, params: Mapping[str, Any]) -> Refusal | None:
    missing = [name for name in params["fields"] if not view.body.get(name)]
    return view.refuse(params["code"], missing=", ".join(missing)) if missing else None


@guard("given", Scope.CASE, required=("fields", "code"), optional=("setting",))
def _given(view: View, params: Mapping[str, Any]) -> Refusal | None:
    if _switched_off(view, params):
        return None
    missing = [name for name in params["fields"] if view.given(name) in (None, "")]
    return view.refuse(params["code"], missing=", ".join(missing)) if missing else None


def _switched_off(view: View, params: Mapping[str, Any]) -> bool:
    return "setting" in params and not view.setting(params["setting"])


@guard("fact_is", Scope.CASE, required=("fact", "values"), optional=("code",))
def _fact_is(view: View, params: Mapping[str, Any]) -> Refusal | None:
    found = view.fact(params["fact"])
    if ("" if found is None else found) in params["values"]:
        return None
    expected = ", ".join(str(v) for v in params["values"])
    return view.refuse(params.get("code", "refused.fact"), fact=params["fact"], found=found, expected=expected)


@guard("count_below", Scope.CASE, required=("field", "limit"))
def _count_below(view: View, params: Mapping[str, Any]) -> Refusal | None:
    found = view.given(params["field"])
    if found is not None and found < view.value(params["limit"]):
        return None
    return view.refuse("refused.count_not_below", field=params["field"], found=found, limit=params["limit"])


@guard("count_at_least", Scope.CASE, required=("field", "limit"))
def _count_at_least(view: View, params: Mapping[str, Any]) -> Refusal | None:
    found = view.given(params["field"])
    if found is not None and found >= view.value(params["limit"]):
        return None
    return view.refuse("refused.count_below", field=params["field"], found=found, limit=params["limit"])


@guard("term_over", Scope.CASE, required=("deadline",))
def _term_over(view: View, params: Mapping[str, Any]) -> Refusal | None:
    due = view.due(params["deadline"])
    if due is not None and view.occurred_on >= due and view.now >= view.end_of(due):
        return None
    return view.refuse("refused.term_running", due=due, today=view.occurred_on)


@guard("within", Scope.CASE, required=("start", "end"))
def _within(view: View, params: Mapping[str, Any]) -> Refusal | None:
    start, end = view.day_fact(params["start"]), view.day_fact(params["end"])
    if start is not None and end is not None and start <= view.occurred_on <= end:
        return None
    return view.refuse("refused.outside_window", start=start, end=end, day=view.occurred_on)


@guard("not_within", Scope.CASE, required=("start", "end"))
def _not_within(view: View, params: Mapping[str, Any]) -> Refusal | None:
    start, end = view.day_fact(params["start"]), view.day_fact(params["end"])
    if start is None or end is None or not start <= view.occurred_on <= end:
        return None
    return view.refuse("refused.inside_window", start=start, end=end, day=view.occurred_on)


@guard("before_end_of", Scope.CASE, required=("deadline",))
def _before_end_of(view: View, params: Mapping[str, Any]) -> Refusal | None:
    due = view.due(params["deadline"])
    if due is not None and view.occurred_on <= due:
        return None
    return view.refuse("refused.term_over", due=due, day=view.occurred_on)


@guard("any_fact_in", Scope.CASE, required=("facts", "values"))
def _any_fact_in(view: View, params: Mapping[str, Any]) -> Refusal | None:
    if any(view.fact(name) in params["values"] for name in params["facts"]):
        return None
    expected = ", ".join(params["values"])
    return view.refuse("refused.fact", fact=", ".join(params["facts"]), found="–", expected=expected)


@guard("act_names_fact", Scope.CASE, required=("field", "fact", "code"))
def _act_names_fact(view: View, params: Mapping[str, Any]) -> Refusal | None:
    given, kept = view.body.get(params["field"]), view.fact(params["fact"])
    if given is not None and given == kept:
        return None
    return view.refuse(params["code"], found=given, expected=kept)


@guard("as_registered", Scope.CASE, required=("field", "fact", "code"))
def _as_registered(view: View, params: Mapping[str, Any]) -> Refusal | None:
    # A case that was opened without the fact has nothing to differ from.
    given, kept = view.given(params["field"]), view.fact(params["fact"])
    if kept is None or given == kept:
        return None
    return view.refuse(params["code"], found=given, expected=kept)


@guard("from_day", Scope.CASE, required=("day",))
def _from_day(view: View, params: Mapping[str, Any]) -> Refusal | None:
    day = view.day_fact(params["day"])
    if day is not None and view.occurred_on >= day:
        return None
    return view.refuse("refused.too_early", day=day, found=view.occurred_on)


@guard("after", Scope.CASE, required=("day",))
def _after(view: View, params: Mapping[str, Any]) -> Refusal | None:
    day = view.day_fact(params["day"])
    if day is not None and view.occurred_on > day:
        return None
    return view.refuse("refused.not_after", day=day, found=view.occurred_on)


@guard("after_last_of", Scope.CASE, required=("days",))
def _after_last_of(view: View, params: Mapping[str, Any]) -> Refusal | None:
    """Ask that the act lie after the last of the days that are known; at least one must be."""
    days = [day for name in params["days"] if (day := view.day_fact(name)) is not None]
    if days and view.occurred_on > max(days):
        return None
    return view.refuse("refused.not_after", day=max(days, default=None), found=view.occurred_on)


@guard("until", Scope.CASE, required=("day",))
def _until(view: View, params: Mapping[str, Any]) -> Refusal | None:
    day = view.day_fact(params["day"])
    if day is not None and view.occurred_on <= day:
        return None
    return view.refuse("refused.too_late", day=day, found=view.occurred_on)


@guard("until_date", Scope.CASE, required=("date",))
def _until_date(view: View, params: Mapping[str, Any]) -> Refusal | None:
    # `date` is a day of the year in which the round began: {month, day}.
    started, date_of_year = view.day_fact("started_on"), view.value(params["date"])
    last = started and started.replace(**date_of_year)
    if last is not None and view.occurred_on <= last:
        return None
    return view.refuse("refused.too_late", day=last, found=view.occurred_on)


@guard("before", Scope.CASE, required=("day",), optional=("setting",))
def _before(view: View, params: Mapping[str, Any]) -> Refusal | None:
    day = view.day_fact(params["day"])
    if _switched_off(view, params) or (day is not None and view.occurred_on < day):
        return None
    return view.refuse("refused.after_cutoff", day=day, found=view.occurred_on)


@guard("village_past", Scope.ACT, required=("waiting",), census="village")
def _village_past(view: View, params: Mapping[str, Any]) -> Refusal | None:
    return _barrier(view, params["waiting"], "refused.village_barrier")


@guard("commune_past", Scope.ACT, required=("waiting",), census="round")
def _commune_past(view: View, params: Mapping[str, Any]) -> Refusal | None:
    return _barrier(view, params["waiting"], "refused.commune_barrier")


def _barrier(view: View, waiting: list[str], code: str) -> Refusal | None:
    behind = view.census.behind(waiting)
    if behind.number == 0:
        return None
    shown = ", ".join(str(case_id) for case_id in behind.case_ids)
    return view.refuse(code, count=behind.number, cases=shown + ("…" if behind.number > len(behind.case_ids) else ""))


@guard("setting_is", Scope.ACT, required=("setting", "value"))
def _setting_is(view: View, params: Mapping[str, Any]) -> Refusal | None:
    found = view.setting(params["setting"])
    if found == params["value"]:
        return None
    return view.refuse("refused.setting", setting=params["setting"], found=found, expected=params["value"])


@guard("overdue", Scope.CASE, required=("deadline",))
def _overdue(view: View, params: Mapping[str, Any]) -> Refusal | None:
    due = view.due(params["deadline"])
    if due is not None and view.occurred_on > due:
        return None
    return view.refuse("refused.not_overdue", due=due, day=view.occurred_on)


@guard("not_by", Scope.CASE, required=("fact", "field", "setting"))
def _not_by(view: View, params: Mapping[str, Any]) -> Refusal | None:
    """Separation of duties: who did the named earlier step may not do this one, while the setting says so."""
    who = view.given(params["field"]) or view.actor
    if _switched_off(view, params) or view.fact(params["fact"]) != who:
        return None
    return view.refuse("refused.separation", actor=who)
