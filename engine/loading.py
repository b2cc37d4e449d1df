"""TOML → Workflow. Unknown keys, guards, effects, forms, roles and states are errors here, before any case runs."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Any

from ..deadlines.ladder import ladder
from ..deadlines.terms import Counting, Term, Unit
from ..foundation.errors import DefinitionError
from ..foundation.files import parse_toml
from ..foundation.messages import Text, fault, joined, located, text
from ..persistence.canonical import canonical_json
from .definition import (
    SUPERVISOR,
    Article,
    Confidence,
    DeadlineKind,
    DeadlineRule,
    EffectUse,
    Example,
    Excuse,
    Extension,
    GuardUse,
    Invariant,
    Role,
    Setting,
    State,
    StateKind,
    Transition,
    Trigger,
    Workflow,
)
from .deriving import expand, resolve
from .effects import effect_spec
from .forms import form
from .guards import guard_spec
from .reading import Reader

__all__ = ["build", "load_workflow"]

_STAY = "="  # an arrow that leaves each case in the state it is in


def load_workflow(text: str, *, base: Mapping[str, Any] | None = None, name: str = "definition") -> Workflow:
    """Read a workflow from TOML; a `base` gives what a later regime inherits. `DefinitionError` names every fault."""
    return build(resolve(parse_toml(text, name), base), name)


def build(table: Mapping[str, Any], name: str) -> Workflow:
    """Build a workflow from a resolved table, refusing what it does not know."""
    table = expand(table)
    reader = Reader(table, name)
    settings = {key: _setting(key, sub) for key, sub in reader.tables("settings")}
    roles = {key: _role(key, sub) for key, sub in reader.tables("roles")}
    states = {key: _state(key, sub) for key, sub in reader.tables("states")}
    triggers = {key: _trigger(key, sub) for key, sub in reader.tables("triggers")}
    transitions = tuple(t for sub in reader.list_of_tables("transitions") for t in _transitions(sub, triggers))
    deadlines = tuple(_deadline(key, sub, settings) for key, sub in reader.tables("deadlines"))
    workflow = Workflow(
        key=reader.text("key"),
        regime=reader.text("regime"),
        label=reader.label(),
        article=_article(reader),
        effective_from=reader.day("effective_from"),
        effective_to=reader.day("effective_to", required=False),
        states=states,
        roles=roles,
        triggers=triggers,
        transitions=transitions,
        deadlines=deadlines,
        settings=settings,
        criteria=reader.mapping("criteria", required=False),
        subject=reader.text("subject", "household"),
        opens_with={key: tuple(values) for key, values in reader.mapping("opens_with", required=False).items()},
        basis=reader.names("basis"),
        round_day=reader.whole("round_day") if reader.has("round_day") else None,
        invariants=tuple(_invariant(key, sub) for key, sub in reader.tables("invariants")),
        fingerprint=hashlib.sha256(canonical_json(_plain(table))).hexdigest(),
    )
    reader.done()
    _resolve_names(workflow, name)
    return workflow


def _article(reader: Reader, key: str = "article") -> Article:
    given = reader.mapping(key)
    unknown = set(given) - {"act", "article", "clause", "point", "tag"}
    if unknown or "act" not in given:
        raise fault(DefinitionError, "definition.article", where=reader.where, key=key, given=sorted(given))
    tag = given.get("tag", "FOUND")
    if tag not in set(Confidence):
        raise fault(DefinitionError, "definition.tag", where=reader.where, key=key, tag=tag)
    place = {key: str(value) for key, value in given.items() if key != "tag"}
    return Article(**place, tag=Confidence(tag))


def _setting(key: str, reader: Reader) -> Setting:
    default = reader.any("default") if reader.has("default") else None
    found = Setting(key, reader.label(), default, reader.text("doubt", ""))
    reader.done()
    return found


def _role(key: str, reader: Reader) -> Role:
    found = Role(key, reader.label(), reader.choice("level", ("village", "commune", "district", "province")))
    reader.done()
    return found


def _state(key: str, reader: Reader) -> State:
    kind = StateKind(reader.choice("kind", tuple(StateKind)))
    reason = reader.label("no_deadline") if reader.has("no_deadline") else None
    found = State(
        key,
        reader.label(),
        kind,
        _article(reader),
        reader.text("desk", ""),
        reason,
    )
    reader.done()
    return found


def _trigger(key: str, reader: Reader) -> Trigger:
    found = Trigger(key, reader.label(), reader.names("roles"), reader.text("form"), _article(reader))
    reader.done()
    return found


def _transitions(reader: Reader, triggers: Mapping[str, Trigger]) -> list[Transition]:
    trigger = reader.choice("trigger", tuple(triggers))
    sources, target = reader.names("from"), reader.text("to")
    arrow = Transition(
        trigger=trigger,
        sources=sources,
        target=target,
        guards=tuple(_guard(sub) for sub in reader.list_of_tables("guards")),
        effects=tuple(_effect(sub) for sub in reader.list_of_tables("effects")),
        article=_article(reader) if reader.has("article") else triggers[trigger].article,
        follows=reader.text("follows", ""),
        cancels=reader.flag("cancels"),
    )
    reader.done()
    return [replace(arrow, sources=(s,), target=s) for s in sources] if target == _STAY else [arrow]


def _guard(reader: Reader) -> GuardUse:
    name = reader.text("name")
    article = _article(reader) if reader.has("article") else None
    params = reader.rest()
    guard_spec(name, params)
    return GuardUse(name, params, article)


def _effect(reader: Reader) -> EffectUse:
    name = reader.text("name")
    params = reader.rest()
    effect_spec(name, params)
    return EffectUse(name, params)


def _deadline(key: str, reader: Reader, settings: Mapping[str, Setting]) -> DeadlineRule:
    kind = DeadlineKind(reader.choice("kind", tuple(DeadlineKind)))
    article = _article(reader)
    found = DeadlineRule(
        key=key,
        label=reader.label(),
        kind=kind,
        term=None if kind is DeadlineKind.FIXED else _term(reader, settings, article),
        lives_in=frozenset(reader.names("lives_in")),
        owner=reader.text("owner"),
        article=article,
        counts_from=str(_given(reader, "counts_from", settings, "")),
        on_expiry=reader.text("on_expiry", ""),
        ladder=ladder(reader.text("ladder", "default")).key,
        toward_citizen=reader.flag("toward_citizen"),
        causes=reader.names("causes"),
        from_settings=_from_settings(reader),
        may_exceed=tuple(_excuse(cause, sub) for cause, sub in reader.tables("may_exceed")),
        extendable=_extension(reader),
        suspended_by=reader.text("suspended_by", SUPERVISOR),
    )
    reader.done()
    return found


def _extension(reader: Reader) -> Extension | None:
    if not reader.has("extendable"):
        return None
    sub = Reader(reader.mapping("extendable"), f"{reader.where}.extendable")
    found = Extension(sub.text("by"), sub.whole("times") if sub.has("times") else 1, sub.flag("after_expiry"))
    sub.done()
    if found.times < 1:
        raise fault(DefinitionError, "definition.times", where=sub.where, times=found.times)
    return found


def _excuse(cause: str, reader: Reader) -> Excuse:
    example = None
    if reader.has("example"):
        sub = Reader(reader.mapping("example"), f"{reader.where}.example")
        example = Example(sub.day("round"), sub.whole("preparation"))
        sub.done()
    found = Excuse(cause, reader.label("why"), example)
    reader.done()
    return found


def _invariant(key: str, reader: Reader) -> Invariant:
    label, kind, before, article = reader.label(), reader.text("kind"), reader.names("before"), _article(reader)
    return Invariant(key, label, kind, before, reader.rest(), article)


def _term(reader: Reader, settings: Mapping[str, Setting], article: Article) -> Term:
    def default(name: str, *, otherwise: bool) -> bool:
        return bool(settings[name].default) if name in settings else otherwise

    counting = Counting(
        first_day_excluded=not default("count_first_day", otherwise=False),
        roll_end=default("roll_end", otherwise=True),
        makeup_counts=default("makeup_days_count", otherwise=True),
    )
    return Term(_length(reader, settings), Unit(reader.choice("unit", tuple(Unit))), counting, str(article))


def _length(reader: Reader, settings: Mapping[str, Setting]) -> int:
    """Return a term's length; ``@name`` takes it from a setting, for a term that no law gives."""
    given = _given(reader, "length", settings, None)
    if not isinstance(given, int) or isinstance(given, bool):
        raise fault(DefinitionError, "definition.length", where=reader.where, given=given)
    return given


