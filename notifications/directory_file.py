"""Reads a staff directory from TOML, whole or not at all. `docs/notifications.md` shows the file."""

from __future__ import annotations

from collections import Counter
from datetime import date, time
from typing import TYPE_CHECKING, Any, cast, get_args

from ..engine.definition import SUPERVISOR
from ..foundation.errors import DefinitionError
from ..foundation.files import read_toml
from ..foundation.logs import Log
from ..foundation.messages import LANGUAGES, Language, fault, located
from .directory import Absence, Person, Post, StaffDirectory
from .model import SEVERITIES, Severity
from .preferences import Delivery, Preferences, QuietHours, Route
from .toml_tables import TomlTable

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["load", "parse"]

log = Log("rasoat.notifications")


def load(path: Path) -> StaffDirectory:
    """Return the directory in the file at `path`; `DefinitionError` names the entry and key at fault.

    Without a supervisor the file is taken, with a warning that names who is told instead of one, or that nobody is.
    """
    document = read_toml(path)
    try:
        directory = parse(document)
    except DefinitionError as error:
        raise located(path, error, DefinitionError) from error
    if (watcher := directory.watcher()) != SUPERVISOR:
        log.warning("nobody_supervises", file=str(path), role=SUPERVISOR, told_instead=watcher or "nobody")
    return directory


def parse(document: Mapping[str, Any]) -> StaffDirectory:
    """Return the directory described by a parsed `document`."""
    top = TomlTable("directory", document)
    people = [_person(table) for table in top.tables("person")]
    posts = tuple(_post(table) for table in top.tables("post"))
    absences = tuple(_absence(table) for table in top.tables("absence"))
    superiors = _superiors(TomlTable("superiors", top.take("superiors", dict, {})))
    top.finish()
    _check(people, posts, absences)
    return StaffDirectory({person.key: person for person in people}, posts, absences, superiors)


def _person(table: TomlTable) -> Person:
    key = table.take("key", str)
    table.where = f"person {key!r}"
    name = table.take("name", str)
    language = cast("Language", table.choice("language", LANGUAGES, "vi"))
    addresses = _addresses(table.table("addresses"))
    preferences = _preferences(table, addresses)
    table.finish()
    return Person(key, name, language, addresses, preferences)


def _addresses(table: TomlTable) -> dict[str, str]:
    addresses = table.rest()
    for channel, address in addresses.items():
        if not isinstance(address, str) or not address.strip():
            table.refuse("setting.address", key=channel, value=repr(address))
    if not addresses:
        table.refuse("setting.no_address")
    return addresses


def _preferences(table: TomlTable, addresses: Mapping[str, str]) -> Preferences:
    channels = table.strings("channels", tuple(addresses))
    routes_table = table.table("routes")
    routes: dict[Severity, Route] = {}
    for severity, content in routes_table.rest().items():
        if severity not in SEVERITIES or not isinstance(content, dict):
            routes_table.refuse("setting.routes", key=severity, known=", ".join(SEVERITIES))
        routes[severity] = _route(TomlTable(f"{routes_table.where}.{severity}", content), channels)
    for channel in {*channels, *(name for route in routes.values() for name in route.channels)}:
        if channel not in addresses:
            table.refuse("setting.preferred", channel=channel)
    return Preferences(channels, routes, _quiet(table))


def _route(table: TomlTable, channels: tuple[str, ...]) -> Route:
    delivery = cast("Delivery", table.choice("delivery", get_args(Delivery), "immediate"))
    route = Route(delivery, table.strings("channels", channels))
    if not route.channels:
        table.refuse("setting.no_channels")
    table.finish()
    return route


def _quiet(table: TomlTable) -> QuietHours | None:
    quiet = table.table("quiet")
    content = quiet.rest()
    if not content:
        return None
    quiet = TomlTable(quiet.where, content)
    except_for = quiet.strings("except", ())
    if not set(except_for) <= set(SEVERITIES):
        quiet.refuse("setting.except", given=list(except_for), known=", ".join(SEVERITIES))
    hours = QuietHours(
        start=quiet.take("from", time),
        end=quiet.take("until", time),
        days_off=quiet.take("days_off", bool, default=False),
        except_for=frozenset(cast("tuple[Severity, ...]", except_for)),
    )
    quiet.finish()
    return hours


def _post(table: TomlTable) -> Post:
    post = Post(
        person=table.take("person", str),
        role=table.take("role", str),
        unit=_unit(table),
        first=table.take("from", date, None),
        last=table.take("until", date, None),
    )
    table.finish()
    if post.first and post.last and post.last < post.first:
        table.refuse("setting.until", last=post.last, first=post.first)
    return post


def _absence(table: TomlTable) -> Absence:
    absence = Absence(
        person=table.take("person", str),
        first=table.take("from", date),
        last=table.take("until", date),
        deputy=table.take("deputy", str, None),
    )
    table.finish()
    if absence.last < absence.first:
        table.refuse("setting.until", last=absence.last, first=absence.first)
    return absence


def _unit(table: TomlTable) -> str:
    written = table.take("unit", str)
    path = "/".join(part.strip() for part in written.split("/"))
    if not all(path.split("/")):
        table.refuse("setting.unit", written=repr(written))
    return path


def _superiors(table: TomlTable) -> dict[str, str]:
    superiors = table.rest()
    for role, superior in superiors.items():
        if not isinstance(superior, str):
            table.refuse("setting.role", key=role, value=repr(superior))
    return superiors


def _check(people: list[Person], posts: tuple[Post, ...], absences: tuple[Absence, ...]) -> None:
    twice = [key for key, times in Counter(person.key for person in people).items() if times > 1]
    if twice:
        raise fault(DefinitionError, "directory.twice", twice=", ".join(twice))
    known = {person.key for person in people}
    named = [("post", p.person) for p in posts] + [("absence", a.person) for a in absences]
    named += [("deputy", a.deputy) for a in absences if a.deputy is not None]
    for what, key in named:
        if key not in known:
            raise fault(DefinitionError, "directory.stranger", what=what, key=key)
