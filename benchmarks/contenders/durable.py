"""DBOS: one durable workflow a case, one transactional step an act. Its own tables stand in the same SQLite file."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

from benchmarks.contenders.workload import CLOSES, DAY, OPENS, PAYLOAD, STATES, TRIGGERS

if TYPE_CHECKING:
    from collections.abc import Callable


def run(path: str, cases: int, at_once: int, begin: Callable[[], None]) -> int:
    from dbos import DBOS

    assert at_once == 1, "a durable workflow checkpoints every step of every case"
    DBOS(
        config={
            "name": "review",
            "system_database_url": f"sqlite:///{path}-dbos",
            "log_level": "ERROR",
            "run_admin_server": False,
        }
    )
    database = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=30)
    for statement in (
        "PRAGMA journal_mode=WAL",
        "PRAGMA synchronous=FULL",
        "CREATE TABLE review (id INTEGER PRIMARY KEY, state TEXT)",
        "CREATE TABLE history (id INTEGER PRIMARY KEY, review INT, act TEXT, payload TEXT)",
        "CREATE TABLE deadline (review INT, rule TEXT, due_on TEXT, closed INT, PRIMARY KEY (review, rule))",
    ):
        database.execute(statement)

    @DBOS.step()
    def act(case: int, place: int) -> None:
        trigger = TRIGGERS[place]
        database.execute("BEGIN IMMEDIATE")
        moved = database.execute(
            "UPDATE review SET state = ? WHERE id = ? AND state = ?", (STATES[place + 1], case, STATES[place])
        )
        assert moved.rowcount == 1
        database.execute("INSERT INTO history VALUES (NULL, ?, ?, ?)", (case, trigger, PAYLOAD))
        if trigger in OPENS:
            database.execute("INSERT INTO deadline VALUES (?, ?, ?, 0)", (case, OPENS[trigger], DAY))
        if trigger in CLOSES:
            close = "UPDATE deadline SET closed = 1 WHERE review = ? AND rule = ?"
            database.execute(close, (case, CLOSES[trigger]))
        database.execute("COMMIT")

    @DBOS.workflow()
    def review(case: int) -> None:
        for place in range(len(TRIGGERS)):
            act(case, place)

    DBOS.launch()
    database.execute("BEGIN")
    database.executemany("INSERT INTO review VALUES (?, ?)", ((i + 1, STATES[0]) for i in range(cases)))
    database.execute("COMMIT")
    begin()
    for i in range(cases):
        review(i + 1)
    [(done,)] = database.execute("SELECT count(*) FROM review WHERE state = ?", (STATES[-1],))
    assert done == cases
    database.close()
    DBOS.destroy()
    return cases * len(TRIGGERS)
