"""A workflow as a Markdown page: its states, acts, terms and settings in tables, each with its article."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .wording import Wording

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ...foundation.messages import Language
    from ..definition import Article, Transition, Workflow

__all__ = ["markdown", "table"]


def markdown(workflow: Workflow, language: Language = "vi", *, current: str | None = None) -> str:
    """Return the page; the state `current` is set in bold with an arrow before it."""
    wording = Wording(workflow, language)
    until = workflow.effective_to.strftime("%d/%m/%Y") if workflow.effective_to else "…"
    parts = [
        f"# {workflow.label.within(language)} (`{workflow.id}`)",
        f"{_cited(workflow.article)} · {workflow.effective_from:%d/%m/%Y} – {until}",
        f"## {wording.say('heading.states')}",
        _states(workflow, wording, current),
        f"## {wording.say('heading.arrows')}",
        _arrows(workflow, wording),
        f"## {wording.say('heading.deadlines')}",
        _deadlines(workflow, wording),
        *_settings(workflow, wording),
    ]
    return "\n\n".join(parts) + "\n"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table; bars and line ends inside cells are kept from breaking it."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(_cell(cell) for cell in line) + " |" for line in lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _cited(article: Article) -> str:
    return f"{article} [{article.tag}]"


def _states(workflow: Workflow, wording: Wording, current: str | None) -> str:
    head = [wording.say(f"column.{name}") for name in ("state", "key", "desk", "term", "article")]
    rows = []
    for state in workflow.states.values():
        terms = wording.terms(state.key) or [state.no_deadline.within(wording.language) if state.no_deadline else ""]
        name = wording.state(state.key)
        name = f"**→ {name}**" if state.key == current else name
        rows.append([name, f"`{state.key}`", wording.desk(state), "; ".join(terms), _cited(state.article)])
    return table(head, rows)


def _arrows(workflow: Workflow, wording: Wording) -> str:
    head = [wording.say(f"column.{name}") for name in ("act", "actors", "from", "to", "asked", "article")]
    return table(head, [_arrow(t, workflow, wording) for t in workflow.transitions])


def _arrow(transition: Transition, workflow: Workflow, wording: Wording) -> list[str]:
    trigger = workflow.triggers[transition.trigger]
    return [
        f"{wording.trigger(trigger.key)} (`{trigger.key}`)",
        wording.actors(trigger.key),
        ", ".join(wording.state(source) for source in transition.sources),
        wording.state(transition.target),
        "; ".join(wording.guards(transition)),
        _cited(transition.article),
    ]


def _deadlines(workflow: Workflow, wording: Wording) -> str:
    head = [wording.say(f"column.{name}") for name in ("term", "key", "length", "runs_in", "owner", "article")]
    rows = [
        [
            rule.label.within(wording.language),
            f"`{rule.key}`",
            wording.term(rule),
            ", ".join(wording.state(key) for key in workflow.states if key in rule.lives_in),
            wording.role(rule.owner),
            _cited(rule.article),
        ]
        for rule in workflow.deadlines
    ]
    return table(head, rows) if rows else wording.say("no_terms")


def _settings(workflow: Workflow, wording: Wording) -> list[str]:
    if not workflow.settings:
        return []
    head = [wording.say(f"column.{name}") for name in ("setting", "key", "default", "doubt")]
    rows = [
        [s.label.within(wording.language), f"`{s.key}`", f"`{s.default}`", s.doubt] for s in workflow.settings.values()
    ]
    return [f"## {wording.say('heading.settings')}", table(head, rows)]
