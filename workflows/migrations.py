"""Migration plans as data: `data/migrations/*.toml`, or a file of the deployment's own."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..engine.definition import Article, Confidence
from ..engine.migrating import Choice, MigrationPlan, Option, Treatment, UnitChange
from ..engine.reading import Reader
from ..foundation.errors import DefinitionError, NotFoundError
from ..foundation.files import parse_toml, read_utf8
from ..foundation.messages import fault
from ..persistence.canonical import canonical_json

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["find_migration", "load_migration", "shipped_migrations"]

_SUFFIX = ".toml"


@cache
def shipped_migrations() -> Mapping[str, MigrationPlan]:
    """Return the plans that come with the project, by key, earliest first."""
    folder = files(__package__) / "data" / "migrations"
    texts = {file.name: file.read_text(encoding="utf-8") for file in folder.iterdir() if file.name.endswith(_SUFFIX)}
    plans = [load_migration(text, name.removesuffix(_SUFFIX)) for name, text in texts.items()]
    return {plan.key: plan for plan in sorted(plans, key=lambda plan: (plan.on, plan.key))}


def find_migration(named: str) -> MigrationPlan:
    """Return a plan by its key, or from a file; `NotFoundError` names what there is."""
    if named in shipped_migrations():
        return shipped_migrations()[named]
    path = Path(named)
    if path.suffix == _SUFFIX and path.is_file():
        return load_migration(read_utf8(path), path.stem)
    raise fault(NotFoundError, "found.no_migration", named=named, known=", ".join(shipped_migrations()))


def load_migration(text: str, name: str) -> MigrationPlan:
    """Read a plan; `DefinitionError` names the fault. Whether it fits the definitions, `check_plan` says."""
    table = parse_toml(text, name)
    reader = Reader(table, name)
    plan = MigrationPlan(
        key=reader.text("key"),
        label=reader.label(),
        source=reader.text("from"),
        target=reader.text("to"),
        on=reader.day("on"),
        document=reader.text("document"),
        article=_article(reader),
        states=_states(reader),
        deadlines=_deadlines(reader),
        units=_units(reader),
        choices={key: _choice(key, sub) for key, sub in reader.tables("choices")},
        fingerprint=hashlib.sha256(canonical_json(_plain(table))).hexdigest(),
    )
    reader.done()
    if plan.key != name:
        raise fault(DefinitionError, "definition.plan_name", file=name, suffix=_SUFFIX, key=plan.key)
    return plan


def _article(reader: Reader) -> Article:
    sub = Reader(reader.mapping("article"), f"{reader.where}.article")
    found = Article(
        sub.text("act"),
        sub.text("article", ""),
        sub.text("clause", ""),
        sub.text("point", ""),
        Confidence(sub.choice("tag", tuple(Confidence))),
    )
    sub.done()
    return found


def _states(reader: Reader) -> dict[str, str]:
    found = dict(reader.mapping("states", required=False))
    if not all(isinstance(target, str) for target in found.values()):
        raise fault(DefinitionError, "definition.states", where=reader.where, found=found)
    return found


def _deadlines(reader: Reader) -> dict[str, Treatment]:
    sub = Reader(reader.mapping("deadlines", required=False), f"{reader.where}.deadlines")
    given = sub.rest()
    faulty = {rule: how for rule, how in given.items() if how not in set(Treatment)}
    if faulty:
        raise fault(DefinitionError, "definition.treatment", where=sub.where, faulty=faulty, known=", ".join(Treatment))
    return {rule: Treatment(how) for rule, how in given.items()}


def _units(reader: Reader) -> UnitChange:
    sub = Reader(reader.mapping("units", required=False), f"{reader.where}.units")
    drops = sub.flag("drops_district")
    recoded = dict(sub.mapping("recoded", required=False))
    sub.done()
    return UnitChange(drops, recoded)


def _choice(key: str, reader: Reader) -> Choice:
    found = Choice(
        key,
        reader.label(),
        reader.text("doubt"),
        reader.text("default"),
        {name: _option(name, sub) for name, sub in reader.tables("options")},
    )
    reader.done()
    return found


def _option(key: str, reader: Reader) -> Option:
    found = Option(key, reader.label(), _states(reader), _deadlines(reader))
    reader.done()
    return found


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    return value if isinstance(value, str | int | bool) else value.isoformat()
