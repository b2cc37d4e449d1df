"""`rasoat workflows export`: a procedure drawn, tabled, or as a model for other tools."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..foundation.defaults import DATABASE_URL
from ..foundation.messages import fault
from ._common import Db, Json, Keys, Lang, language, opened, print_json
from ._refusals import refusals

if TYPE_CHECKING:
    from ..engine.definition import Workflow

__all__ = ["Output", "export_workflow", "write_out"]


class Format(StrEnum):
    """Formats as they are typed."""

    MERMAID = "mermaid"
    SVG = "svg"
    BPMN = "bpmn"
    XES_MODEL = "xes-model"
    JSON = "json"
    MD = "md"


Output = Annotated[Path | None, typer.Option("--out", "-o", help="Write to a file instead of standard output.")]


def export_workflow(
    key: Annotated[str, typer.Argument(help="KEY, or KEY@REGIME; without a regime the latest.")],
    *,
    form: Annotated[Format, typer.Option("--format", help="What to write.")] = Format.SVG,
    case: Annotated[str | None, typer.Option("--case", help="Highlight where this case stands (id or code).")] = None,
    definitions_dir: Annotated[
        Path | None,
        typer.Option("--definitions-dir", file_okay=False, exists=True, help="Directory of further definitions."),
    ] = None,
    out: Output = None,
    db: Db = DATABASE_URL,
    keys: Keys = None,
    lang: Lang = "vi",
    as_json: Json = False,
) -> None:
    """Draw or export a procedure, with its articles and terms; with --case, where one case stands.

    Example: rasoat workflows export annual@2025 --format svg --out annual.svg
    """
    from ..engine.exporting.formats import export

    tongue = language(lang)
    with refusals(as_json=as_json):
        workflow = _workflow(key, definitions_dir)
        current = _state_of(case, workflow, db, keys, as_json=as_json) if case else None
        text = export(workflow, form.value, tongue, current=current)
        if as_json:
            print_json({"workflow": workflow.id, "format": form.value, "state": current, "text": text})
        else:
            write_out(text, out)


def write_out(text: str, out: Path | None) -> None:
    """Write a document to a file, or to standard output."""
    if out is None:
        typer.echo(text, nl=False)
    else:
        out.write_text(text, encoding="utf-8")


def _workflow(key: str, definitions: Path | None) -> Workflow:
    from ..foundation.errors import NotFoundError
    from ..workflows.library import WorkflowLibrary

    library = WorkflowLibrary([definitions] if definitions else [])
    if "@" in key:
        return library.workflow(key)
    versions = library.versions(key)
    if not versions:
        raise fault(NotFoundError, "found.no_procedure", key=key, known=", ".join(library.ids()))
    return versions[-1]


def _state_of(reference: str, workflow: Workflow, db: str, keys: str | None, *, as_json: bool) -> str:
    from ..foundation.errors import InputError

    with opened(db, keys, as_json=as_json) as engine:
        case = engine.case(reference).case
    if case.workflow != workflow.id:
        raise fault(InputError, "usage.case_workflow", case=reference, found=case.workflow, asked=workflow.id)
    return case.state
