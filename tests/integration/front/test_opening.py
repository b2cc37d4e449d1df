"""Opening a database: it is there, its keys are its own, its release is known, its clock tells the truth."""

from __future__ import annotations

import json
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path
from shutil import copytree
from typing import Any

import pytest
from typer.testing import CliRunner

from rasoat import Rasoat
from rasoat.cli import app
from rasoat.foundation.errors import InputError, NotFoundError
from rasoat.persistence.keys import create_key_file, generate_ring, ring_to_json

RUNNER = CliRunner()
VILLAGE = Path(__file__).parents[3] / "docs" / "tutorial"
LIST = (
    "act",
    "list_managed",
    "--round",
    "R",
    "--on",
    "27/09/2022",
    "--actor",
    "BCD",
    "--role",
    "committee:42/446/18766",
)


def run(*words: str) -> tuple[int, str, str]:
    done = RUNNER.invoke(app, list(words))
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code, done.stdout, done.stderr


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    copytree(VILLAGE, tmp_path / "v")
    monkeypatch.chdir(tmp_path / "v")
    monkeypatch.setenv("RASOAT_DATABASE_URL", "sqlite:///v.db")
    return tmp_path / "v"


def bring_in(*more: str) -> None:
    for words in (("don-vi.csv", "--kind", "units"), ("danh-sach.csv", "--round", "R", "--started-on", "26/09/2022")):
        code, _, err = run("import", *words, *more)
        assert code == 0, err


@pytest.fixture
def village(folder: Path) -> Path:
    """A commune's own database: no trial."""
    bring_in()
    return folder


@pytest.fixture
def trial(folder: Path) -> Path:
    assert run("db", "upgrade", "--trial")[0] == 0
    bring_in("--now", "2022-09-26T08:00+07:00")
    return folder


ASKING = [
    ("overdue",),
    ("case", "show", "HB-001"),
    ("history", "HB-001"),
    ("worker", "--db", "sqlite:///v.db", "--once"),
    LIST,
]


@pytest.mark.parametrize(
    "words", [*ASKING, ("audit", "verify"), ("keys", "show"), ("db", "revision"), ("backup", "b.db")]
)
def test_a_database_that_is_not_there_is_named_and_not_made(folder: Path, words: tuple[str, ...]) -> None:
    before = sorted(folder.iterdir())
    code, _, err = run(*words)
    assert code == 2
    assert "Không có cơ sở dữ liệu tại v.db" in err
    assert sorted(folder.iterdir()) == before


def test_what_brings_something_in_makes_the_database_and_says_so(folder: Path) -> None:
    code, _, err = run("import", "don-vi.csv", "--kind", "units")
    assert code == 0
    assert "Đã tạo cơ sở dữ liệu mới: sqlite:///v.db" in err
    assert (folder / "v.db.keys").exists()
    assert run("import", "don-vi.csv", "--kind", "units")[2] == ""


@pytest.mark.parametrize("words", [*ASKING, ("import", "don-vi.csv", "--kind", "units")])
def test_a_lost_key_file_is_asked_for_and_never_replaced(village: Path, words: tuple[str, ...]) -> None:
    (village / "v.db.keys").rename(village / "elsewhere")
    code, _, err = run(*words)
    assert code == 2
    assert "Thiếu tệp khóa v.db.keys" in err
    assert not (village / "v.db.keys").exists()
    assert run("case", "show", "HB-001", "--keys", "file:elsewhere")[0] == 0


def test_a_wrong_key_file_is_refused_at_opening(village: Path) -> None:
    create_key_file(village / "wrong")
    code, _, err = run("overdue", "--keys", "file:wrong", "--lang", "en")
    assert code == 2
    assert "not those of this database" in err
    assert run("overdue", "--keys", "development")[0] == 2


def test_a_signer_of_another_ring_is_refused_before_any_household_is_sealed(folder: Path) -> None:
    assert run("db", "upgrade")[0] == 0
    assert run("audit", "checkpoint")[0] == 0
    (folder / "v.db.keys").unlink()
    with pytest.raises(NotFoundError, match="Restore it"):
        Rasoat.open("sqlite:///v.db")
    (folder / "v.db.keys").write_text(ring_to_json(generate_ring()))
    (folder / "v.db.keys").chmod(0o600)
    with pytest.raises(InputError, match="last checkpoint was signed by"):
        Rasoat.open("sqlite:///v.db")


def test_a_new_database_gets_its_keys_with_it_even_if_nothing_is_sealed_yet(folder: Path) -> None:
    assert run("db", "upgrade")[0] == 0
    assert (folder / "v.db.keys").exists()
    assert run("worker", "--db", "sqlite:///v.db", "--once")[0] == 0


def test_an_instant_to_come_or_before_the_last_entry_is_refused(village: Path) -> None:
    ahead = (datetime.now(UTC) + timedelta(days=2)).isoformat()
    for told, said in ((ahead, "chưa tới"), ("2022-09-27T17:00+07:00", "trước lần ghi cuối cùng")):
        for words in (LIST, ("worker", "--db", "sqlite:///v.db", "--once")):
            code, _, err = run(*words, "--now", told)
            assert code == 2
            assert said in err
    assert len(json.loads(run("case", "show", "HB-001", "--json")[1])["events"]) == 1
    assert run(*LIST)[0] == 0


