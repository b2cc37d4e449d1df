"""What a check found: a fault, a doubt or a note, where, and the path that shows it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from ...foundation.messages import Text, text

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from ...foundation.messages import Language

__all__ = ["Finding", "PathLine", "Severity"]


class Severity(StrEnum):
    """An ERROR keeps a definition from running; a WARNING asks for a look; a NOTE states what is known."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


class PathLine(NamedTuple):
    """One line of a counter-example: what happened on which day (None where days do not matter)."""

    day: date | None
    label: Text


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding. `where` is the place in the definition (``deadlines.decision``), `path` the counter-example."""

    code: str
    severity: Severity
    where: str
    fields: Mapping[str, object] = field(default_factory=dict)
    path: tuple[PathLine, ...] = ()

    @property
    def text(self) -> Text:
        """The sentence in Vietnamese and English, from the message catalogue."""
        return text(self.code, **self.fields)

    def told(self, language: Language) -> str:
        """Return the finding with its counter-example, in `language`."""
        lines = [f"{self.where}: {self.text.within(language)} [{self.code}]"]
        steps = ((line.day.isoformat() + "  " if line.day else "", line.label.within(language)) for line in self.path)
        return "\n".join([*lines, *(f"  {day}{label}" for day, label in steps)])

    def __str__(self) -> str:
        return self.told("en")
