"""`rasoat workflows …`: the procedures by regime, what each says, and whether it may run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..foundation.messages import fault, located, text
from ._common import Json
from ._progress import progress
from ._refusals import REFUSED, refusals
from .due import Language_, Tongue
from .export import export_workflow
from .settings import list_settings, set_setting, unset_setting

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..engine.checking import Finding
    from ..engine.definition import Article, DeadlineRule, Workflow
    from ..foundation.messages import Language
    from ..workflows.library import WorkflowLibrary

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, help="Procedures as data: list, show, check, export.")
app.command("export")(export_workflow)
app.command("settings")(list_settings)
app.command("set")(set_setting)
app.command("unset")(unset_setting)

Definitions = Annotated[
    list[Path],
    typer.Option("--definitions-dir", file_okay=False, exists=True, help="Directory of further definitions."),
]
_NOWHERE: list[Path] = []


@app.command("list")
def list_workflows(
    definitions_dir: Definitions = _NOWHERE, language: Language_ = Tongue.VI, as_json: Json = False
) -> None:
    """List every procedure and regime."""
    with refusals(as_json=as_json):
        found = [*_chosen(_library(definitions_dir), None)]
        if as_json:
            _print({"workflows": [_head(workflow) for workflow in found]})
            return
        for workflow in found:
            typer.echo(f"{workflow.id:<24} {_period(workflow)}  {workflow.label.within(language.value)}")


@app.command()
def show(
    key: Annotated[str, typer.Argument(help="KEY, or KEY@REGIME; without a regime the latest.")],
    definitions_dir: Definitions = _NOWHERE,
    language: Language_ = Tongue.VI,
    as_json: Json = False,
) -> None:
    """Show a procedure: steps, acts, terms, settings and invariants, each with its article and how sure it is."""
    from ..engine.exporting.plain import plain

    with refusals(as_json=as_json):
        workflow = list(_chosen(_library(definitions_dir), key))[-1]
        if as_json:
            _print({"id": workflow.id, **plain(workflow)})
            return
        for line in _lines(workflow, language.value):
            typer.echo(line)


@app.command()
def check(
    key: Annotated[str | None, typer.Argument(help="KEY, KEY@REGIME or a file; without one, every procedure.")] = None,
    definitions_dir: Definitions = _NOWHERE,
    language: Language_ = Tongue.VI,
    as_json: Json = False,
) -> None:
    """Prove what a definition must hold to: structure, terms, invariants on every history. Exit 1 on any error."""
    from ..engine import checking

    failed = False
    with refusals(as_json=as_json):
        found, chosen = {}, list(_chosen(_library(definitions_dir), key))
        with progress("checking", len(chosen), quiet=as_json) as told:
            for workflow in chosen:
                found[workflow.id] = checking.check(workflow)
                told(len(found))
        failed = any(f.severity is checking.Severity.ERROR for findings in found.values() for f in findings)
        if as_json:
            _print({"sound": not failed, "workflows": {k: [_object(f) for f in v] for k, v in found.items()}})
        else:
            for line in _report(found, language.value):
                typer.echo(line)
    if failed:
        raise typer.Exit(REFUSED)


@app.command("forms")
def list_forms(
    key: Annotated[str | None, typer.Argument(help="A form; without one, all of them.")] = None, as_json: Json = False
) -> None:
    """List the forms of acts and papers, or print one's JSON Schema."""
    from ..engine.forms import form, forms
    from ..workflows.forms import register_all

    with refusals(as_json=as_json):
        register_all()
        if key is not None or as_json:
            chosen = forms() if key is None else {key: form(key)}
            _print({name: one.schema() for name, one in chosen.items()})
            return
        for name in forms():
            typer.echo(name)


@app.command()
def score(
    table: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="A scoring table (.toml or .csv).")],
    answers: Annotated[
        Path, typer.Argument(exists=True, dir_okay=False, help="CSV: column household, and one column a question.")
    ],
    as_json: Json = False,
) -> None:
    """Score filled-in forms (Phiếu A, Phiếu B) with a table of your own: one line of totals a household."""
    import csv

    from ..foundation.errors import InputError
    from ..workflows.scoring import load_scorecard

    with refusals(as_json=as_json):
        card = load_scorecard(table)
        scored, faults = [], []
        with answers.open(encoding="utf-8-sig", newline="") as file:
            for number, line in enumerate(csv.DictReader(file), start=2):
                try:
                    scored.append({"household": line.pop("household", ""), **card.score(line)})
                except InputError as error:
                    place = text("score.line", file=answers.name, number=number)
                    faults.append(located(place, error, InputError))
        if faults:
            raise InputError("\n".join(map(str, faults)), vi="\n".join(each.vi or str(each) for each in faults))
        if as_json:
            _print({"table": card.key, "source": card.source, "scores": scored})
        elif scored:
            for row in (list(scored[0]), *(list(one.values()) for one in scored)):
                typer.echo(",".join(map(str, row)))


def _library(directories: list[Path]) -> WorkflowLibrary:
    from ..workflows.library import WorkflowLibrary

    return WorkflowLibrary(directories)


