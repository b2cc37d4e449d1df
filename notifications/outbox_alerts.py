"""Outbox rows → alerts: names for codes, facts that are no longer so left out, the same fact counted once."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass, field, replace
from datetime import date
from typing import TYPE_CHECKING, Any, NamedTuple

from ..engine.definition import SUPERVISOR
from ..foundation.clock import legal_date
from ..foundation.errors import InputError, RasoatError
from ..foundation.messages import Text, codes, fault, message
from ..foundation.paths import parent
from .alerts import Alert

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from ..deadlines.calendar import Calendar
    from ..engine.definition import Workflow
    from ..persistence.outbox import OutboxRow
    from .alerts import Counting
    from .kinds import Kind
    from .model import Severity

__all__ = ["RAISED", "Codes", "Known", "Names", "Reading", "read", "rounds_and_paths"]


@dataclass(frozen=True, slots=True)
class Names:
    """What units, roles and steps are called. `units` gives names by path, `workflow` a definition by its id."""

    units: Mapping[str, str]
    workflow: Callable[[str], Workflow]

    def unit(self, path: str) -> str:
        """Return a unit's name; its path where no unit is registered."""
        return self.units.get(path, path)

    def place(self, about: str, role: str, unit: str) -> str:
        """Return where something is, as the holder of `role` in `unit` needs it: ``Thôn 1, Xã Cẩm Duệ``.

        A supervisor is told the same name at every level, so that rungs told at different levels are one matter.
        """
        reader = about.split("/", maxsplit=1)[0] if role == SUPERVISOR else unit
        parts = [self.unit(about)]
        above = parent(about)
        while above is not None and above.startswith(reader + "/"):
            parts.append(self.unit(above))
            above = parent(above)
        return ", ".join(parts)

    def role(self, role: str, workflow: str = "") -> Text:
        """Return a role's name in a workflow; the code itself where nobody names it."""
        if role == SUPERVISOR:
            return message("delivery.role.supervisor")
        known = self.workflow(workflow).roles.get(role) if workflow else None
        return known.label if known else Text(role, role)

    def desk(self, role: str, path: str, workflow: str) -> Text:
        """Return whose desk it is: the office and its unit."""
        label, unit = self.role(role, workflow), self.unit(path)
        return Text(f"{label.vi}, {unit}", f"{label.en}, {unit}")


@dataclass(frozen=True, slots=True)
class Codes:
    """Codes of the households concerned, as far as messages may show them (see `persistence.telling`)."""

    running: Mapping[tuple[int, str, str, date], tuple[str, ...]] = field(default_factory=dict)
    breached: Mapping[tuple[int, str, str, date], tuple[str, ...]] = field(default_factory=dict)
    waiting: Mapping[tuple[int, str, str], tuple[str, ...]] = field(default_factory=dict)
    cases: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Known:
    """What is so just now: `terms` and `waiting` count open deadlines and cases (see `persistence.outbox`).

    `list_link` is a path below the installation's address with the fields {unit}, {round} and {rule}. `codes` are
    empty where messages name no household.
    """

    names: Names
    today: date
    calendar: Callable[[str], Calendar]
    terms: Mapping[tuple[int, str, str, date], int]
    waiting: Mapping[tuple[int, str, str], int]
    list_link: str = ""
    codes: Codes = field(default_factory=Codes)


@dataclass(frozen=True, slots=True)
class Reading:
    """What rows say: `alerts`, the `rows` behind each (subject, rung), those moot by now, and those nobody can read."""

    alerts: tuple[Alert, ...]
    rows: Mapping[tuple[str, str], tuple[str, ...]]
    moot: tuple[str, ...]
    faulty: Mapping[str, str]


class _Read(NamedTuple):
    """One row's alert, the matter it is about (whatever the rung or the office told), and how many still concern it."""

    row: OutboxRow
    alert: Alert
    matter: tuple[object, ...]
    still: int | None


def read(rows: Iterable[OutboxRow], known: Known) -> Reading:
    """Return the alerts that outbox rows make as things stand now.

    Rows about the same matter share their subject, so that missed rungs merge and no household counts twice; at the
    same rung their counts add up. What has been done meanwhile is told no more, and no alert counts more than is left.
    """
    found: list[_Read] = []
    moot: list[str] = []
    faulty: dict[str, str] = {}
    for row in rows:
        try:
            one = _read(row, known)
        except (RasoatError, KeyError, TypeError, ValueError) as error:
            faulty[row.id] = f"{type(error).__name__}: {error}"
            continue
        if one.still == 0:
            moot.append(row.id)
        else:
            found.append(one)
    alerts, behind = _joined(found)
    return Reading(tuple(alerts), behind, tuple(moot), faulty)


