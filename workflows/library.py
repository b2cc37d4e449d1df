"""Every procedure the project ships, by key and regime; a host may add a directory of its own."""

from __future__ import annotations

import threading
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Protocol

from ..engine.checking import require_structure
from ..engine.deriving import resolve
from ..engine.loading import build
from ..engine.machine import CompiledWorkflow
from ..foundation.errors import DefinitionError, NotFoundError
from ..foundation.files import parse_toml, read_utf8
from ..foundation.messages import fault
from . import forms

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date
    from pathlib import Path

    from ..engine.definition import Workflow

__all__ = ["WorkflowLibrary"]


_SHIPPED: dict[str, CompiledWorkflow] = {}
"""What ships is the same for every library of a process: compiled by the first to ask, shared by all."""
_SHIPPED_LOCK = threading.Lock()


class _File(Protocol):
    name: str

    def read_text(self, encoding: str) -> str: ...


class WorkflowLibrary:
    """Loads definitions on first use; a definition may extend another and say only what differs."""

    def __init__(self, directories: Iterable[Path] = ()) -> None:
        forms.register_all()
        self._files: dict[str, _File] = {}
        for file in (files(__package__) / "data" / "procedures").iterdir():
            self._add(file)
        added = [path for directory in directories for path in sorted(directory.glob("*.toml"))]
        for path in added:
            self._add(path)
        self._compiled, self._lock = ({}, threading.Lock()) if added else (_SHIPPED, _SHIPPED_LOCK)

    def _add(self, file: Any) -> None:
        if file.name.endswith(".toml"):
            self._files[file.name.removesuffix(".toml")] = file

    def ids(self) -> tuple[str, ...]:
        """Return every workflow id, ``key@regime``, in order."""
        return tuple(sorted(self._files))

    def compiled(self, workflow_id: str) -> CompiledWorkflow:
        """Return a workflow version with its machine; `NotFoundError` names what there is."""
        with self._lock:
            if workflow_id not in self._compiled:
                workflow = build(self.table(workflow_id), workflow_id)
                if workflow.id != workflow_id:
                    raise fault(DefinitionError, "definition.file_name", workflow_id=workflow_id, found=workflow.id)
                require_structure(workflow)
                self._compiled[workflow_id] = CompiledWorkflow(workflow)
            return self._compiled[workflow_id]

    def workflow(self, workflow_id: str) -> Workflow:
        """Return a workflow version."""
        return self.compiled(workflow_id).workflow

    def table(self, workflow_id: str) -> dict[str, Any]:
        """Return a definition's resolved table, with what it inherits laid under what it says."""
        if workflow_id not in self._files:
            raise fault(NotFoundError, "found.no_workflow", workflow_id=workflow_id, known=", ".join(self.ids()))
        return self._resolved(self._files[workflow_id].read_text(encoding="utf-8"), f"{workflow_id}.toml")

    def read(self, path: Path) -> Workflow:
        """Return the workflow that a file defines, which may extend one of these; it is not added to them."""
        return build(self._resolved(read_utf8(path), path.name), path.name)

    def _resolved(self, text: str, name: str) -> dict[str, Any]:
        own = parse_toml(text, name)
        parent = own.get("extends")
        table = resolve({k: v for k, v in own.items() if k != "extends"}, self.table(parent) if parent else None)
        if parent and "effective_to" not in own:
            table.pop("effective_to", None)
        return table

    def versions(self, key: str) -> tuple[Workflow, ...]:
        """Return every regime of a procedure, earliest first."""
        found = [self.workflow(i) for i in self.ids() if i.split("@")[0] == key]
        return tuple(sorted(found, key=lambda w: w.effective_from))

    def in_force(self, key: str, day: date) -> Workflow:
        """Return the regime of a procedure for a case that starts on `day`.

        `NotFoundError` when no regime covers the day: from 01/01/2027 only the income thresholds are
        known (NĐ 351/2025/NĐ-CP), so a case cannot be opened until a regime is added.
        """
        versions = self.versions(key)
        for workflow in versions:
            if workflow.effective_from <= day and (workflow.effective_to is None or day <= workflow.effective_to):
                return workflow
        if not versions:
            raise fault(
                NotFoundError,
                "found.no_procedure",
                key=key,
                known=", ".join(sorted({i.split("@")[0] for i in self.ids()})),
            )
        known = "; ".join(f"{w.id} {w.effective_from} – {w.effective_to or '…'}" for w in versions)
        raise fault(NotFoundError, "found.no_regime", key=key, day=day.isoformat(), known=known)
