"""Hosts as a case-management team would write them: one transaction for their row and ours."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest
from anyio.from_thread import start_blocking_portal
from sqlalchemy import text

from rasoat import FrozenClock, Household, Person, Rasoat

if TYPE_CHECKING:
    from collections.abc import Iterator

    from anyio.from_thread import BlockingPortal
    from fastapi import FastAPI

EXAMPLES = Path(__file__).parents[2] / "examples"
START = date(2022, 9, 26)
UNITS = (("42", "province", None), ("446", "district", "42"), ("18766", "commune", "446"), ("01", "village", "18766"))


def python(*words: str, cwd: Path, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, *words],
        cwd=cwd,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def open_case(url: str, keys: str | None = None) -> None:
    engine = Rasoat.open(url, keys=keys, clock=FrozenClock(datetime(2022, 9, 27, 3, tzinfo=UTC)))
    engine.register_units(
        [{"code": c, "level": level, "name": c, "parent": p, "valid_from": START} for c, level, p in UNITS]
    )
    head = Person("Nguyễn Văn Mẫu", "chủ hộ", "1970-01-31", "male")
    engine.register_households([Household("HB-001", "42/446/18766/01", (head,), "rural", "poor")])
    engine.open_round("2022", "annual", "42/446/18766", START)
    engine.put_forward("2022", {"HB-001": {"origin": "managed"}}, START)
    engine.close()


def test_a_django_project_with_its_own_engine_and_notifications_keeps_both_rows_or_neither(tmp_path: Path) -> None:
    host = EXAMPLES / "django_host"
    data = {"HOST_DATA": str(tmp_path)}
    python("manage.py", "migrate", "--verbosity", "0", cwd=host, **data)
    python("manage.py", "rasoat_migrate", cwd=host, **data)
    shown = python("manage.py", "try_reviews", cwd=host, **data)
    assert "inside: listed" in shown  # written, and then taken back with the host's own row
    assert "rolled back: visits: 0, state: registered, events: 1, told: 0" in shown
    assert "committed: visits: 1, state: listed, events: 2, told: 1" in shown
    assert "refused: Hồ sơ đang ở bước" in shown
    assert "refused: visits: 0, state: listed, events: 2, told: 1" in shown
    assert "the host's engine; the host's notifications" in shown
    assert "fired 0" in python("manage.py", "rasoat_worker", cwd=host, **data)


class Client:
    """Calls an application in this process, on its own event loop."""

    def __init__(self, portal: BlockingPortal, app: FastAPI) -> None:
        self.app = app
        self._portal = portal

    def post(self, path: str, body: object) -> httpx.Response:
        async def call() -> httpx.Response:
            transport = httpx.ASGITransport(app=self.app)
            async with httpx.AsyncClient(transport=transport, base_url="http://host") as client:
                return await client.post(path, json=body)

        return self._portal.call(call)


@pytest.fixture
def client(empty_database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    monkeypatch.setenv("DATABASE_URL", empty_database_url)
    monkeypatch.setenv("RASOAT_KEYS", "development-anywhere")
    monkeypatch.syspath_prepend(str(EXAMPLES / "fastapi_host"))
    sys.modules.pop("app", None)
    open_case(empty_database_url, "development-anywhere")
    host = importlib.import_module("app")
    with (
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(host.app.router.lifespan_context(host.app)),
    ):
        yield Client(portal, host.app)
    sys.modules.pop("app", None)


def test_a_fastapi_host_keeps_both_rows_or_neither(client: Client) -> None:
    visit = {"household": "HB-001", "note": "gặp chủ hộ", "day": "2022-09-27"}
    assert client.post("/visits", visit).json() == {"state": "listed"}
    refused = client.post("/visits", visit)
    assert (refused.status_code, refused.json()["detail"]["code"]) == (409, "refused.state")
    with client.app.state.reviews.database.engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM visits")).scalar() == 1
        connection.rollback()


def test_a_row_of_the_fastapi_hosts_that_cannot_be_takes_the_engines_back_with_it(client: Client) -> None:
    reviews, taken = client.app.state.reviews, {"household": "HB-001", "note": "của lần trước"}
    with reviews.database.engine.begin() as connection:
        connection.execute(text("INSERT INTO visits (household, note) VALUES (:household, :note)"), taken)
    answer = client.post("/visits", {"household": "HB-001", "note": "gặp chủ hộ", "day": "2022-09-27"})
    assert (answer.status_code, answer.json()["detail"]) == (409, {"code": "visited"})
    view = reviews.case("HB-001")
    assert (view.case.state, [event.kind for event in view.events]) == ("registered", ["opened"])
    with reviews.database.engine.connect() as connection:
        assert connection.execute(text("SELECT note FROM visits")).scalars().all() == ["của lần trước"]
        connection.rollback()


def test_a_script_for_cron_needs_no_server(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/cron.db"
    open_case(url)
    said = python(str(EXAMPLES / "cron" / "review_tick.py"), cwd=tmp_path, RASOAT_DATABASE_URL=url)
    assert said == "fired 0, rungs 0, breaches 0\n"
