"""What a definition's arrows use and where they lead: facts read and written, settings asked, states reached."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..definition import EffectUse, GuardUse, Transition, Workflow

__all__ = ["facts_read", "facts_written", "named_settings", "reachable"]

# Facts that effects leave or look at by themselves, without a parameter that names them.
_WRITES = {
    "score": {"b1", "b2", "area", "class_after"},
    "income_band": {"income", "area", "class_after"},
    "change": {"change"},
    "certify": {"certified"},
    "settle": {"settled_class"},
}
_READS = {"change": {"class_before", "class_after", "former"}, "certify": {"class_after"}, "settle": {"class_after"}}
_FACT_PARAMS = ("fact", "day", "start", "end")


def facts_written(workflow: Workflow) -> set[str]:
    """Return every fact that some effect leaves."""
    return {fact for arrow in workflow.transitions for use in arrow.effects for fact in _written(use)}


def facts_read(workflow: Workflow) -> Iterator[tuple[Transition, set[str]]]:
    """Yield each arrow with every fact that its guards, its effects or its place in time read."""
    for arrow in workflow.transitions:
        yield arrow, _read_by(arrow)


def reachable(workflow: Workflow, state: str) -> set[str]:
    """Return the states that a case in `state` may still come to, that state included."""
    found, grew = {state}, True
    while grew:
        more = {t.target for t in workflow.transitions if found & set(t.sources)} - found
        found |= more
        grew = bool(more)
    return found


def named_settings(workflow: Workflow) -> set[str]:
    """Return every setting that a guard, an effect, a term or the wording of a length names."""
    found: set[str] = set()
    for arrow in workflow.transitions:
        for params in (*(use.params for use in arrow.guards), *(use.params for use in arrow.effects)):
            found |= {v[1:] for v in params.values() if isinstance(v, str) and v.startswith("@")}
            found |= {params["setting"]} if "setting" in params else set()
    return found | {name for rule in workflow.deadlines for name in rule.from_settings}


def _read_by(arrow: Transition) -> set[str]:
    found = {arrow.follows} if arrow.follows else set()
    for guard in arrow.guards:
        found |= _asked(guard)
    for effect in arrow.effects:
        found |= _READS.get(effect.name, set())
        found |= {v[5:] for v in effect.params.values() if isinstance(v, str) and v.startswith("fact.")}
    return found


def _asked(guard: GuardUse) -> set[str]:
    listed = {name for many in ("facts", "days") for name in guard.params.get(many, ())}
    return listed | {guard.params[name] for name in _FACT_PARAMS if name in guard.params}


def _written(use: EffectUse) -> set[str]:
    if use.name == "remember":
        return set(use.params)
    if use.name == "count":
        return {use.params["fact"]}
    return _WRITES.get(use.name, set())
