"""Personal data: found by a keyed hash, opened only with a note of it, wrapped anew, and erased. On both databases."""

from __future__ import annotations

import json
from datetime import date, datetime
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select
from sqlalchemy.exc import DBAPIError
from typer.testing import CliRunner

from rasoat import CountingIds, FrozenClock, Household, Person, Rasoat, Reader
from rasoat.cli import app
from rasoat.erasing import erasure_of
from rasoat.foundation.clock import LEGAL_ZONE
from rasoat.foundation.errors import InputError, NotFoundError
from rasoat.persistence import household_keys
from rasoat.persistence.audit import Audit
from rasoat.persistence.household_keys import households_by_master, rewrap_all
from rasoat.persistence.keys import DevelopmentKeys, FileKeys, create_key_file, with_new_master, without_master
from rasoat.persistence.vault import Vault

if TYPE_CHECKING:
    from collections.abc import Iterator

COMMUNE, DAY = "42/446/18766", date(2022, 9, 26)
NUMBERS = [f"0420900000{i:02}" for i in range(5)]
RUN = CliRunner()


def family(number: int) -> Household:
    people = (
        Person(f"Nguyễn Thị Thử {number}", "head", "1970-02-03", "female", NUMBERS[number]),
        Person(f"Trần Văn Mẫu {number}", "child", "2010", "male"),
    )
    return Household(f"HB-{number:03}", f"{COMMUNE}/01", people, "rural", "poor")


@pytest.fixture
def engine(database_url: str) -> Iterator[Rasoat]:
    opened = Rasoat.open(
        database_url,
        keys="development-anywhere",
        ids=CountingIds(),
        clock=FrozenClock(datetime(2022, 9, 27, 9, tzinfo=LEGAL_ZONE)),
    )
    opened.register_households([family(number) for number in range(5)])
    opened.open_round("R1", "annual", COMMUNE, DAY)
    opened.put_forward("R1", {f"HB-{n:03}": {"origin": "managed"} for n in range(5)}, DAY)
    yield opened
    opened.close()


def erase(engine, code="HB-002", reason="Theo yêu cầu của chủ hộ", document="12/QĐ-UBND"):
    return engine.erase_household(code, reason=reason, document=document, actor="cb01")


def rows(engine, name):
    table = getattr(engine.database.tables, name)
    with engine.database.read() as tx:
        return [row._asdict() for row in tx.select(select(table).order_by(*table.primary_key))]


def findings(engine):
    with engine.database.read() as tx:
        return list(Audit(tx, engine.keys.ring().public_keys()).everything())


def test_a_household_is_found_by_its_heads_identity_number_however_it_is_written(engine):
    assert engine.find_by_identity(NUMBERS[3]) == ["HB-003"]
    assert engine.find_by_identity(f"{NUMBERS[3][:6]} {NUMBERS[3][6:]}") == ["HB-003"]
    assert engine.find_by_identity("999999999999") == []
    with pytest.raises(InputError) as refused:
        engine.find_by_identity("12345")
    assert "12345" not in str(refused.value)


def test_whoever_opens_personal_data_is_noted_before_it_is_shown(engine):
    household_id = rows(engine, "household")[0]["id"]
    assert engine.household(household_id, reader=Reader("cb07", "khiếu nại 3/KN")).members[0].identity == NUMBERS[0]
    engine.household(household_id)
    noted = [(n["actor"], n["household_id"], n["unit_path"], n["purpose"]) for n in rows(engine, "personal_read")]
    assert noted == [
        ("cb07", household_id, f"{COMMUNE}/01", "khiếu nại 3/KN"),
        ("host", household_id, f"{COMMUNE}/01", "unstated"),
    ]


def test_an_erased_household_can_neither_be_opened_nor_found_and_the_record_verifies(engine):
    before = rows(engine, "household")[2]
    done = erase(engine)
    left = rows(engine, "household")[2]
    assert (left["master_key_id"], left["wrapped_key"], left["sealed"]) == ("", b"", b"")
    assert (left["identity_index"], left["twin_index"]) == (None, None)
    assert (left["code"], left["class_now"]) == (before["code"], before["class_now"])
    with pytest.raises(NotFoundError, match="was erased"):
        engine.household(done.household_id)
    assert engine.find_by_identity(NUMBERS[2]) == []
    assert findings(engine) == []