def _chosen(library: WorkflowLibrary, key: str | None) -> Iterator[Workflow]:
    """Return the workflows meant: a file's, one regime, every regime of a procedure, or all."""
    from ..foundation.errors import NotFoundError

    if key is not None and Path(key).is_file():
        yield library.read(Path(key))
    elif key is not None and "@" in key:
        yield library.workflow(key)
    else:
        ids = [i for i in library.ids() if key in {None, i.split("@")[0]}]
        if not ids:
            raise fault(NotFoundError, "found.no_procedure", key=key, known=", ".join(library.ids()))
        yield from (library.workflow(i) for i in ids)


def _period(workflow: Workflow) -> str:
    until = workflow.effective_to.strftime("%d/%m/%Y") if workflow.effective_to else "…"
    return f"{workflow.effective_from:%d/%m/%Y} – {until:<10}"


def _head(workflow: Workflow) -> dict[str, Any]:
    return {
        "id": workflow.id,
        "label": workflow.label._asdict(),
        "effective_from": workflow.effective_from.isoformat(),
        "effective_to": workflow.effective_to.isoformat() if workflow.effective_to else None,
        "basis": list(workflow.basis),
        "fingerprint": workflow.fingerprint,
    }


def _report(found: dict[str, tuple[Finding, ...]], language: Language) -> Iterator[str]:
    marks = {"error": "✗", "warning": "!", "note": "·"}
    for key, findings in found.items():
        worst = next((mark for severity, mark in marks.items() if any(f.severity == severity for f in findings)), "✓")
        yield f"{'✓' if worst == '·' else worst} {key}"
        for finding in findings:
            yield f"  {marks[finding.severity]} {finding.where}: {finding.text.within(language)} [{finding.code}]"
            for line in finding.path:
                day = f"{line.day:%d/%m/%Y}  " if line.day else ""
                yield f"      {day}{line.label.within(language)}"


def _object(finding: Finding) -> dict[str, Any]:
    return {
        "code": finding.code,
        "severity": finding.severity.value,
        "where": finding.where,
        "text": finding.text._asdict(),
        "path": [{"day": str(line.day) if line.day else None, **line.label._asdict()} for line in finding.path],
    }


def _lines(workflow: Workflow, language: Language) -> Iterator[str]:
    from ..engine.exporting.wording import Wording

    wording = Wording(workflow, language)
    yield f"{workflow.id}  {workflow.label.within(language)}"
    yield f"  {_period(workflow).strip()}  {_cited(workflow.article)}"
    yield f"  {'; '.join(workflow.basis)}"
    yield f"  sha256:{workflow.fingerprint}"
    yield from _section(wording.say("heading.states"))
    for state in workflow.states.values():
        terms = "; ".join(wording.terms(state.key)) or (state.no_deadline.within(language) if state.no_deadline else "")
        yield f"  {state.key:<18} {wording.state(state.key)}  {_cited(state.article)}"
        yield from (f"    {told}" for told in (wording.desk(state), terms) if told)
    yield from _section(wording.say("heading.arrows"))
    yield from _arrows(workflow, wording)
    yield from _section(wording.say("heading.deadlines"))
    for rule in workflow.deadlines:
        yield from _deadline(rule, wording, language)
    yield from _settings(workflow, wording, language)


def _section(title: str) -> Iterator[str]:
    yield ""
    yield title


def _arrows(workflow: Workflow, wording: Any) -> Iterator[str]:
    for arrow in workflow.transitions:
        yield f"  {arrow.trigger}: {', '.join(arrow.sources)} → {arrow.target}  {_cited(arrow.article)}"
        yield f"    {wording.trigger(arrow.trigger)} ({wording.actors(arrow.trigger)})"
        for guard in arrow.guards:
            yield f"    • {wording.guard(guard)}  {_cited(guard.article or arrow.article)}"


def _deadline(rule: DeadlineRule, wording: Any, language: Language) -> Iterator[str]:
    yield f"  {rule.key:<18} {rule.label.within(language)}  {_cited(rule.article)}"
    yield f"    {wording.term(rule)}; {wording.role(rule.owner)}; {', '.join(sorted(rule.lives_in))}"
    for excuse in rule.may_exceed:
        yield f"    may_exceed {excuse.cause}: {excuse.why.within(language)}"


def _settings(workflow: Workflow, wording: Any, language: Language) -> Iterator[str]:
    from ..engine.settings import fixed_settings

    fixed = fixed_settings(workflow)
    part = text("settings.part").within(language)
    yield from _section(wording.say("heading.settings"))
    for setting in workflow.settings.values():
        default = "—" if setting.default is None else json.dumps(setting.default, ensure_ascii=False)
        doubt = f", {setting.doubt}" if setting.doubt else ""
        said = f"{doubt}, {part}" if setting.key in fixed else doubt
        yield f"  {setting.key} = {default}  {setting.label.within(language)}  [SETTING{said}]"
    yield from _section(wording.say("heading.invariants"))
    for invariant in workflow.invariants:
        yield f"  {invariant.key:<18} {invariant.label.within(language)}  {_cited(invariant.article)}"


def _cited(article: Article) -> str:
    return f"{article} [{article.tag}]"


def _print(payload: object) -> None:
    typer.echo(json.dumps(payload, ensure_ascii=False, indent=2))
