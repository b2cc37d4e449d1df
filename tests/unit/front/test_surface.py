"""The public surface is a promise, kept in tests/typing: all of it is used there, and a change in it is told."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import tomllib
from functools import cache
from hashlib import sha256
from pathlib import Path

import pytest

import rasoat
from rasoat import AsyncRasoat, Rasoat

ROOT = Path(__file__).resolve().parents[3]
PROMISE = ROOT / "tests" / "typing"


@cache
def promised() -> tuple[ast.Module, ...]:
    return tuple(ast.parse(file.read_text(encoding="utf-8")) for file in sorted(PROMISE.glob("*.py")))


@cache
def calls() -> dict[tuple[str, str], list[ast.Call]]:
    """Return the calls of attributes in the promise, by the kind of function they stand in and by name."""
    found: dict[tuple[str, str], list[ast.Call]] = {}
    for module in promised():
        for function in module.body:
            for node in ast.walk(function):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                    found.setdefault((type(function).__name__, node.func.attr), []).append(node)
    return found


def of_engine() -> list[str]:
    return [name for name in dir(Rasoat) if not name.startswith("_") and callable(getattr(Rasoat, name))]


def values() -> list[type]:
    exported = [getattr(rasoat, name) for name in rasoat.__all__]
    return [each for each in exported if isinstance(each, type) and (dataclasses.is_dataclass(each) or is_row(each))]


def is_row(value: type) -> bool:
    return issubclass(value, tuple) and hasattr(value, "_fields")


def parameters(name: str) -> set[str]:
    found = set()
    for parameter in inspect.signature(getattr(Rasoat, name)).parameters.values():
        options = parameter.kind is inspect.Parameter.VAR_KEYWORD
        found |= set(rasoat.EngineOptions.__annotations__) if options else {parameter.name}
    return found - {"self"}


def test_every_public_name_is_there_and_is_used_in_the_promise() -> None:
    told = {node.id for module in promised() for node in ast.walk(module) if isinstance(node, ast.Name)}
    told |= {node.attr for module in promised() for node in ast.walk(module) if isinstance(node, ast.Attribute)}
    assert set(rasoat.__all__) - told == set()
    assert all(getattr(rasoat, name) is not None for name in rasoat.__all__)


@pytest.mark.parametrize("face", ["FunctionDef", "AsyncFunctionDef"])
@pytest.mark.parametrize("name", of_engine())
def test_every_call_is_promised_with_all_that_it_may_be_given(name: str, face: str) -> None:
    if face == "AsyncFunctionDef" and name in {"bind", "transaction"}:
        return  # a host binds the engine underneath; its transaction is `in_transaction` there
    made = calls()[face, name]
    given = {keyword.arg for call in made for keyword in call.keywords}
    assert parameters(name) - given == set()


def test_the_awaited_engine_has_every_call() -> None:
    instead = {"bind": "sync", "transaction": "in_transaction"}
    assert {instead.get(name, name) for name in of_engine()} - {*dir(AsyncRasoat), "sync"} == set()


@pytest.mark.parametrize("value", values(), ids=lambda value: value.__name__)
def test_every_field_of_a_public_value_is_promised_and_none_can_be_changed(value: type) -> None:
    names = {field.name for field in dataclasses.fields(value)} if dataclasses.is_dataclass(value) else {*value._fields}
    names |= {name for name, member in vars(value).items() if isinstance(member, property)}
    shown = {
        node.attr
        for module in promised()
        for function in module.body
        if isinstance(function, ast.FunctionDef) and ast.unparse(function.args).endswith(f"value: {value.__name__}")
        for node in ast.walk(function)
        if isinstance(node, ast.Attribute)
    }
    assert names - shown == set()
    assert is_row(value) or value.__dataclass_params__.frozen


def test_a_change_of_the_promise_is_acknowledged_in_the_changelog() -> None:
    """Change the promise, tell users in changelog.d, and add an entry with that sentence to acknowledged.toml."""
    entries = tomllib.loads((PROMISE / "acknowledged.toml").read_text(encoding="utf-8"))["change"]
    told = " ".join(_plain(file) for file in [ROOT / "CHANGELOG.md", *sorted((ROOT / "changelog.d").glob("*.*.md"))])
    assert entries[-1]["surface"] == fingerprint()
    assert " ".join(entries[-1]["told"].split()) in told
    assert len({entry["told"] for entry in entries}) == len(entries)


def fingerprint() -> str:
    """Return a hash of the promise that no comment and no line break changes."""
    return sha256("\n".join(ast.unparse(module) for module in promised()).encode()).hexdigest()[:16]


def _plain(file: Path) -> str:
    return " ".join(file.read_text(encoding="utf-8").split())
