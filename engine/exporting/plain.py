"""A workflow as JSON: the whole resolved definition, everything inherited written out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import date
from enum import Enum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..definition import Workflow

__all__ = ["as_json", "plain"]


def as_json(workflow: Workflow) -> str:
    """Return the resolved definition as a JSON document; `id` and `fingerprint` say which it is."""
    return json.dumps({"id": workflow.id, **plain(workflow)}, ensure_ascii=False, indent=2) + "\n"


def plain(value: Any) -> Any:
    """Return a definition's value in terms of JSON: labels by language, sets in order, days in ISO form."""
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {key: plain(inner) for key, inner in value.items()}
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return plain(value._asdict())
    if isinstance(value, list | tuple | frozenset):
        found = [plain(inner) for inner in value]
        return sorted(found) if isinstance(value, frozenset) else found
    return value.value if isinstance(value, Enum) else value.isoformat() if isinstance(value, date) else value
