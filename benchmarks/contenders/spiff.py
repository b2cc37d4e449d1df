"""SpiffWorkflow with its own JSON serializer: each instance is loaded, moved and stored again at every step."""

from __future__ import annotations

import json
import sqlite3
from typing import TYPE_CHECKING, Any

from SpiffWorkflow import TaskState, Workflow
from SpiffWorkflow.serializer.json import JSONSerializer
from SpiffWorkflow.specs.Simple import Simple
from SpiffWorkflow.specs.WorkflowSpec import WorkflowSpec

from benchmarks.contenders.workload import CLOSES, DAY, OPENS, PAYLOAD, TRIGGERS

if TYPE_CHECKING:
    from collections.abc import Callable


def _specification() -> WorkflowSpec:
    spec = WorkflowSpec(name="review", addstart=True)
    before = spec.start
    for trigger in TRIGGERS:
        task = Simple(spec, trigger, manual=True)
        before.connect(task)
        before = task
    return spec


def run(path: str, cases: int, at_once: int, begin: Callable[[], None]) -> int:
    serializer = JSONSerializer()
    database = sqlite3.connect(path, isolation_level=None)
    for statement in (
        "PRAGMA journal_mode=WAL",
        "PRAGMA synchronous=FULL",
        "CREATE TABLE instance (id INTEGER PRIMARY KEY, body TEXT)",
        "CREATE TABLE history (id INTEGER PRIMARY KEY, instance INT, act TEXT, payload TEXT)",
        "CREATE TABLE deadline (instance INT, rule TEXT, due_on TEXT, closed INT, PRIMARY KEY (instance, rule))",
    ):
        database.execute(statement)
    fresh = Workflow(_specification())
    fresh.run_all(halt_on_manual=True)
    body = fresh.serialize(serializer)
    database.execute("BEGIN")
    database.executemany("INSERT INTO instance VALUES (?, ?)", ((i + 1, body) for i in range(cases)))
    database.execute("COMMIT")
    begin()
    for trigger in TRIGGERS:
        for first in range(1, cases + 1, at_once):
            database.execute("BEGIN IMMEDIATE")
            for i in range(first, min(first + at_once, cases + 1)):
                _step(database, serializer, i, trigger)
            database.execute("COMMIT")
    [(done,)] = database.execute("SELECT count(*) FROM history")
    assert done == cases * len(TRIGGERS)
    last = Workflow.deserialize(serializer, _body(database, cases))
    assert last.is_completed()
    database.close()
    return cases * len(TRIGGERS)


def _step(database: sqlite3.Connection, serializer: JSONSerializer, instance: int, trigger: str) -> None:
    workflow = Workflow.deserialize(serializer, _body(database, instance))
    [task] = workflow.get_tasks(state=TaskState.READY)
    assert task.task_spec.name == trigger
    task.set_data(**json.loads(PAYLOAD))
    task.run()
    workflow.run_all(halt_on_manual=True)
    stored = workflow.serialize(serializer)
    database.execute("UPDATE instance SET body = ? WHERE id = ?", (stored, instance))
    database.execute("INSERT INTO history VALUES (NULL, ?, ?, ?)", (instance, trigger, PAYLOAD))
    if trigger in OPENS:
        database.execute("INSERT INTO deadline VALUES (?, ?, ?, 0)", (instance, OPENS[trigger], DAY))
    if trigger in CLOSES:
        close = "UPDATE deadline SET closed = 1 WHERE instance = ? AND rule = ?"
        database.execute(close, (instance, CLOSES[trigger]))


def _body(database: sqlite3.Connection, instance: int) -> Any:
    return database.execute("SELECT body FROM instance WHERE id = ?", (instance,)).fetchone()[0]
