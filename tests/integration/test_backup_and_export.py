"""Everything out and in again: backups that are checked, exports that both databases read alike."""

from __future__ import annotations

import json
from hashlib import sha256
from zipfile import ZipFile

import pytest
from sqlalchemy import select, text
from typer.testing import CliRunner

from rasoat import Rasoat
from rasoat.cli import app
from rasoat.foundation.errors import InputError, IntegrityError, NotFoundError, StorageError
from rasoat.persistence.archives import new_archive, opened_archive
from rasoat.persistence.audit import Audit
from rasoat.persistence.backup import backup, restore
from rasoat.persistence.checkpoint_rows import take
from rasoat.persistence.columnar import write_parquet
from rasoat.persistence.copying import check_export, export_all, load_all, manifest_from, tables_by_name
from rasoat.persistence.database import Database
from rasoat.persistence.keys import DevelopmentKeys
from rasoat.persistence.migrating import current_revision, downgrade, head_revision, upgrade
from rasoat.registry import Household, Person
from tests.support.reviews import BEATS, Review

AT = "2022-12-14T10:00:00.000000Z"
KEYS = DevelopmentKeys("sqlite://")
RUN = CliRunner()


def filled(url):
    """A database with a finished round, sealed households, a checkpoint, and a value of every awkward kind."""
    review = Review.start(url)
    review.run(BEATS, review.open_round(1, villages=2, households=6))
    engine = Rasoat.bind(review.database, keys=KEYS, clock=review.clock)
    people = tuple(Person(f"Nguyễn Thị Mẫu {i}", "head", "1980-01-02", "female") for i in range(3))
    engine.register_households([Household("Hộ “số 1”\\", "42/446/18766/01", people, "rural", "poor")])
    take(review.database, now=review.clock.now(), key=KEYS.ring().signer())
    with review.database.begin() as tx:
        tx.execute(
            tx.tables.setting.insert(),
            [{"unit_path": path, "workflow": "w", "key": "k", "value": "1"} for path in ("", "Đ", "z", "a", "ă", "A")],
        )
    return review.database


def content(database):
    with database.read() as tx:
        return {
            name: sorted(map(repr, tx.select(select(table)))) for name, table in tables_by_name(database).items()
        }  # fmt: skip


def findings(database):
    with database.read() as tx:
        return list(Audit(tx, KEYS.ring().public_keys()).everything())


def exported(database, path):
    with new_archive(path) as archive:
        return export_all(database, archive, taken_at=AT)


def loaded(url, path):
    database = Database.open(url)
    with opened_archive(path) as archive:
        load_all(database, archive)
    return database


@pytest.fixture
def source(tmp_path):
    database = filled(f"sqlite:///{tmp_path / 'source.db'}")
    yield database
    database.dispose()


@pytest.mark.parametrize("suffix", ["", ".zip"])
@pytest.mark.postgres
def test_sqlite_to_postgresql_to_sqlite_gives_the_same_bytes_and_whole_chains(source, postgres_url, tmp_path, suffix):
    first = exported(source, tmp_path / f"one{suffix}")
    there = loaded(postgres_url, tmp_path / f"one{suffix}")
    second = exported(there, tmp_path / f"two{suffix}")
    back = loaded(f"sqlite:///{tmp_path / 'back.db'}", tmp_path / f"two{suffix}")
    try:
        assert first == second
        assert content(back) == content(source)
        assert content(there).keys() == content(source).keys()
        assert findings(there) == findings(back) == []
        assert sum(part.rows for part in first.tables) > 200
    finally:
        there.dispose()
        back.dispose()


def test_an_engine_goes_on_where_the_export_stopped(source, tmp_path):
    exported(source, tmp_path / "one")
    back = loaded(f"sqlite:///{tmp_path / 'back.db'}", tmp_path / "one")
    review = Review(back)
    review.clock.move_to(BEATS[-1].at())
    review.engine.ids.take(100_000)
    review.run(BEATS[:2], review.open_round(7, villages=1, households=2, path="42/446/18700"))
    assert findings(back) == []
    back.dispose()


def test_every_file_is_what_the_manifest_says(source, tmp_path):
    manifest = exported(source, tmp_path / "out")
    for part in manifest.tables:
        lines = (tmp_path / "out" / part.file).read_bytes()
        assert (lines.count(b"\n"), sha256(lines).hexdigest()) == (part.rows, part.sha256)
        assert all(set(json.loads(line)) == set(part.columns) for line in lines.splitlines())
    assert {part.table for part in manifest.tables} == set(tables_by_name(source))
    assert manifest.revision == head_revision()


