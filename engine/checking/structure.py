"""Faults that can be seen by looking at a definition: its graph, its deadlines, its names. Cheap: run at load."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..definition import Confidence, DeadlineKind, DeadlineRule, StateKind
from ..offices import REACH_DOWN
from .conditions import CONDITIONS
from .findings import Finding, Severity
from .names import facts_read, facts_written, named_settings, reachable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ..definition import GuardUse, Transition, Workflow

__all__ = ["structural"]

# Settings that the engine itself reads, beside those a definition's guards name; `round_starts` as a round opens.
_ENGINE_SETTINGS = frozenset(
    {"count_first_day", "makeup_days_count", "roll_end", "back_dating_days", "round_starts", REACH_DOWN}
)
_ROUND_DAYS = frozenset({"started_on", "ends_on"})
_CASE_FACTS = frozenset({"class_before", "class_after", "state", "former"})


def structural(workflow: Workflow) -> Iterator[Finding]:
    """Yield every structural fault of a definition that loads."""
    for check in (_graph, _states, _triggers, _arrows, _guards, _deadlines, _timers, _settings, _facts, _invariants):
        yield from check(workflow)


def _error(code: str, where: str, **fields: object) -> Finding:
    return Finding(f"check.{code}", Severity.ERROR, where, fields)


def _warning(code: str, where: str, **fields: object) -> Finding:
    return Finding(f"check.{code}", Severity.WARNING, where, fields)


def _graph(workflow: Workflow) -> Iterator[Finding]:
    ends = {key for key, state in workflow.states.items() if state.kind is StateKind.END}
    if not ends:
        yield _error("no_end", "states")
    arrows = [(source, t.target) for t in workflow.transitions for source in t.sources]
    reached = reachable(workflow, workflow.initial.key)
    for key in workflow.states:
        if key not in reached:
            yield _error("unreachable", f"states.{key}", state=key)
        if key in ends and any(source == key for source, _ in arrows):
            yield _error("end_left", f"states.{key}", state=key)
        if ends and not ends & reachable(workflow, key):
            left = any(source == key and target != key for source, target in arrows)
            yield _error("endless" if left else "trap", f"states.{key}", state=key)


def _states(workflow: Workflow) -> Iterator[Finding]:
    covered = {state for rule in workflow.deadlines for state in rule.lives_in}
    for key, state in workflow.states.items():
        where = f"states.{key}"
        if state.kind is StateKind.WAITING and key not in covered and state.no_deadline is None:
            yield _error("waits_without_deadline", where, state=key)
        if state.kind is not StateKind.END and not state.desk:
            yield _error("no_desk", where, state=key)


def _triggers(workflow: Workflow) -> Iterator[Finding]:
    used = {t.trigger for t in workflow.transitions}
    fired = {rule.on_expiry for rule in workflow.deadlines}
    for key, trigger in workflow.triggers.items():
        where = f"triggers.{key}"
        if not trigger.roles and key not in fired:
            yield _error("no_role", where, trigger=key)
        if trigger.roles and key in fired:
            yield _error("timer_with_role", where, trigger=key)
        if key not in used:
            yield _error("trigger_unused", where, trigger=key)
    if workflow.effective_from.isoformat() >= "2025-07-01":
        for key, role in workflow.roles.items():
            if role.level == "district":
                yield _error("level_gone", f"roles.{key}", role=key)


def _arrows(workflow: Workflow) -> Iterator[Finding]:
    for i, arrow in enumerate(workflow.transitions):
        where = f"transitions.{arrow.key}"
        if not arrow.article.act.strip():
            yield _error("no_article", where, arrow=arrow.key)
        for earlier in workflow.transitions[:i]:
            if earlier.trigger == arrow.trigger and _shadows(earlier, arrow):
                yield _error("shadowed", where, arrow=arrow.key, earlier=earlier.key)
                break


def _shadows(earlier: Transition, later: Transition) -> bool:
    """Whether every case that could take `later` takes `earlier` first."""
    weaker = all(any(_same(g, other) for other in later.guards) for g in earlier.guards)
    return weaker and set(later.sources) <= set(earlier.sources)


def _same(one: GuardUse, other: GuardUse) -> bool:
    return (one.name, dict(one.params)) == (other.name, dict(other.params))


def _guards(workflow: Workflow) -> Iterator[Finding]:
    rules = {rule.key: rule for rule in workflow.deadlines}
    known = {**workflow.settings, **workflow.criteria}
    for arrow in workflow.transitions:
        where = f"transitions.{arrow.key}"
        for use in arrow.guards:
            yield from _guard(workflow, arrow, use, where)
            if "deadline" in use.params:
                yield from _asked(rules.get(use.params["deadline"]), use, arrow, where)
        used = [(use.name, use.params) for use in arrow.guards] + [(use.name, use.params) for use in arrow.effects]
        for user, params in used:
            for name in _at_names(params):
                if name not in known:
                    yield _error("name_unknown", where, name=f"@{name}", used_by=user)


def _guard(workflow: Workflow, arrow: Transition, use: GuardUse, where: str) -> Iterator[Finding]:
    setting = use.params.get("setting")
    if setting is not None and setting not in workflow.settings:
        yield _error("name_unknown", where, name=setting, used_by=use.name)
    if setting is not None and (use.article or arrow.article).tag is not Confidence.SETTING:
        yield _error("setting_as_law", where, setting=setting, article=str(use.article or arrow.article))
    for state in use.params.get("waiting", ()):
        if state not in workflow.states:
            yield _error("name_unknown", where, name=state, used_by=use.name)


def _asked(rule: DeadlineRule | None, use: GuardUse, arrow: Transition, where: str) -> Iterator[Finding]:
    if rule is None:
        yield _error("name_unknown", where, name=use.params["deadline"], used_by=use.name)
        return
    for source in arrow.sources:
        if source not in rule.lives_in:
            yield _error("deadline_not_open", where, deadline=rule.key, state=source, guard=use.name)


def _at_names(params: Mapping[str, Any]) -> list[str]:
    return [value[1:] for value in params.values() if isinstance(value, str) and value.startswith("@")]


def _deadlines(workflow: Workflow) -> Iterator[Finding]:
    written = facts_written(workflow) | _ROUND_DAYS
    for rule in workflow.deadlines:
        where = f"deadlines.{rule.key}"
        ends = sorted(s for s in rule.lives_in if workflow.states[s].kind is StateKind.END)
        if not rule.lives_in or workflow.initial.key in rule.lives_in or not _opened(workflow, rule):
            yield _error("never_opens", where, deadline=rule.key)
        if ends:
            yield _error("never_closes", where, deadline=rule.key, state=", ".join(ends))
        if rule.kind is DeadlineKind.MINIMUM and not rule.on_expiry:
            yield _error("no_outcome", where, deadline=rule.key)
        if rule.kind is DeadlineKind.FIXED and not rule.counts_from:
            yield _error("no_day", where, deadline=rule.key)
        if rule.counts_from and rule.counts_from not in written:
            yield _error("counts_from_nothing", where, deadline=rule.key, fact=rule.counts_from)
        for cause in rule.causes:
            if f"cause_{cause}" not in written:
                yield _error("cause_unset", where, deadline=rule.key, cause=cause)


def _opened(workflow: Workflow, rule: DeadlineRule) -> bool:
    return any(
        arrow.target in rule.lives_in and source not in rule.lives_in
        for arrow in workflow.transitions
        for source in arrow.sources
    )


def _timers(workflow: Workflow) -> Iterator[Finding]:
    """Look at each timer firing late, or after a person was quicker: neither may lead where the law does not."""
    for rule in workflow.deadlines:
        if not rule.on_expiry:
            continue
        where = f"deadlines.{rule.key}"
        for state in sorted(rule.lives_in):
            arrows = workflow.leaving(state, rule.on_expiry)
            if not arrows:
                yield _error("timer_stuck", where, timer=rule.on_expiry, state=state)
            for arrow in arrows:
                if not _waits_for(arrow, rule):
                    yield _error("timer_unguarded", f"transitions.{arrow.key}", timer=rule.on_expiry, deadline=rule.key)
                yield from _shut_out(workflow, rule, state, arrow)


def _waits_for(arrow: Transition, rule: DeadlineRule) -> bool:
    return any(g.name == "term_over" and g.params["deadline"] == rule.key for g in arrow.guards)


def _shut_out(workflow: Workflow, rule: DeadlineRule, state: str, timer: Transition) -> Iterator[Finding]:
    """Yield each act that, done in time but entered after the timer, finds no arrow."""
    for arrow in workflow.transitions:
        in_time = any(g.name == "before_end_of" and g.params["deadline"] == rule.key for g in arrow.guards)
        if in_time and state in arrow.sources and not workflow.leaving(timer.target, arrow.trigger):
            yield _error("timer_shuts_out", f"transitions.{arrow.key}", act=arrow.trigger, state=timer.target)


def _settings(workflow: Workflow) -> Iterator[Finding]:
    used = named_settings(workflow) | _ENGINE_SETTINGS
    for key in workflow.settings:
        if key not in used:
            yield _warning("setting_unused", f"settings.{key}", setting=key)


def _facts(workflow: Workflow) -> Iterator[Finding]:
    written = facts_written(workflow) | set(workflow.opens_with) | _ROUND_DAYS | _CASE_FACTS
    for arrow, facts in facts_read(workflow):
        for fact in sorted(facts - written):
            yield _error("fact_unwritten", f"transitions.{arrow.key}", fact=fact)
    rules = {rule.key for rule in workflow.deadlines}
    for arrow in workflow.transitions:
        for use in arrow.effects:
            for source in use.params.values() if use.name == "remember" else ():
                kind, dot, name = source.partition(".") if isinstance(source, str) else ("", "", "")
                if dot and (kind not in {"act", "row", "who", "due", "fact"} or (kind == "due" and name not in rules)):
                    yield _error("source_unknown", f"transitions.{arrow.key}", source=source)


def _invariants(workflow: Workflow) -> Iterator[Finding]:
    for invariant in workflow.invariants:
        where = f"invariants.{invariant.key}"
        spec = CONDITIONS.get(invariant.kind)
        if spec is None:
            yield _error("condition_unknown", where, kind=invariant.kind, known=", ".join(sorted(CONDITIONS)))
        elif set(invariant.params) != spec.params:
            yield _error("condition_params", where, kind=invariant.kind, expected=", ".join(sorted(spec.params)))
        acts = [invariant.params.get("act"), *invariant.params.get("since", ())]
        for act in acts:
            if act is not None and act not in workflow.triggers:
                yield _error("name_unknown", where, name=act, used_by=invariant.kind)
