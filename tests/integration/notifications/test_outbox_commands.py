"""`rasoat outbox …` and the worker's jobs, as an operator uses them with a settings file."""

from __future__ import annotations

import json
import re
import sys
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from rasoat.api import Rasoat
from rasoat.cli import app as cli
from rasoat.engine.tidings import tiding
from rasoat.foundation.clock import FrozenClock
from rasoat.foundation.errors import DefinitionError, InputError
from rasoat.notifications.setup import DIGEST_AT, OVERSEERS, Sending
from rasoat.notifying import load_notify, notify_jobs
from rasoat.persistence.outbox import enqueue
from rasoat.worker import Worker, standard_jobs
from tests.support.clockwork import at
from tests.support.post import DIRECTORY, SECRET, SETTINGS, facts, messages, settings_file

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

NOW = "2022-10-28T09:00+07:00"


@pytest.fixture
def app(database_url: str) -> Iterator[Rasoat]:
    opened = Rasoat.open(database_url, keys="development-anywhere", clock=FrozenClock(at(date(2022, 10, 28))))
    yield opened
    opened.close()


@pytest.fixture
def settings(
    tmp_path: Path, serve_mail: Any, postbox: Any, receiver: Any, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Path]:
    monkeypatch.setenv("RASOAT_TEST_HOOK_SECRET", SECRET)
    with serve_mail(postbox) as port:
        yield settings_file(tmp_path, mail=port, hook=receiver.port)