def test_no_exported_table_numbers_its_own_rows(source):
    numbering = [name for name, table in tables_by_name(source).items() if table.autoincrement_column is not None]
    assert numbering == [], "a sequence would have to be moved past the loaded rows"


def damage_row(folder):
    part = folder / "event.jsonl"
    part.write_bytes(part.read_bytes().replace(b'"cb01"', b'"cb02"', 1))


def lose_row(folder):
    part = folder / "event.jsonl"
    part.write_bytes(b"".join(part.read_bytes().splitlines(keepends=True)[1:]))


def swap_rows(folder):
    part = folder / "act.jsonl"
    one, two, *rest = part.read_bytes().splitlines(keepends=True)
    part.write_bytes(b"".join([two, one, *rest]))


@pytest.mark.parametrize("harm", [damage_row, lose_row, swap_rows])
def test_a_damaged_export_loads_nothing_at_all(source, tmp_path, harm):
    exported(source, tmp_path / "out")
    harm(tmp_path / "out")
    with opened_archive(tmp_path / "out") as archive, pytest.raises(IntegrityError, match="the manifest says"):
        check_export(archive)
    database = Database.open(f"sqlite:///{tmp_path / 'back.db'}")
    with opened_archive(tmp_path / "out") as archive, pytest.raises(IntegrityError, match="the manifest says"):
        load_all(database, archive)
    assert not (tmp_path / "back.db").exists()
    database.dispose()


def test_a_row_that_is_none_is_named_by_its_line(source, tmp_path):
    exported(source, tmp_path / "out")
    part = tmp_path / "out" / "unit_lineage.jsonl"
    row = b'{"old_path":"1"}\n'
    part.write_bytes(row)
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_bytes())
    (entry,) = [table for table in manifest["tables"] if table["table"] == "unit_lineage"]
    entry |= {"rows": 1, "sha256": sha256(row).hexdigest()}
    (tmp_path / "out" / "manifest.json").write_text(json.dumps(manifest))
    database = Database.open(f"sqlite:///{tmp_path / 'back.db'}")
    with opened_archive(tmp_path / "out") as archive, pytest.raises(InputError, match=r"unit_lineage.jsonl, line 1"):
        load_all(database, archive)
    database.dispose()


def test_a_database_that_holds_anything_is_not_loaded_into(source, tmp_path, database_url):
    exported(source, tmp_path / "out")
    database = Database.open(database_url)
    upgrade(database)
    with database.begin() as tx:
        tx.execute(tx.tables.setting.insert(), {"unit_path": "", "workflow": "w", "key": "k", "value": "1"})
    before = content(database)
    with opened_archive(tmp_path / "out") as archive, pytest.raises(InputError, match="empty database only"):
        load_all(database, archive)
    assert content(database) == before
    database.dispose()


def test_an_older_export_is_loaded_and_brought_to_this_release(source, tmp_path):
    manifest = exported(source, tmp_path / "out")
    older = json.loads((tmp_path / "out" / "manifest.json").read_bytes())
    kept = ("unit", "unit_lineage", "household", "round", "case", "act", "event", "deadline", "deadline_entry")
    older |= {"revision": "0001", "tables": [t for t in older["tables"] if t["table"] in kept]}
    (tmp_path / "out" / "manifest.json").write_text(json.dumps(older))
    back = loaded(f"sqlite:///{tmp_path / 'back.db'}", tmp_path / "out")
    assert current_revision(back) == head_revision() == manifest.revision
    assert findings(back) == []
    back.dispose()


def test_an_export_of_another_revision_is_not_mixed_with_tables_that_are_there(source, tmp_path):
    exported(source, tmp_path / "out")
    database = Database.open(f"sqlite:///{tmp_path / 'back.db'}")
    upgrade(database, "0001")
    with opened_archive(tmp_path / "out") as archive, pytest.raises(InputError, match="without tables"):
        load_all(database, archive)
    database.dispose()


def test_an_export_of_a_release_to_come_is_refused(source, tmp_path):
    exported(source, tmp_path / "out")
    manifest = tmp_path / "out" / "manifest.json"
    manifest.write_text(manifest.read_text().replace(f'"revision":"{head_revision()}"', '"revision":"9999"'))
    database = Database.open(f"sqlite:///{tmp_path / 'back.db'}")
    with opened_archive(tmp_path / "out") as archive, pytest.raises(InputError, match="no revision '9999'"):
        load_all(database, archive)
    database.dispose()