def test_the_erasure_stays_on_record_beside_the_cases_and_in_their_chains(engine):
    done = erase(engine)
    with engine.database.read() as tx:
        when, erasure = erasure_of(tx, done.household_id)
        assert erasure_of(tx, done.household_id + 1) is None
    assert (when, erasure.document, erasure.actor) == (engine.clock.now(), "12/QĐ-UBND", "cb01")
    event = engine.case("HB-002").events[-1]
    assert (event.kind, event.trigger, event.actor, json.loads(event.payload)) == (
        "erasure", "erase", "cb01", {"document": "12/QĐ-UBND"},
    )  # fmt: skip
    table = engine.database.tables.erasure
    with pytest.raises(DBAPIError, match="append-only"), engine.database.engine.begin() as connection:
        connection.execute(table.delete())


def test_a_reason_that_names_a_person_is_refused_and_nothing_is_erased(engine):
    for reason in ("theo đơn của TRẦN VĂN MẪU 2", f"số {NUMBERS[2]}"):
        with pytest.raises(InputError, match="names a person"):
            erase(engine, reason=reason)
    with pytest.raises(InputError, match="needs a document"):
        erase(engine, document=" ")
    assert engine.find_by_identity(NUMBERS[2]) == ["HB-002"]
    assert rows(engine, "erasure") == []
    assert engine.case("HB-002").case.seq == 1


def test_what_was_erased_is_not_erased_again(engine):
    erase(engine)
    with pytest.raises(InputError, match="erased before"):
        erase(engine)
    with pytest.raises(NotFoundError, match="no household"):
        erase(engine, code="HB-999")


def test_every_key_is_wrapped_anew_and_the_former_master_key_opens_nothing_any_more(engine, monkeypatch):
    monkeypatch.setattr(household_keys, "_AT_ONCE", 2)
    erase(engine)
    sealed = [row["sealed"] for row in rows(engine, "household")]
    ring = with_new_master(engine.keys.ring())
    told = []
    assert rewrap_all(engine.database, Vault(ring), ring.active, progress=told.append) == 4
    assert told == [2, 4, 5]
    with engine.database.read() as tx:
        assert households_by_master(tx) == {"": 1, ring.active: 4}
    assert [row["sealed"] for row in rows(engine, "household")] == sealed
    engine._vault = Vault(without_master(ring, "development"))
    kept = [row["id"] for row in rows(engine, "household") if row["wrapped_key"]]
    assert [engine.household(i).members[0].identity for i in kept] == [n for n in NUMBERS if n != NUMBERS[2]]
    assert rewrap_all(engine.database, Vault(ring), ring.active) == 0


def test_a_rotation_that_was_cut_short_is_finished_by_the_next(engine, monkeypatch):
    monkeypatch.setattr(household_keys, "_AT_ONCE", 2)
    ring = with_new_master(engine.keys.ring())

    def cut(seen):
        if seen == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        rewrap_all(engine.database, Vault(ring), ring.active, progress=cut)
    with engine.database.read() as tx:
        assert households_by_master(tx) == {"development": 1, ring.active: 4}
    assert rewrap_all(engine.database, Vault(ring), ring.active) == 1


def test_a_key_that_is_shredded_while_keys_are_wrapped_stays_shredded(engine):
    ring = with_new_master(engine.keys.ring())

    with engine.database.begin() as tx:
        keys = [household_keys.WrappedKey(*row) for row in tx.rows(household_keys._KEYS, 0, 9)]
    erase(engine)
    with engine.database.begin() as tx:
        fresh = [(Vault(ring).rewrap(key), key.master_key_id) for key in keys]
        values = [(k.master_key_id, k.wrapped, k.household_id, was) for k, was in fresh]
        assert tx.many(household_keys._REWRAP, values) == 4
    with engine.database.read() as tx:
        assert households_by_master(tx) == {"": 1, ring.active: 4}


@pytest.fixture
def shop(tmp_path):
    """A database with a key file of its own, as the commands find them."""
    url, path = f"sqlite:///{tmp_path / 'keys.db'}", tmp_path / "keys.json"
    create_key_file(path)
    engine = Rasoat.open(url, keys=f"file:{path}")
    engine.register_households([family(number) for number in range(5)])
    engine.close()

    def call(*arguments, keys=f"file:{path}"):
        return RUN.invoke(app, [*map(str, arguments), "--db", url, "--keys", keys])

    return call, path, url