def _given(reader: Reader, key: str, settings: Mapping[str, Setting], default: Any) -> Any:
    found = reader.any(key) if reader.has(key) or default is None else default
    name = found[1:] if isinstance(found, str) and found.startswith("@") else ""
    return settings[name].default if name in settings else found


def _from_settings(reader: Reader) -> tuple[str, ...]:
    given = [reader.any(key) for key in ("length", "counts_from") if reader.has(key)]
    return tuple(found[1:] for found in given if isinstance(found, str) and found.startswith("@"))


def _resolve_names(workflow: Workflow, name: str) -> None:
    faults: list[Text] = []
    for trigger in workflow.triggers.values():
        faults += [
            _unknown("trigger", trigger.key, "role", role) for role in trigger.roles if role not in workflow.roles
        ]
        form(trigger.form)
    for t in workflow.transitions:
        faults += [
            _unknown("transition", t.key, "state", s) for s in (*t.sources, t.target) if s not in workflow.states
        ]
    for rule in workflow.deadlines:
        faults += [_unknown("deadline", rule.key, "state", s) for s in sorted(rule.lives_in - set(workflow.states))]
        faults += [_unknown("deadline", rule.key, "role", rule.owner)] if rule.owner not in workflow.roles else []
        deciding = {rule.suspended_by, rule.extendable.by if rule.extendable else SUPERVISOR} - {SUPERVISOR}
        faults += [_unknown("deadline", rule.key, "role", r) for r in sorted(deciding - set(workflow.roles))]
        if rule.on_expiry and rule.on_expiry not in workflow.triggers:
            faults.append(_unknown("deadline", rule.key, "trigger", rule.on_expiry))
    for law in workflow.invariants:
        faults += [_unknown("invariant", law.key, "state", s) for s in law.before if s not in workflow.states]
    for state in workflow.states.values():
        if state.desk and state.desk not in workflow.roles:
            faults.append(text("definition.desk", key=state.key, role=state.desk))
    if sum(s.kind is StateKind.INITIAL for s in workflow.states.values()) != 1:
        faults.append(text("definition.one_initial"))
    if faults:
        raise located(name, joined(faults), DefinitionError)


def _unknown(of: str, key: str, sort: str, name: str) -> Text:
    return text("definition.unknown_name", of=of, key=key, sort=sort, name=name)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return value.isoformat() if isinstance(value, date) else value