def test_only_the_schema_of_this_release_is_exported(source, tmp_path):
    downgrade(source, "0001")
    with new_archive(tmp_path / "out") as archive, pytest.raises(StorageError, match="upgrade it"):
        export_all(source, archive, taken_at=AT)


def test_what_is_no_export_is_refused(tmp_path):
    (tmp_path / "x.zip").write_bytes(b"PK nothing")
    with pytest.raises(InputError, match="no export"), opened_archive(tmp_path / "x.zip"):
        pass
    (tmp_path / "empty").mkdir()
    with opened_archive(tmp_path / "empty") as archive, pytest.raises(InputError, match="a manifest"):
        manifest_from(archive)
    with pytest.raises(NotFoundError), opened_archive(tmp_path / "none.zip"):
        pass


def test_nothing_is_overwritten_and_only_the_owner_reads_it(source, tmp_path):
    exported(source, tmp_path / "out.zip")
    exported(source, tmp_path / "out")
    for path in (tmp_path / "out.zip", tmp_path / "out"):
        with pytest.raises(InputError, match="exists"), new_archive(path):
            pass
    modes = {oct(path.stat().st_mode & 0o777) for path in [tmp_path / "out.zip", *(tmp_path / "out").iterdir()]}
    assert modes == {"0o600"}


def test_a_zip_that_was_not_finished_does_not_get_its_name(tmp_path):
    with pytest.raises(RuntimeError), new_archive(tmp_path / "out.zip") as archive:
        with archive.writing("x.jsonl") as file:
            file.write(b"{}\n")
        raise RuntimeError
    assert not (tmp_path / "out.zip").exists()