def rounds_and_paths(rows: Iterable[OutboxRow]) -> tuple[list[int], list[str]]:
    """Return the rounds and the units that rows are about: what to ask the database for before `read`."""
    rounds, paths = set(), set()
    for row in rows:
        paths.add(row.about_path)
        try:
            rounds.add(int(json.loads(row.data)["round"]))
        except (KeyError, TypeError, ValueError):
            continue  # about no round, or unreadable: `read` says so
    return sorted(rounds), sorted(paths)


def _joined(found: Sequence[_Read]) -> tuple[list[Alert], dict[tuple[str, str], tuple[str, ...]]]:
    firsts: dict[tuple[object, ...], str] = {}
    heaps: dict[tuple[tuple[object, ...], str, str, str], list[_Read]] = defaultdict(list)
    for one in found:
        firsts.setdefault(one.matter, f"{one.row.kind}:{one.row.id}")
        heaps[one.matter, one.alert.rung, one.row.role, one.row.unit_path].append(one)
    behind: dict[tuple[str, str], list[str]] = defaultdict(list)
    alerts = []
    for (matter, *_), heap in heaps.items():
        alert = replace(heap[0].alert, subject=firsts[matter], count=_count(heap))
        alerts.append(alert)
        behind[alert.subject, alert.rung] += [one.row.id for one in heap]
    return alerts, {fact: tuple(ids) for fact, ids in behind.items()}


def _count(heap: Sequence[_Read]) -> int:
    told = sum(one.alert.count for one in heap)
    still = heap[0].still
    return told if still is None else min(told, still)


def _read(row: OutboxRow, known: Known) -> _Read:
    if row.kind not in RAISED:
        msg = f"outbox kind {row.kind!r} is not one of {', '.join(RAISED)}"
        raise InputError(msg)
    return RAISED[row.kind](row, json.loads(row.data), known)


def _deadline(row: OutboxRow, data: Mapping[str, Any], known: Known) -> _Read:
    term = _term(data, row.about_path)
    alert = _about_term(row, data, known, rung=f"T{data['step']:+d}", details={})
    return _Read(row, alert, ("deadline", *term), known.terms.get(term, 0))


def _breach(row: OutboxRow, data: Mapping[str, Any], known: Known) -> _Read:
    """Read a breach; it is told even when the act has come meanwhile, for it happened."""
    cause = data.get("cause")
    alert = _about_term(row, data, known, rung="breach", details={"cause": cause and _cause(cause)._asdict()})
    term = _term(data, row.about_path)
    alert = replace(alert, households=known.codes.breached.get(term, ()), over=not known.terms.get(term))
    return _Read(row, alert, ("breach", cause, *term), None)


def _calendar_change(row: OutboxRow, data: Mapping[str, Any], known: Known) -> _Read:
    details = {"old_due_on": data["old_due_on"], "decision": data["decision"]}
    alert = _about_term(row, data, known, rung=f"{data['old_due_on']}>{data['due_on']}", details=details)
    term = _term(data, row.about_path)
    return _Read(row, alert, ("calendar_change", *term), known.terms.get(term, 0))


def _term_decision(row: OutboxRow, data: Mapping[str, Any], known: Known) -> _Read:
    """Read a decision about a running term; it is told even when the term was closed meanwhile, for it was taken."""
    details = {key: data[key] for key in ("decided", "document", "decided_on", "old_due_on")}
    alert = _about_term(row, data, known, rung=data["decided"], details=details)
    matter = ("term_decision", *details.values(), *_term(data, row.about_path))
    return _Read(row, alert, matter, None)


def _season_lost(row: OutboxRow, data: Mapping[str, Any], known: Known) -> _Read:
    details = {
        "certain_on": data["certain_on"],
        "first_village": known.names.unit(data["village"]),
        "villages": data["villages"],
        "pending": data["pending"],
    }
    alert = _about_term(row, data, known, rung="lost", details=details)
    return _Read(row, alert, ("season_lost", *_term(data, row.about_path)), None)


def _delay_notice(row: OutboxRow, data: Mapping[str, Any], known: Known) -> _Read:
    """Draft the letter with a date that is only suggested: the rule's whole term, counted anew from today."""
    workflow = known.names.workflow(data["workflow"])
    term = workflow.deadline(data["rule"]).term
    if term is None:
        raise fault(InputError, "sending.no_term", rule=data["rule"], workflow=workflow.id)
    cause = data.get("cause")
    anew = replace(term, length=data["length"]).due_on(known.today, known.calendar(row.about_path))
    details = {
        "unit_name": known.names.unit(row.unit_path),
        "place": None,
        "case": None,
        "addressee": None,
        "procedure": workflow.label._asdict(),
        "received_on": data["received_on"],
        "new_due_on": anew.isoformat(),
        "reason": cause and _cause(cause)._asdict(),
        "signer": known.names.role(row.role, workflow.id)._asdict(),
    }
    alert = _about_term(row, data, known, rung="letter", details=details)
    shown = sorted(known.codes.cases[case] for case in map(int, data["cases"]) if case in known.codes.cases)
    alert = replace(alert, households=tuple(shown))
    return _Read(row, alert, ("delay_notice", cause, *_term(data, row.about_path), data["received_on"]), None)


