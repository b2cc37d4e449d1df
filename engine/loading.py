"""TOML → Workflow. Unknown keys, guards, effects, forms, roles and states are errors here, before any case runs."""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Mapping
from datetime import date
from typing import Any

from ..deadlines.ladder import ladder
from ..deadlines.terms import Counting, Term, Unit
from ..foundation.errors import DefinitionError
from ..foundation.messages import Text
from ..persistence.canonical import canonical_json
from .definition import (
    Article,
    Confidence,
    DeadlineKind,
    DeadlineRule,
    EffectUse,
    GuardUse,
    Role,
    Setting,
    State,
    StateKind,
    Transition,
    Trigger,
    Workflow,
)
from .effects import effect_spec
from .forms import form
from .guards import guard_spec
from .reading import Reader

__all__ = ["load_workflow", "resolve"]


def load_workflow(text: str, *, base: Mapping[str, Any] | None = None, name: str = "definition") -> Workflow:
    """Read a workflow from TOML; a `base` gives what a later regime inherits. `DefinitionError` names every fault."""
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        msg = f"{name}: not valid TOML: {error}"
        raise DefinitionError(msg) from error
    return build(resolve(table, base), name)


def resolve(table: Mapping[str, Any], base: Mapping[str, Any] | None) -> dict[str, Any]:
    """Lay `table` over `base`: tables merge key by key, everything else is replaced."""
    if base is None:
        return dict(table)
    merged = dict(base)
    for key, value in table.items():
        old = merged.get(key)
        merged[key] = resolve(value, old) if isinstance(value, Mapping) and isinstance(old, Mapping) else value
    return merged


def build(table: Mapping[str, Any], name: str) -> Workflow:
    """Build a workflow from a resolved table, refusing what it does not know."""
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
        criteria=reader.mapping("criteria"),
        subject=reader.text("subject", "household"),
        fingerprint=hashlib.sha256(canonical_json(_plain(table))).hexdigest(),
    )
    reader.done()
    _resolve_names(workflow, name)
    return workflow


def _article(reader: Reader, key: str = "article") -> Article:
    given = reader.mapping(key)
    unknown = set(given) - {"act", "article", "clause", "point", "tag"}
    if unknown or "act" not in given:
        msg = f"{reader.where}.{key}: an article has act, article, clause, point, tag; found {sorted(given)}"
        raise DefinitionError(msg)
    tag = given.get("tag", "FOUND")
    if tag not in set(Confidence):
        msg = f"{reader.where}.{key}: tag {tag!r} is not FOUND, SEED or SETTING; what is not law is a named setting"
        raise DefinitionError(msg)
    return Article(**{**{k: str(v) for k, v in given.items()}, "tag": Confidence(tag)})


def _setting(key: str, reader: Reader) -> Setting:
    found = Setting(key, reader.label(), reader.any("default"), reader.text("doubt", ""))
    reader.done()
    return found


def _role(key: str, reader: Reader) -> Role:
    found = Role(key, reader.label(), reader.choice("level", ("village", "commune", "district", "province")))
    reader.done()
    return found


def _state(key: str, reader: Reader) -> State:
    kind = StateKind(reader.choice("kind", tuple(StateKind)))
    reason = reader.mapping("no_deadline", required=False)
    found = State(
        key,
        reader.label(),
        kind,
        _article(reader),
        reader.text("desk", ""),
        Text(reason["vi"], reason["en"]) if reason else None,
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
    common = {
        "trigger": trigger,
        "guards": tuple(_guard(sub) for sub in reader.list_of_tables("guards")),
        "effects": tuple(_effect(sub) for sub in reader.list_of_tables("effects")),
        "article": _article(reader) if reader.has("article") else triggers[trigger].article,
        "follows": reader.text("follows", ""),
        "cancels": reader.flag("cancels"),
    }
    reader.done()
    if target == "=":
        return [Transition(sources=(source,), target=source, **common) for source in sources]
    return [Transition(sources=sources, target=target, **common)]


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
        counts_from=reader.text("counts_from", ""),
        on_expiry=reader.text("on_expiry", ""),
        ladder=ladder(reader.text("ladder", "default")).key,
        toward_citizen=reader.flag("toward_citizen"),
        causes=reader.names("causes"),
    )
    reader.done()
    return found


def _term(reader: Reader, settings: Mapping[str, Setting], article: Article) -> Term:
    def default(name: str, otherwise: bool) -> bool:
        return bool(settings[name].default) if name in settings else otherwise

    counting = Counting(
        first_day_excluded=not default("count_first_day", otherwise=False),
        roll_end=default("roll_end", otherwise=True),
        makeup_counts=default("makeup_days_count", otherwise=True),
    )
    return Term(reader.whole("length"), Unit(reader.choice("unit", tuple(Unit))), counting, str(article))


def _resolve_names(workflow: Workflow, name: str) -> None:
    faults: list[str] = []
    for trigger in workflow.triggers.values():
        faults += [
            f"trigger {trigger.key}: unknown role {role!r}" for role in trigger.roles if role not in workflow.roles
        ]
        form(trigger.form)
    for t in workflow.transitions:
        faults += [
            f"transition {t.key}: unknown state {s!r}" for s in (*t.sources, t.target) if s not in workflow.states
        ]
    for rule in workflow.deadlines:
        faults += [f"deadline {rule.key}: unknown state {s!r}" for s in sorted(rule.lives_in - set(workflow.states))]
        faults += [f"deadline {rule.key}: unknown role {rule.owner!r}"] if rule.owner not in workflow.roles else []
        if rule.on_expiry and rule.on_expiry not in workflow.triggers:
            faults.append(f"deadline {rule.key}: unknown trigger {rule.on_expiry!r}")
    for state in workflow.states.values():
        if state.desk and state.desk not in workflow.roles:
            faults.append(f"state {state.key}: unknown role {state.desk!r} at its desk")
    if sum(s.kind is StateKind.INITIAL for s in workflow.states.values()) != 1:
        faults.append("exactly one state must be initial")
    if faults:
        raise DefinitionError(f"{name}: " + "; ".join(faults))


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return value.isoformat() if isinstance(value, date) else value