def test_parquet_holds_every_row_with_its_types(source, tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    counts = write_parquet(source, tmp_path / "pq")
    assert {name: len(rows) for name, rows in content(source).items()} == counts
    table = parquet.read_table(tmp_path / "pq" / "event.parquet")
    assert table.num_rows == counts["event"]
    types = {field.name: str(field.type) for field in table.schema}
    assert (types["occurred_on"], types["recorded_at"], types["hash"], types["case_id"]) == (
        "date32[day]", "timestamp[us, tz=UTC]", "binary", "int64",
    )  # fmt: skip
    with source.read() as tx:
        first = tx.select(select(tx.tables.event).order_by("case_id", "seq").limit(1))[0]
    assert table.slice(0, 1).to_pylist() == [first._asdict()]
    with pytest.raises(InputError, match="not empty"):
        write_parquet(source, tmp_path / "pq")


def test_a_sqlite_backup_is_one_whole_file_made_in_one_view_while_others_write(source, tmp_path, monkeypatch):
    monkeypatch.setattr("rasoat.persistence.backup._PAGES_AT_ONCE", 8)
    before, told = content(source), []

    def write_meanwhile(done):
        told.append(done)
        assert told == sorted(set(told)), "the copy was started anew"
        with source.begin() as tx:
            row = {"unit_path": str(len(told)), "workflow": "later", "key": "k", "value": "1"}
            tx.execute(tx.tables.setting.insert(), row)

    assert backup(source, tmp_path / "copy.db", taken_at=AT, progress=write_meanwhile) == "sqlite"
    assert len(told) > 3
    assert [path.name for path in tmp_path.glob("*copy.db*")] == ["copy.db"]
    assert oct((tmp_path / "copy.db").stat().st_mode & 0o777) == "0o600"
    copy = Database.open(f"sqlite:///{tmp_path / 'copy.db'}")
    assert content(copy) == before
    copy.dispose()


def test_a_backup_comes_back_and_a_damaged_one_does_not(source, tmp_path):
    backup(source, tmp_path / "copy.db", taken_at=AT)
    target = Database.open(f"sqlite:///{tmp_path / 'back.db'}")
    assert restore(tmp_path / "copy.db", target) == "sqlite"
    assert content(target) == content(source)
    target.dispose()
    whole = (tmp_path / "copy.db").read_bytes()
    at = whole.index(b"rasoat_event") // 4096 * 4096 + 4096 * 6
    (tmp_path / "copy.db").write_bytes(whole[:at] + b"\xff" * 8192 + whole[at + 8192 :])
    hurt = Database.open(f"sqlite:///{tmp_path / 'hurt.db'}")
    with pytest.raises((IntegrityError, StorageError), match=r"damaged|could not be made"):
        restore(tmp_path / "copy.db", hurt)
    assert not (tmp_path / "hurt.db").exists()
    assert list(tmp_path.glob(".hurt*")) == []


def test_neither_backup_nor_restore_overwrites_anything(source, tmp_path):
    backup(source, tmp_path / "copy.db", taken_at=AT)
    with pytest.raises(InputError, match="exists"):
        backup(source, tmp_path / "copy.db", taken_at=AT)
    with pytest.raises(InputError, match="exists"):
        restore(tmp_path / "copy.db", source)
    with pytest.raises(NotFoundError):
        restore(tmp_path / "none.db", source)


@pytest.mark.postgres
def test_postgresql_is_backed_up_as_an_export_that_either_database_takes(postgres_url, tmp_path):
    source = filled(postgres_url)
    try:
        with pytest.raises(InputError, match=r"end in \.zip"):
            backup(source, tmp_path / "copy.db", taken_at=AT)
        assert backup(source, tmp_path / "copy.zip", taken_at=AT) == "export"
        target = Database.open(f"sqlite:///{tmp_path / 'back.db'}")
        assert restore(tmp_path / "copy.zip", target) == "export"
        assert findings(target) == []
        assert exported(target, tmp_path / "again") == exported(source, tmp_path / "same")
        target.dispose()
    finally:
        source.dispose()


@pytest.mark.postgres
def test_a_sqlite_file_is_not_restored_into_postgresql(source, tmp_path, postgres_url):
    backup(source, tmp_path / "copy.db", taken_at=AT)
    target = Database.open(postgres_url)
    with pytest.raises(InputError, match="load the export elsewhere"):
        restore(tmp_path / "copy.db", target)
    target.dispose()


def call(*arguments):
    return RUN.invoke(app, [*map(str, arguments), "--keys", "development-anywhere"])


def test_the_commands_copy_verify_and_count(source, tmp_path, empty_database_url):
    url, counted = str(source.engine.url), {"cases": 12, "events": 132, "checkpoints": 1}
    answer = call("backup", tmp_path / "copy.db", "--db", url, "--json")
    assert json.loads(answer.stdout) == {"path": str(tmp_path / "copy.db"), "kind": "sqlite", **counted}
    assert sorted(path.name for path in tmp_path.glob("copy.db*")) == ["copy.db"]
    answer = call("restore", tmp_path / "copy.db", "--db", f"sqlite:///{tmp_path / 'back.db'}", "--json")
    assert json.loads(answer.stdout) == {"path": str(tmp_path / "copy.db"), "kind": "sqlite", **counted}
    answer = RUN.invoke(app, ["export", str(tmp_path / "all.zip"), "--db", url, "--json"])
    rows = json.loads(answer.stdout)["rows"]
    answer = call("load", tmp_path / "all.zip", "--db", empty_database_url, "--json")
    assert json.loads(answer.stdout) == {"path": str(tmp_path / "all.zip"), "rows": rows, **counted}
    again = call("load", tmp_path / "all.zip", "--db", empty_database_url)
    assert again.exit_code == 2
    assert "chỉ nạp được vào cơ sở dữ liệu trống" in again.stderr


def test_a_backup_of_a_record_that_was_tampered_with_says_so(source, tmp_path):
    with source.engine.begin() as connection:
        connection.execute(text("DROP TRIGGER rasoat_event_no_update"))
        connection.execute(text("UPDATE rasoat_event SET actor = 'cb99' WHERE seq = 2"))
    answer = call("backup", tmp_path / "copy.db", "--db", source.engine.url, "--lang", "en")
    assert answer.exit_code == 1
    assert "NOT WHOLE: 12 findings" in answer.stdout
    assert call("backup", tmp_path / "unasked.db", "--db", source.engine.url, "--no-verify").exit_code == 0


def test_a_zip_is_a_plain_zip_of_plain_lines(source, tmp_path):
    exported(source, tmp_path / "all.zip")
    with ZipFile(tmp_path / "all.zip") as zipped:
        assert zipped.testzip() is None
        zipped.extractall(tmp_path / "plain")
    with opened_archive(tmp_path / "plain") as archive:
        assert check_export(archive).rows == sum(map(len, content(source).values()))