def _act_waiting(row: OutboxRow, data: Mapping[str, Any], known: Known) -> _Read:
    workflow = known.names.workflow(data["workflow"])
    state = workflow.state(data["state"])
    place = (int(data["round"]), row.about_path, state.key)
    awaited = _awaited(workflow, state.key, row.role)
    alert = Alert(
        **_common(row, data, known, rung="waiting"),
        households=known.codes.waiting.get(place, ()),
        desk=known.names.desk(row.role, row.unit_path, workflow.id),
        step=awaited,
        article=str(state.article),
        details={
            "act": awaited._asdict(),
            "since": legal_date(row.created_at).isoformat(),
        },
    )
    return _Read(row, alert, ("act_waiting", *place), known.waiting.get(place, 0))


def _migration_done(row: OutboxRow, data: Mapping[str, Any], known: Known) -> _Read:
    details = {key: data[key] for key in ("plan", "from_version", "to_version", "moved", "refused")}
    alert = Alert(**_common(row, data, known, rung="migrated"), article=data["article"], details=details)
    return _Read(row, alert, ("migration_done", row.id), None)


def _job_stalled(row: OutboxRow, data: Mapping[str, Any], known: Known) -> _Read:
    details = {key: data[key] for key in ("job", "last_success", "problem")}
    named = Text(data["job"], data["job"])
    alert = Alert(**_common(row, data, known, rung="stalled"), step=named, details=details)
    return _Read(row, alert, ("job_stalled", row.id), None)


def _unreachable(row: OutboxRow, data: Mapping[str, Any], known: Known) -> _Read:
    office = known.names.role(data["office"], data.get("workflow", ""))
    details = {"office": office._asdict(), "unit_name": known.names.unit(row.about_path)}
    alert = Alert(**_common(row, data, known, rung="unreachable"), step=office, details=details)
    return _Read(row, alert, ("unreachable", row.id), None)


RAISED: Mapping[str, Callable[[OutboxRow, Mapping[str, Any], Known], _Read]] = {
    "deadline": _deadline,
    "breach": _breach,
    "calendar_change": _calendar_change,
    "term_decision": _term_decision,
    "season_lost": _season_lost,
    "delay_notice": _delay_notice,
    "act_waiting": _act_waiting,
    "migration_done": _migration_done,
    "job_stalled": _job_stalled,
    "unreachable": _unreachable,
}
"""How a row of each kind is read; a test keeps this in step with what the engine queues."""


def _about_term(
    row: OutboxRow, data: Mapping[str, Any], known: Known, *, rung: str, details: Mapping[str, Any]
) -> Alert:
    return Alert(
        **_common(row, data, known, rung=rung),
        desk=known.names.desk(data["owner_role"], data["owner_path"], data["workflow"]),
        step=Text(**data["label"]),
        due_on=date.fromisoformat(data["due_on"]),
        article=data["article"],
        households=known.codes.running.get(_term(data, row.about_path), ()) if data["subject"] == "case" else (),
        details=details,
    )


def _cause(code: str) -> Text:
    """Return how a cause of lateness is called; one that only a host's procedure knows by its code."""
    named = f"delivery.cause.{code}"
    return message(named) if named in codes() else Text(code, code)


def _common(row: OutboxRow, data: Mapping[str, Any], known: Known, *, rung: str) -> dict[str, Any]:
    kind: Kind = row.kind  # type: ignore[assignment]  # one of RAISED, whose keys are kinds
    severity: Severity = row.severity  # type: ignore[assignment]  # `Alert` and `Message` refuse any other
    link = known.list_link.format(unit=row.about_path, round=data.get("round", ""), rule=data.get("rule", ""))
    return {
        "subject": row.id,
        "kind": kind,
        "rung": rung,
        "severity": severity,
        "role": row.role,
        "unit": row.unit_path,
        "about": row.about_path,
        "village": known.names.place(row.about_path, row.role, row.unit_path),
        "count": data.get("count", 1),
        "counting": _counting(data, known.names),
        "case_link": link,
        "list_link": link,
    }


def _counting(data: Mapping[str, Any], names: Names) -> Counting:
    if data.get("subject") == "round":
        return "round"
    kept = names.workflow(data["workflow"]).subject if data.get("workflow") else ""
    return "household" if kept == "household" else "person" if kept == "person" else "case"


def _term(data: Mapping[str, Any], about_path: str) -> tuple[int, str, str, date]:
    return int(data["round"]), about_path, data["rule"], date.fromisoformat(data["due_on"])


def _awaited(workflow: Workflow, state: str, role: str) -> Text:
    """Return what the office is waited for: the one act it can do there, else the step itself."""
    acts = {
        t.trigger for t in workflow.transitions if state in t.sources and role in workflow.triggers[t.trigger].roles
    }
    return workflow.triggers[acts.pop()].label if len(acts) == 1 else workflow.states[state].label