def told(answer):
    assert answer.exit_code == 0, answer.output
    return json.loads(answer.stdout)


def test_the_commands_rotate_show_and_retire(shop):
    call, path, url = shop
    former = FileKeys(path).ring().active
    rotated = told(call("keys", "rotate", "--json"))
    assert (rotated["households"], rotated["resumed"]) == (5, False)
    shown = told(call("keys", "show", "--json"))
    assert shown["masters"] == {former: 0, rotated["key"]: 5}
    assert told(call("keys", "retire", "--json")) == {"active": rotated["key"], "dropped": [former]}
    assert set(FileKeys(path).ring().masters) == {rotated["key"]}
    engine = Rasoat.open(url, keys=f"file:{path}")
    assert engine.find_by_identity(NUMBERS[1]) == ["HB-001"]
    engine.close()
    assert oct(path.stat().st_mode & 0o777) == "0o600"


def test_no_secret_is_ever_printed(shop):
    call, path, _ = shop
    call("keys", "rotate")
    secrets = {part for part in path.read_text().split('"') if len(part) == 64}
    assert len(secrets) == 4
    for command in ("show", "rotate", "retire", "signer"):
        output = call("keys", command).output
        assert not [secret for secret in secrets if secret in output]


def test_a_master_key_that_still_wraps_is_not_retired(shop):
    call, path, url = shop
    former = FileKeys(path).ring().active
    call("keys", "rotate")
    late = Rasoat.open(url, keys=f"file:{path}")
    ring = FileKeys(path).ring()
    late._vault = Vault(type(ring)(ring.masters, former, ring.index_key, ring.signing_seed))
    late.register_households([Household("HB-900", f"{COMMUNE}/01", family(0).members[1:], "rural", "poor")])
    late.close()
    refused = call("keys", "retire")
    assert refused.exit_code == 2
    assert "còn bọc khóa của 1 hộ" in refused.stderr
    assert told(call("keys", "rotate", "--json")) == {"key": ring.active, "households": 1, "resumed": True}
    assert told(call("keys", "retire", "--json"))["dropped"] == [former]


def test_a_new_signer_leaves_the_former_public_key_behind(shop):
    call, path, _ = shop
    former = FileKeys(path).ring().signer().id
    made = told(call("keys", "signer", "--json"))
    assert made["former"] == former
    assert set(FileKeys(path).ring().public_keys()) == {former, made["signer"]}


def test_keys_that_are_not_in_a_file_are_not_changed_from_here(shop):
    call, _, _ = shop
    refused = call("keys", "rotate", keys="development")
    assert refused.exit_code == 2
    assert "chỉ thay đổi được tệp khóa" in refused.stderr.lower()


def test_the_household_commands_find_show_and_erase(shop):
    call, _, _ = shop
    assert call("household", "find", "--identity", NUMBERS[4]).stdout == "HB-004\n"
    shown = told(call("household", "show", "HB-004", "--purpose", "kiểm tra", "--actor", "cb01", "--json"))
    assert shown["members"][0]["identity"] == NUMBERS[4]
    done = ("--reason", "hết thời hạn", "--document", "9/QĐ", "--actor", "cb01", "--yes")
    assert told(call("household", "erase", "HB-004", *done, "--json")) == {"household": "HB-004", "cases": []}
    gone = told(call("household", "show", "HB-004", "--purpose", "kiểm tra", "--actor", "cb01", "--json"))
    assert (gone["reason"], gone["document"]) == ("hết thời hạn", "9/QĐ")
    assert call("household", "find", "--identity", NUMBERS[4]).stdout == ""
    assert call("household", "erase", "HB-004", *done).exit_code == 2


def test_sqlite_overwrites_what_is_erased_on_disk(tmp_path):
    path = tmp_path / "wiped.db"
    engine = Rasoat.open(f"sqlite:///{path}", keys=DevelopmentKeys("sqlite://"))
    engine.register_households([family(number) for number in range(5)])
    row = rows(engine, "household")[2]
    erase(engine)
    with engine.database.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    engine.close()
    content = path.read_bytes()
    for secret in ("wrapped_key", "sealed", "identity_index", "twin_index"):
        assert row[secret] not in content
