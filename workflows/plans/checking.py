"""The check of a plan: every oddity found and named, none repaired."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ...foundation.messages import Text, message
from .dates import DateExpression, Kind, vietnamese
from .findings import Finding, Severity, finding
from .season import check_season
from .sequence import check_sequence

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from .model import Milestone, Plan

__all__ = ["check_plan", "has_errors"]


def check_plan(plan: Plan) -> tuple[Finding, ...]:
    """Return everything odd about `plan`, milestone by milestone in the document's order.

    A finding that rests on a suggested reading of a faulty date is marked `assumed`.
    """
    read = plan.expressions()
    found = [
        *_document(plan),
        *(found for stone in plan.milestones for found in _milestone(stone, read[stone.key])),
        *check_sequence(plan, read),
        *check_season(plan, read),
        *_remarks(plan),
    ]
    places = {stone.key: place for place, stone in enumerate(plan.milestones)}
    return tuple(sorted(found, key=lambda each: _place(each, places)))


def has_errors(findings: tuple[Finding, ...]) -> bool:
    """Whether any finding keeps the plan from being used."""
    return any(found.severity is Severity.ERROR for found in findings)


def _place(found: Finding, places: Mapping[str, int]) -> int:
    if found.code == "source.remark":
        return len(places)
    return -1 if found.milestone is None else places[found.milestone]


def _document(plan: Plan) -> Iterator[Finding]:
    document = plan.document
    undated = document.issued is None or document.issued.exact is None
    if document.number is None or undated:
        missing = "both" if document.number is None and undated else "day" if undated else "number"
        yield finding("document.incomplete", document=document, missing=message(f"plan.missing.{missing}"))
    if not plan.basis:
        yield finding("basis.none")
    issued = document.issued.exact if document.issued else None
    for basis in plan.basis:
        if issued and basis.in_force and issued < basis.in_force:
            yield finding(
                "basis.not_in_force",
                document=basis,
                issued=vietnamese(issued),
                in_force=vietnamese(basis.in_force),
            )


def _milestone(stone: Milestone, read: DateExpression) -> Iterator[Finding]:
    for found in read.findings:
        yield replace(found, milestone=stone.key)
    codes = {found.code for found in read.findings}
    if stone.read_as is not None:
        yield finding(
            "date.read_as",
            milestone=stone.key,
            written=stone.text,
            reading=stone.read_as,
            reason=stone.read_as_reason,
        )
    if read.kind is not stone.kind and codes.isdisjoint({"date.end_missing", "date.unreadable", "date.too_many"}):
        yield finding(
            "date.kind",
            milestone=stone.key,
            declared=stone.kind,
            written=read.text,
            read=read.kind,
            replacement=None if read.kind is Kind.UNDATED else read.kind.value,
        )


def _remarks(plan: Plan) -> Iterator[Finding]:
    for remark in plan.remarks:
        yield finding("source.remark", quote=remark.quote, remark=Text(remark.vi, remark.en))
