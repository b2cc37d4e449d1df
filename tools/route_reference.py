"""The routes of the HTTP API as a page of the documentation, from the OpenAPI document that the application gives."""

from __future__ import annotations

import tempfile
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rasoat import Rasoat
from rasoat.serving import asgi

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["document", "routes_page"]

_METHODS = ("get", "post", "put", "patch", "delete")


def document() -> dict[str, Any]:
    """Return the OpenAPI document of this release."""
    with tempfile.TemporaryDirectory() as folder:
        engine = Rasoat.open(f"sqlite:///{Path(folder, 'none.db')}")
        try:
            app = asgi(engine)
            return dict(app.openapi())
        finally:
            engine.close()


def routes_page(told: Mapping[str, Any]) -> str:
    """Return the routes as Markdown: by family, each with what it takes and what it answers."""
    families: dict[str, list[str]] = defaultdict(list)
    for path, operations in told["paths"].items():
        for method in _METHODS:
            if method in operations:
                operation = operations[method]
                family = operation.get("tags", ["operation"])[0]
                families[family].append("\n".join(_operation(told, method, path, operation)))
    pages = [f"## {family.capitalize()}\n\n" + "\n\n".join(parts) for family, parts in families.items()]
    return "\n\n".join([*pages, "## What is answered", *_values(told)])


def _operation(told: Mapping[str, Any], method: str, path: str, operation: Mapping[str, Any]) -> Iterator[str]:
    yield f"### `{method.upper()} {path}`\n"
    yield " ".join(operation.get("description", "").split()) + "\n"
    rows = [*_parameters(operation), *_body(told, operation)]
    if rows:
        yield "| | takes | |\n|---|---|---|"
        yield from rows
        yield ""
    for status, answer in operation["responses"].items():
        if status.startswith("2"):
            kinds = [_kind(content.get("schema", {})) or kind for kind, content in answer.get("content", {}).items()]
            yield f"Answers {status}" + (f": {', '.join(dict.fromkeys(kinds))}." if kinds else ".")


def _parameters(operation: Mapping[str, Any]) -> Iterator[str]:
    for each in operation.get("parameters", ()):
        must = ", required" if each.get("required") else ""
        yield _row(each["name"], f"{each['in']}, {_kind(each['schema'])}{must}", each.get("description"))


def _body(told: Mapping[str, Any], operation: Mapping[str, Any]) -> Iterator[str]:
    for kind, content in operation.get("requestBody", {}).get("content", {}).items():
        schema = content["schema"]
        listed = schema.get("type") == "array"
        found = _resolved(told, schema["items"] if listed else schema)
        where = "each of the body's list" if listed else "body" if kind == "application/json" else "form"
        for name, field in found.get("properties", {}).items():
            must = ", required" if name in found.get("required", ()) else ""
            yield _row(name, f"{where}, {_kind(field)}{must}", field.get("description"))


def _values(told: Mapping[str, Any]) -> Iterator[str]:
    """Tell the fields of everything that is answered; what is sent stands with its route."""
    for name, schema in sorted(told["components"]["schemas"].items()):
        if "properties" in schema and not name.endswith("In"):
            rows = [_row(key, _kind(field), field.get("description")) for key, field in schema["properties"].items()]
            said = " ".join(schema.get("description", "").split())
            yield "\n".join([f"### `{name}`\n", f"{said}\n", "| | is | |\n|---|---|---|", *rows])


def _resolved(told: Mapping[str, Any], schema: Mapping[str, Any]) -> Mapping[str, Any]:
    reference = schema.get("$ref", "")
    return told["components"]["schemas"][reference.rpartition("/")[2]] if reference else schema


def _kind(schema: Mapping[str, Any]) -> str:
    """Return what a value is, in a word or two."""
    if "$ref" in schema:
        return f"`{schema['$ref'].rpartition('/')[2]}`"
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(_kind(each) for each in schema["anyOf"]))
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    if schema.get("type") == "array":
        return f"list of {_kind(schema.get('items', {}))}"
    return str(schema.get("format") or schema.get("type") or "")


def _row(name: str, kind: str, description: str | None) -> str:
    said = " ".join((description or "").split()).replace("|", "\\|")
    return f"| `{name}` | {kind} | {said} |"