def test_a_question_may_be_asked_as_of_any_instant(village: Path) -> None:
    del village
    assert run("migrate", "dry-run", "2025-07-01.annual", "--now", "2025-06-30T09:00+07:00")[0] == 0


def test_a_trial_database_lets_its_clock_be_told_and_says_for_good_what_it_is(trial: Path) -> None:
    del trial
    assert run(*LIST, "--now", "2022-09-27T17:00+07:00")[0] == 0
    assert json.loads(run("db", "revision", "--json")[1])["trial"] is True
    assert json.loads(run("audit", "verify", "--json")[1])["trial"] is True
    assert "thử nghiệm" in run("audit", "verify")[1]
    assert run("workflows", "unset", "trial", "--workflow", "rasoat.database")[0] == 2
    assert json.loads(run("workflows", "settings", "--json")[1]) == {"settings": []}
    assert json.loads(run("db", "revision", "--json")[1])["trial"] is True


def test_a_real_record_does_not_become_a_trial(village: Path) -> None:
    del village
    code, _, err = run("db", "upgrade", "--trial")
    assert code == 2
    assert "không thể chuyển" in err


def _entered(at: dict[int, datetime]) -> Any:
    """A clock that tells each entry its instant, as a library's host may."""
    from rasoat import Actor, ActRequest, FrozenClock, Mandate

    acts = [
        ("list_managed", "27/09/2022", "committee:42/446/18766", {}),
        ("survey", "03/10/2022", "enumerator:42/446/18766", json.loads(Path("phieu-b.json").read_text())),
    ]
    for number, (trigger, on, holding, rows) in enumerate(acts):
        engine = Rasoat.open("sqlite:///v.db", clock=FrozenClock(at[number]))
        ids = engine.cases_of_round("R")
        role, _, path = holding.partition(":")
        request = ActRequest(
            trigger,
            tuple(ids.values()),
            datetime.strptime(on, "%d/%m/%Y").replace(tzinfo=UTC).date(),
            Actor("A", (Mandate(role, path),)),
            rows={ids[code]: row for code, row in rows.items()},
        )
        assert not engine.fire_many(request).refused
        engine.close()


def test_the_audit_finds_entries_whose_clock_ran_backwards_or_ahead(village: Path) -> None:
    del village
    now = datetime.now(UTC)
    _entered({0: now + timedelta(days=3), 1: now + timedelta(hours=1)})
    code, out, _ = run("audit", "verify", "--json")
    assert code == 1
    found = [(each["kind"], each["seq"]) for each in json.loads(out)["shown"]]
    assert sorted(set(found)) == [("backwards", 3), ("to_come", 2), ("to_come", 3)]
    assert "chưa tới" in run("audit", "verify")[1]


def test_two_machines_clocks_may_differ_by_a_minute(village: Path) -> None:
    del village
    now = datetime.now(UTC) + timedelta(seconds=60)
    _entered({0: now, 1: now - timedelta(seconds=30)})
    assert run("audit", "verify")[0] == 0


@pytest.mark.parametrize("command", ["restore", "load"])
def test_what_is_brought_back_waits_for_its_keys_and_leaves_nothing_without_them(village: Path, command: str) -> None:
    made = {"restore": ("backup", "copy"), "load": ("export", "copy")}[command]
    assert run(*made)[0] == 0
    back = (command, "copy", "--db", "sqlite:///back.db")
    before = sorted(village.iterdir())
    code, _, err = run(*back)
    assert code == 2
    assert "chưa có gì được ghi" in err
    create_key_file(village / "wrong")
    assert run(*back, "--keys", "file:wrong")[0] == 2
    (village / "wrong").unlink()
    assert sorted(village.iterdir()) == before
    code, _, err = run(*back, "--keys", "file:v.db.keys")
    assert code == 0, err
    assert run("overdue", "--db", "sqlite:///back.db")[0] == 2, "the next command makes no other key"
    assert not (village / "back.db.keys").exists()


def test_a_damaged_export_leaves_nothing(village: Path) -> None:
    assert run("export", "copy")[0] == 0
    part = village / "copy" / "event.jsonl"
    part.write_bytes(part.read_bytes().replace(b"open", b"opem", 1))
    before = sorted(village.iterdir())
    for command in ("load", "restore"):
        code, _, _ = run(command, "copy", "--db", "sqlite:///back.db", "--keys", "file:v.db.keys")
        assert code == 1
        assert sorted(village.iterdir()) == before


@pytest.mark.parametrize(
    "words", [*ASKING, ("import", "don-vi.csv", "--kind", "units"), ("db", "upgrade"), ("backup", "b.db")]
)
def test_a_database_of_a_newer_release_is_named_as_such(village: Path, words: tuple[str, ...]) -> None:
    with sqlite3.connect(village / "v.db") as raw:
        raw.execute("UPDATE rasoat_schema_version SET version_num = '9999_future'")
    raw.close()
    code, _, err = run(*words)
    assert code == 1
    assert "phiên bản rasoat mới hơn" in err


@pytest.mark.parametrize("words", [("overdue",), ("history",), (*LIST,), ("migrate", "dry-run", "2025-07-01.annual")])
def test_a_unit_that_is_not_on_record_is_named(trial: Path, words: tuple[str, ...]) -> None:
    del trial
    code, _, err = run(*words, "--unit", "99")
    assert code == 2
    assert "Không có đơn vị nào mang đường dẫn 99" in err