@pytest.fixture
def outbox(app: Rasoat, database_url: str, settings: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Run a command of the family; its JSON comes back, or its exit code where it refused."""
    monkeypatch.setenv("RASOAT_DATABASE_URL", database_url)
    monkeypatch.setenv("RASOAT_KEYS", "development-anywhere")
    monkeypatch.setenv("RASOAT_NOTIFY", str(settings))

    def run(*words: str) -> Any:
        done = CliRunner().invoke(cli, ["outbox", *words, "--json"])
        return json.loads(done.stdout) if done.exit_code == 0 else done.exit_code

    return run


def queue(app: Rasoat, number: int = 1, *, role: str = "committee", path: str = "42/446/18766") -> None:
    data = {"job": f"job {number}", "last_success": None, "problem": "locked"}
    row = tiding("job_stalled", "urgent", role, path, path, f"n{number}", data, app.clock.now())
    with app.database.begin() as tx:
        enqueue(tx, [row])


def test_an_operator_sends_looks_and_reads(app, outbox, postbox):
    queue(app)
    assert outbox("dispatch", "--now", NOW)["sent"] == 2
    listed = outbox("list")
    assert {(row["channel"], row["status"]) for row in listed} == {("email", "sent"), ("inbox", "sent")}
    assert not {"text", "html", "data", "envelope"} & set(listed[0])
    assert outbox("list", "--channel", "inbox", "--status", "dead") == []
    (mail,) = (row["id"] for row in listed if row["channel"] == "email")
    shown = outbox("show", mail[:8])
    assert [(a["number"], a["outcome"]) for a in shown["attempts"]] == [(1, "sent")]
    assert f"<{mail}@example.vn>" == shown["attempts"][0]["handle"]
    (fact,) = shown["facts"]
    assert len(outbox("show", fact["id"])["told_by"]) == 2
    assert len(postbox.received) == 1
    assert outbox("inbox", "bcd", "--mark-read", "--now", NOW)["messages"][0]["title"].startswith("Tác vụ nền")
    assert outbox("inbox", "bcd", "--unread") == {"unread": 0, "messages": []}


def test_an_operator_mends_what_went_wrong(app, outbox, postbox):
    postbox.on_recipient = "550 no such mailbox"
    queue(app)
    assert outbox("dispatch", "--now", NOW)["dead"] == 1
    assert outbox("metrics")["failed"] == 1
    (dead,) = outbox("list", "--status", "dead")
    assert "550" in dead["problem"]
    postbox.on_recipient = "250 OK"
    assert outbox("retry", dead["id"], "--now", NOW) == {"id": dead["id"], "status": "queued"}
    assert outbox("dispatch", "--now", "2022-10-28T09:01+07:00")["sent"] == 1
    assert outbox("retry", dead["id"]) == 2
    assert outbox("discard", dead["id"]) == 2
    assert outbox("show", "zzzz") == 2
    assert outbox("retention", "--older-than", "30", "--now", "2023-10-28T09:00+07:00")["messages"] == 2


def test_a_channel_is_tried_before_it_is_needed(outbox, postbox):
    assert outbox("test", "email", "--to", "bcd")["outcome"] == "sent"
    postbox.on_recipient = "550 no"
    assert outbox("test", "email", "--to", "chu-tich") == 1
    assert outbox("test", "email", "--to", "nobody") == 2
    assert outbox("test", "fax", "--to", "bcd") == 2


def test_facts_that_reached_nobody_are_listed(app, outbox):
    queue(app, role="archivist")
    outbox("dispatch", "--now", NOW)
    (lost,) = outbox("list", "--facts", "--status", "unreachable")
    assert lost["role"] == "archivist"


def test_the_worker_writes_digests_and_sends_each_time_it_runs(app, settings, postbox):
    queue(app)
    jobs = (*standard_jobs(), *notify_jobs(load_notify(settings, app)))
    assert [job.name for job in jobs][-2:] == ["digest", "dispatch"]
    done = Worker(app, jobs).once()
    assert (done["dispatch"]["sent"], done["dispatch"]["rows"], done["digest"]) == (
        2,
        1,
        {"digests": 0, "summaries": 0},
    )
    assert len(postbox.received) == 1
    queue(app, 2)
    dispatching = jobs[-1]
    assert dispatching.wake is not None
    assert dispatching.wake(app) == app.clock.now()
    Worker(app, jobs).once()
    assert dispatching.wake(app) is None
    assert {row.status for row in messages(app.database)} == {"sent"}
    assert {fact.status for fact in facts(app.database)} == {"told"}


def _without_inbox(text: str) -> str:
    return text.replace('[channels.inbox]\nkind = "inbox"\n', "")


@pytest.mark.parametrize(
    ("settings_text", "directory", "fault"),
    [
        (_without_inbox(SETTINGS), DIRECTORY, "person 'bcd' prefers the channel inbox"),
        (SETTINGS + "\n[digest]\nhour = 7\n", DIRECTORY, "unknown key hour"),
        (SETTINGS + "\n[digest]\nat = 7\n", DIRECTORY, "at = 7 is not a time"),
        (SETTINGS.replace("hourly_per_recipient = 60", "hourly_per_recipient = 0"), DIRECTORY, "burst >= 1"),
        (SETTINGS.replace("https://", "ftp://"), DIRECTORY, "must begin with http"),
        (SETTINGS.replace('directory = "can-bo.toml"', ""), DIRECTORY, "'directory' is missing"),
        (SETTINGS, DIRECTORY.replace('key = "bcd"', 'kee = "bcd"'), "'key' is missing"),
        ("[", DIRECTORY, "not valid TOML"),
    ],
)
def test_a_faulty_settings_file_is_refused_by_name(app, tmp_path, monkeypatch, settings_text, directory, fault):
    monkeypatch.setenv("RASOAT_TEST_HOOK_SECRET", SECRET)
    path = settings_file(tmp_path, mail=25, hook=80, settings=settings_text, directory=directory)
    with pytest.raises(DefinitionError, match=r"notify\.toml|can-bo\.toml") as refused:
        load_notify(path, app)
    assert fault in str(refused.value)


def test_the_settings_file_shown_in_the_docs_is_accepted(app, tmp_path):
    page = (Path(__file__).parents[3] / "docs" / "notifications.md").read_text(encoding="utf-8")
    shown = next(block for block in re.findall(r"```toml\n(.*?)```", page, re.DOTALL) if "directory =" in block)
    (tmp_path / "can-bo.toml").write_text("", encoding="utf-8")
    path = tmp_path / "notify.toml"
    path.write_text(shown, encoding="utf-8")
    found = load_notify(path, app)
    usual = Sending()
    assert (found.sending, found.overseers, found.digest_at) == (usual, OVERSEERS, DIGEST_AT)
    assert found.settings.link("x") == "https://rasoat.example.vn/x"


def test_a_settings_file_that_is_not_there_is_named(app, tmp_path):
    with pytest.raises(InputError, match=r"nowhere\.toml cannot be read"):
        load_notify(tmp_path / "nowhere.toml", app)


def test_a_worker_that_cannot_render_refuses_before_it_takes_up_a_fact(app, database_url, settings, monkeypatch):
    queue(app)
    monkeypatch.setitem(sys.modules, "jinja2", None)
    words = ["--db", database_url, "--keys", "development-anywhere", "--notify", str(settings)]
    told = CliRunner().invoke(cli, ["worker", "--once", *words], env={"RASOAT_LANG": "vi"})
    assert told.exit_code == 1
    assert "cần gói “jinja2”" in told.stderr
    assert "needs the package" not in told.stderr
    assert [fact.status for fact in facts(app.database)] == ["queued"]


def test_outbox_tells_instants_by_the_legal_clock(app, outbox):
    queue(app)
    outbox("dispatch", "--now", NOW)
    (mailed,) = outbox("list", "--channel", "email")
    for words in (["list"], ["show", mailed["id"]], ["inbox", "bcd"]):
        told = CliRunner().invoke(cli, ["outbox", *words]).stdout
        assert "28/10/2022 09:00" in told, words
        assert "2022-10-28" not in told, words
