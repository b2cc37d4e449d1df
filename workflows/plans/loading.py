"""Plan files (TOML) into plans. A faulty file is refused whole, every fault named with its place."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import TypeAdapter, ValidationError

from ...foundation.errors import DefinitionError, InputError, NotFoundError
from ...foundation.files import read_toml
from ...foundation.fitting import misfit
from ...foundation.messages import Text, fault, joined, located, text
from .model import Plan

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

__all__ = ["find_plan", "load_plan", "shipped_plans"]


def load_plan(path: Path | Traversable) -> Plan:
    """Read the plan in `path`; `InputError` if it can't be read, `DefinitionError` naming each fault in it."""
    name = getattr(path, "name", str(path))
    raw = read_toml(path, InputError)
    try:
        plan = _reader().validate_python(raw)
    except ValidationError as error:
        found = [(_place(each["loc"]), misfit(each)) for each in error.errors()]
        raise _refused(name, [Text(f"{place}: {said.vi}", f"{place}: {said.en}") for place, said in found]) from None
    faults = _contradictions(plan)
    if faults:
        raise _refused(name, faults)
    return plan


@cache
def shipped_plans() -> dict[str, Plan]:
    """Return the plans that come with the project, by key."""
    place = files(__package__.rpartition(".")[0]) / "data" / "plans"
    found = [load_plan(file) for file in place.iterdir() if file.name.endswith(".toml")]
    return {plan.key: plan for plan in sorted(found, key=lambda plan: (plan.year, plan.key))}


def find_plan(named: str) -> Plan:
    """Return the shipped plan `named`, or the one in the file of that name; `NotFoundError` if there is neither."""
    shipped = shipped_plans()
    if named in shipped:
        return shipped[named]
    if Path(named).is_file():
        return load_plan(Path(named))
    raise fault(NotFoundError, "plan.no_plan", named=named, shipped=", ".join(shipped))


@cache
def _reader() -> TypeAdapter[Plan]:
    return TypeAdapter(Plan)


def _contradictions(plan: Plan) -> list[Text]:
    keys = [stone.key for stone in plan.milestones]
    faults = [text("plan.milestone_twice", key=key) for key in sorted({k for k in keys if keys.count(k) > 1})]
    parents = {stone.key: stone.within for stone in plan.milestones}
    for stone in plan.milestones:
        if stone.within is not None and stone.within not in parents:
            faults.append(text("plan.milestone_within", key=stone.key, within=stone.within))
        elif stone.within is not None and parents[stone.within] is not None:
            faults.append(text("plan.milestone_deep", key=stone.key, within=stone.within))
        if (stone.read_as is None) != (stone.read_as_reason is None):
            faults.append(text("plan.milestone_read_as", key=stone.key))
    return faults


def _place(loc: tuple[int | str, ...]) -> str:
    return "".join(f"[{part + 1}]" if isinstance(part, int) else f".{part}" for part in loc).lstrip(".")


def _refused(name: str, faults: list[Text]) -> DefinitionError:
    return located(name, joined([text("plan.refused"), *faults], "\n  "), DefinitionError)
