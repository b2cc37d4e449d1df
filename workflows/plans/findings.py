"""What a plan's check may find: a closed list of codes, each with its severity and its two sentences."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from ...foundation.messages import Text, codes, message

__all__ = ["SEVERITIES", "Finding", "Severity", "Span", "finding"]


class Severity(StrEnum):
    """How grave a finding is: an error keeps a plan from being used, a warning or a note doesn't."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


class Span(NamedTuple):
    """Where in an expression (its NFC text) a finding stands: characters `begin` to `end`, end excluded."""

    begin: int
    end: int


SEVERITIES = {
    "date.impossible": Severity.ERROR,
    "date.year_length": Severity.ERROR,
    "date.year_missing": Severity.ERROR,
    "date.year_assumed": Severity.INFO,
    "date.order": Severity.ERROR,
    "date.end_missing": Severity.ERROR,
    "date.unreadable": Severity.ERROR,
    "date.too_many": Severity.ERROR,
    "date.words_unread": Severity.WARNING,
    "date.other_year": Severity.ERROR,
    "date.next_year": Severity.WARNING,
    "date.kind": Severity.ERROR,
    "date.read_as": Severity.INFO,
    "sequence.gap": Severity.WARNING,
    "sequence.overlap": Severity.WARNING,
    "sequence.touching": Severity.INFO,
    "sequence.adjoining": Severity.INFO,
    "sequence.nested": Severity.INFO,
    "sequence.outside_parent": Severity.ERROR,
    "season.outside": Severity.ERROR,
    "season.beyond": Severity.INFO,
    "season.differs": Severity.ERROR,
    "season.other_law": Severity.INFO,
    "season.starts_late": Severity.INFO,
    "recognition.after_approval": Severity.INFO,
    "recognition.after_season": Severity.WARNING,
    "recognition.undated": Severity.WARNING,
    "report.preliminary_late": Severity.WARNING,
    "report.official_late": Severity.WARNING,
    "report.before_recognition": Severity.INFO,
    "document.incomplete": Severity.INFO,
    "basis.none": Severity.WARNING,
    "basis.not_in_force": Severity.INFO,
    "source.remark": Severity.INFO,
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One oddity of a plan, where it stands, and what to do about it. Nothing has been repaired.

    `replacement` is what would stand at `span` if the suggestion were taken. `assumed` says that the
    finding rests on a suggested reading of a faulty date, not on what the plan says.
    """

    code: str
    severity: Severity
    text: Text
    suggestion: Text
    replacement: str | None = None
    span: Span | None = None
    milestone: str | None = None
    article: str | None = None
    assumed: bool = False


def finding(
    code: str,
    *,
    replacement: str | None = None,
    span: Span | None = None,
    milestone: str | None = None,
    article: str | None = None,
    assumed: bool = False,
    **fields: object,
) -> Finding:
    """Return the finding `code`, its sentences taken from the catalogue (``plan.<code>``).

    A field that is a `Text` is filled in language by language.
    """
    known = {"replacement": replacement, **fields}
    fix = f"plan.{code}.open" if replacement is None and f"plan.{code}.open" in codes() else f"plan.{code}.fix"
    return Finding(
        code,
        SEVERITIES[code],
        _filled(f"plan.{code}.text", known),
        _filled(fix, known),
        replacement,
        span,
        milestone,
        article,
        assumed,
    )


def _filled(code: str, fields: dict[str, object]) -> Text:
    template = message(code)
    vi = {key: value.vi if isinstance(value, Text) else value for key, value in fields.items()}
    en = {key: value.en if isinstance(value, Text) else value for key, value in fields.items()}
    return Text(template.vi.format_map(vi), template.en.format_map(en))
