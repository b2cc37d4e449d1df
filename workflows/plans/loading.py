"""Plan files (TOML) into plans. A faulty file is refused whole, every fault named with its place."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import TypeAdapter, ValidationError

from ...foundation.errors import DefinitionError, InputError, NotFoundError
from ...foundation.files import read_toml
from ...foundation.messages import fault
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
        faults = [f"{_place(fault['loc'])}: {fault['msg']}" for fault in error.errors()]
        raise _refused(name, faults) from None
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


def _contradictions(plan: Plan) -> list[str]:
    keys = [stone.key for stone in plan.milestones]
    faults = [f"milestone {key}: the key stands twice" for key in sorted({k for k in keys if keys.count(k) > 1})]
    parents = {stone.key: stone.within for stone in plan.milestones}
    for stone in plan.milestones:
        if stone.within is not None and stone.within not in parents:
            faults.append(f"milestone {stone.key}: within names {stone.within!r}, which is no milestone")
        elif stone.within is not None and parents[stone.within] is not None:
            faults.append(f"milestone {stone.key}: within names {stone.within!r}, which lies within another itself")
        if (stone.read_as is None) != (stone.read_as_reason is None):
            faults.append(f"milestone {stone.key}: read_as and read_as_reason go together")
    return faults


def _place(loc: tuple[int | str, ...]) -> str:
    return "".join(f"[{part + 1}]" if isinstance(part, int) else f".{part}" for part in loc).lstrip(".")


def _refused(name: str, faults: list[str]) -> DefinitionError:
    return DefinitionError("\n".join([f"{name}: the plan is refused", *(f"  {fault}" for fault in faults)]))
