"""The steps that backward planning puts in a row: data, from a workflow definition or from a file."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError, with_config

from ...deadlines.terms import Term, Unit
from ...foundation.errors import DefinitionError, InputError
from ...foundation.files import read_toml
from ...foundation.fitting import misfit
from ...foundation.messages import Text, fault, located, text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from importlib.resources.abc import Traversable
    from pathlib import Path

__all__ = ["Binding", "Opens", "Step", "annual_steps", "load_steps", "steps_from", "steps_of"]


class Binding(StrEnum):
    """What a step's term holds fast."""

    MINIMUM = "minimum"
    """The whole term must pass (posting): the step ends with its last day."""
    MAXIMUM = "maximum"
    """The act may come sooner (an opinion): the term is the longest that it may take."""


class Opens(StrEnum):
    """When a step may begin, once the one before it has ended."""

    SAME_DAY = "same_day"
    NEXT_DAY = "next_day"


@dataclass(frozen=True, slots=True)
class Step:
    """One step: it begins with an act on a working day and takes its term; without one it takes that day only.

    `states` are those of a case that has reached the step and not yet the next; empty: nothing is known of cases.
    """

    key: str
    label: Text
    term: Term | None = None
    binding: Binding = Binding.MAXIMUM
    opens: Opens = Opens.SAME_DAY
    after_complaint: bool = False
    states: tuple[str, ...] = ()


def steps_from(rows: Sequence[Mapping[str, Any]], *, where: str = "steps") -> tuple[Step, ...]:
    """Return the steps that plain `rows` describe; `DefinitionError` naming the faulty row of `where`.

    A row has ``key``, ``vi``, ``en`` and may have ``length`` with ``unit``, ``binding``, ``opens``,
    ``after_complaint``, ``states``, ``article``.
    """
    try:
        read = _reader().validate_python(list(rows))
    except ValidationError as error:
        found = error.errors()[0]
        row = int(found["loc"][0]) + 1 if found["loc"] else 0
        place = text("plan.step", where=where, row=row, column=".".join(map(str, found["loc"][1:])))
        raise located(place, misfit(found), DefinitionError) from None
    steps = tuple(row.step() for row in read)
    _require_order(steps, where)
    return steps


def load_steps(path: Path | Traversable) -> tuple[Step, ...]:
    """Read the steps of a TOML file (``[[step]]``)."""
    raw = read_toml(path, InputError)
    if set(raw) != {"step"} or not isinstance(raw["step"], list):
        raise fault(DefinitionError, "plan.steps_only", path=path, found=", ".join(raw) or "nothing")
    return steps_from(raw["step"], where=str(path))


def steps_of(procedure: str) -> tuple[Step, ...] | None:
    """Return the steps of a procedure's rounds; None where a round has no season to make (the monthly reviews)."""
    return annual_steps() if procedure == "annual" else None


@cache
def annual_steps() -> tuple[Step, ...]:
    """Return the steps of the annual review (QĐ 24/2021/QĐ-TTg Điều 4), from the meeting to recognition."""
    return load_steps(files(__package__.rpartition(".")[0]) / "data" / "plans" / "law" / "annual_steps.toml")


@with_config(ConfigDict(extra="forbid"))
@dataclass(frozen=True, slots=True)
class _Row:
    key: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    vi: Annotated[str, Field(min_length=1)]
    en: Annotated[str, Field(min_length=1)]
    length: Annotated[int, Field(ge=1)] | None = None
    unit: Unit = Unit.WORKING_DAYS
    binding: Binding = Binding.MAXIMUM
    opens: Opens = Opens.SAME_DAY
    after_complaint: bool = False
    states: tuple[str, ...] = ()
    article: str = ""

    def step(self) -> Step:
        term = None if self.length is None else Term(self.length, self.unit, article=self.article)
        label = Text(self.vi, self.en)
        return Step(self.key, label, term, self.binding, self.opens, self.after_complaint, self.states)


@cache
def _reader() -> TypeAdapter[list[_Row]]:
    return TypeAdapter(list[_Row])


def _require_order(steps: tuple[Step, ...], where: str) -> None:
    keys = [step.key for step in steps]
    twice = sorted({key for key in keys if keys.count(key) > 1})
    if not steps or twice:
        raise fault(DefinitionError, "plan.steps_once", where=where, twice=", ".join(twice) or "none")
    if steps[0].after_complaint or steps[-1].after_complaint:
        raise fault(DefinitionError, "plan.steps_complaint", where=where)
