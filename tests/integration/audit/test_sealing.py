"""Checkpoints as the database keeps them, and what a household can show with one. On SQLite and on PostgreSQL."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import timedelta
from importlib.resources import files

import pytest
from sqlalchemy import func, select

from rasoat import Rasoat
from rasoat.foundation.errors import InputError, NotFoundError
from rasoat.persistence import checkpoint_rows
from rasoat.persistence.chain_rows import case_spans, events_in, heads_of
from rasoat.persistence.checkpoint_rows import (
    export_checkpoint,
    prove,
    stored_checkpoint,
    stored_checkpoints,
    take,
    take_due_checkpoint,
)
from rasoat.persistence.checkpoints import checkpoint_from_json
from rasoat.persistence.keys import DevelopmentKeys
from rasoat.persistence.signing import public_key_pem
from rasoat.worker import Worker
from tests.integration.audit.conftest import SIGNER
from tests.support.reviews import BEATS

KEYS = DevelopmentKeys("sqlite://")


def sealed_rows(record):
    head = record.database.tables.checkpoint_head
    with record.database.read() as tx:
        rows = tx.select(select(head.c.number, func.count()).group_by(head.c.number).order_by(head.c.number))
        return [tuple(row) for row in rows]


def test_a_checkpoint_stores_what_moved_since_the_one_before(unsealed):
    unsealed.run(BEATS[:2])
    unsealed.seal()
    unsealed.seal()
    unsealed.run(BEATS[2:3], unsealed.ids[:1])
    unsealed.seal()
    assert sealed_rows(unsealed) == [(1, 4), (3, 1)]
    with unsealed.database.read() as tx:
        assert [row.signed.checkpoint.leaf_count for row in stored_checkpoints(tx)] == [4, 4, 4]
    assert unsealed.findings() == []


def test_a_stored_checkpoint_is_the_one_that_was_handed_out(unsealed, tmp_path):
    signed = unsealed.seal()
    path = export_checkpoint(signed, tmp_path / "kept")
    with unsealed.database.read() as tx:
        assert stored_checkpoint(tx).signed == signed == checkpoint_from_json(path.read_bytes())
    assert export_checkpoint(signed, tmp_path / "kept") == path


def test_an_exported_checkpoint_is_never_overwritten_by_another(unsealed, tmp_path):
    path = export_checkpoint(unsealed.seal(), tmp_path)
    path.write_bytes(path.read_bytes().replace(b"2022", b"2021"))
    before = path.read_bytes()
    with pytest.raises(InputError, match="another checkpoint"):
        export_checkpoint(checkpoint_of(unsealed), tmp_path)
    assert path.read_bytes() == before


def checkpoint_of(record):
    with record.database.read() as tx:
        return stored_checkpoint(tx).signed


def test_the_proof_holds_for_the_standalone_verifier_in_an_empty_folder(record, tmp_path):
    (tmp_path / "public.pem").write_text(public_key_pem(SIGNER.public))
    (tmp_path / "rasoat_verify.py").write_bytes((files("rasoat.persistence") / "rasoat_verify.py").read_bytes())
    case = record.ids[1]
    with record.database.read() as tx:
        (tmp_path / "proof.json").write_bytes(prove(tx, case).to_json())
    answer = run_verifier(tmp_path)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    shown = json.loads(answer.stdout)
    assert (shown["holds"], shown["case_id"], shown["length"], len(shown["events"])) == (True, case, 11, 11)
    proof = (tmp_path / "proof.json").read_text()
    (tmp_path / "proof.json").write_text(proof.replace('"actor":"cb01"', '"actor":"cb02"', 1))
    assert run_verifier(tmp_path).returncode == 1


def run_verifier(folder):
    return subprocess.run(
        [sys.executable, "-I", "-S", "rasoat_verify.py", "proof.json", "--key", "public.pem", "--json"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_proof_shows_nothing_of_the_other_households(record):
    case, *others = record.ids
    with record.database.read() as tx:
        proof = prove(tx, case).to_json().decode()
        secret = stored_checkpoint(tx).secret
        heads = [row.head.hash for row in heads_of(tx, others)]
    assert secret.hex() not in proof
    assert not [head for head in heads if head.hex() in proof]
    assert not [other for other in others if f'"{other}"' in proof]


def test_a_case_is_proved_as_it_stood_at_an_earlier_checkpoint(unsealed):
    unsealed.run(BEATS[:3])
    unsealed.seal()
    unsealed.run(BEATS[3:])
    unsealed.seal()
    with unsealed.database.read() as tx:
        before, after = (prove(tx, unsealed.ids[0], number=number) for number in (1, 2))
    assert [event.trigger for event in before.events] == ["open", "list_managed", "survey", "meet"]
    assert (len(after.events), after.head.length) == (11, 11)


def test_a_case_that_was_opened_after_a_checkpoint_is_not_proved_by_it(unsealed):
    unsealed.seal()
    later = unsealed.review.open_round(2, villages=1, households=1, path="42/446/18700")[0]
    unsealed.seal()
    with unsealed.database.read() as tx:
        with pytest.raises(NotFoundError, match="not under checkpoint 1"):
            prove(tx, later, number=1)
        assert prove(tx, later).head.length == 1


def test_without_a_checkpoint_there_is_no_proof(unsealed):
    with unsealed.database.read() as tx, pytest.raises(NotFoundError, match="no checkpoint was taken yet"):
        prove(tx, unsealed.ids[0])


def test_a_checkpoint_is_due_a_day_after_the_last_one(unsealed, tmp_path):
    clock, database = unsealed.review.clock, unsealed.database
    first = take_due_checkpoint(database, clock, KEYS, folder=tmp_path / "kept")
    assert first is not None
    assert first.checkpoint.number == 1
    clock.advance(timedelta(hours=23, minutes=59))
    assert take_due_checkpoint(database, clock, KEYS, folder=tmp_path / "kept") is None
    clock.advance(timedelta(minutes=1))
    second = take_due_checkpoint(database, clock, KEYS, folder=tmp_path / "kept")
    assert second is not None
    assert second.checkpoint.previous == first.checkpoint.digest()
    kept = sorted(path.name for path in (tmp_path / "kept").iterdir())
    assert kept == ["checkpoint-000001.json", "checkpoint-000002.json"]


def test_a_copy_that_could_not_be_written_is_written_later(unsealed, tmp_path):
    (tmp_path / "kept").write_text("no folder yet")
    with pytest.raises(FileExistsError):
        take_due_checkpoint(unsealed.database, unsealed.review.clock, KEYS, folder=tmp_path / "kept")
    (tmp_path / "kept").unlink()
    assert take_due_checkpoint(unsealed.database, unsealed.review.clock, KEYS, folder=tmp_path / "kept") is None
    content = (tmp_path / "kept" / "checkpoint-000001.json").read_bytes()
    assert checkpoint_from_json(content) == checkpoint_of(unsealed)


def test_the_worker_seals_once_a_day(unsealed, tmp_path, monkeypatch):
    monkeypatch.setenv("RASOAT_CHECKPOINTS", str(tmp_path / "kept"))
    engine = Rasoat.bind(unsealed.database, keys=KEYS, clock=unsealed.review.clock)
    assert Worker(engine).once()["checkpoint"] == {"taken": 1, "number": 1}
    assert Worker(engine).once()["checkpoint"] == {"taken": 0, "number": None}
    assert (tmp_path / "kept" / "checkpoint-000001.json").exists()


def test_of_two_workers_one_takes_the_checkpoint(unsealed, monkeypatch):
    clock, database = unsealed.review.clock, unsealed.database
    real = checkpoint_rows.take_checkpoint

    def overtaken(*args, **options):
        monkeypatch.setattr(checkpoint_rows, "take_checkpoint", real)
        assert take_due_checkpoint(database, clock, KEYS) is not None
        return real(*args, **options)

    monkeypatch.setattr(checkpoint_rows, "take_checkpoint", overtaken)
    assert take_due_checkpoint(database, clock, KEYS) is None
    assert sealed_rows(unsealed) == [(1, 4)]


def test_a_clock_that_was_set_back_takes_no_checkpoint(unsealed):
    unsealed.seal()
    with pytest.raises(InputError, match="set the clock right"):
        take(unsealed.database, now=unsealed.review.clock.now() - timedelta(minutes=1), key=SIGNER)


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5])
def test_spans_of_any_size_hold_every_case_and_every_event_once(unsealed, size):
    unsealed.run(BEATS[:2])
    with unsealed.database.read() as tx:
        spans = list(case_spans(tx, size))
        cases = [case.head.case_id for span in spans for case in span.cases]
        events = [(case, len(rows)) for span in spans for case, rows in events_in(tx, span).items()]
    assert cases == unsealed.ids
    assert events == [(case, 3) for case in unsealed.ids]
    assert [span.upto for span in spans[:-1]] == [span.after for span in spans[1:]]
    assert spans[-1].upto is None
