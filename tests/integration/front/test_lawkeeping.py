"""When the law changes or leaves a choice: settings, migrations and rehearsals from the front door and the commands."""

from __future__ import annotations

import json
from datetime import date

import pytest
from typer.testing import CliRunner

from rasoat import Rasoat
from rasoat.cli import app
from rasoat.engine.settings import fixed_settings
from rasoat.foundation.errors import InputError, NotFoundError
from rasoat.workflows.library import WorkflowLibrary
from tests.support.regimes import MINUTES, OLD, ROUND, JuneRound

PLAN = "2025-07-01.annual"
OUTVOTED = {**MINUTES, "households_in_favour": 10, "households_represented": 40}


@pytest.fixture
def june(database_url, tmp_path):
    started = JuneRound.open(database_url, tmp_path)
    yield started
    started.engine.close()


def run(june, *words):
    done = CliRunner().invoke(app, [*words, "--db", june.url, "--keys", f"file:{june.folder / 'keys'}"])
    return done.exit_code, done.stdout, done.stderr


def agreed(june):
    june.must("list_managed", date(2025, 6, 3), june.ids())
    june.must("survey", date(2025, 6, 5), june.ids())
    june.must("meet", date(2025, 6, 9), june.ids(), OUTVOTED)
    return {state.state for state in june.engine.states(ROUND)}


def test_a_stored_setting_is_in_force_below_its_unit_until_it_is_removed(june):
    june.engine.set_setting("agreement_base", "households", workflow="annual@2022", unit_path="42/446")
    june.engine.set_setting("agreement_base", "attendees", unit_path="43")
    assert [tuple(each) for each in june.engine.settings()] == [
        ("42/446", "annual@2022", "agreement_base", "households"), ("43", "", "agreement_base", "attendees"),
    ]  # fmt: skip
    assert agreed(june) == {"resurvey"}


def test_a_setting_that_was_removed_is_not_in_force(june):
    june.engine.set_setting("agreement_base", "households", unit_path=OLD)
    june.engine.unset_setting("agreement_base", unit_path=OLD)
    assert june.engine.settings() == []
    assert agreed(june) == {"agreed"}


LIBRARY = WorkflowLibrary()
FIXED = [(name, key) for name in LIBRARY.ids() for key in sorted(fixed_settings(LIBRARY.workflow(name)))]


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    opened = Rasoat.open(f"sqlite:///{tmp_path_factory.mktemp('settings')}/s.db")
    yield opened
    opened.close()


def test_what_the_loader_reads_is_known_to_be_fixed():
    assert {key for _, key in FIXED} == {
        "count_first_day", "makeup_days_count", "roll_end", "receipt_days", "recheck_counts_from"
    }  # fmt: skip
    assert ("monthly-entry@2025", "receipt_days") in FIXED
    assert ("annual@2022", "receipt_days") not in FIXED


def test_a_setting_that_is_part_of_a_definition_is_refused_when_it_is_written(engine):
    for workflow, key in FIXED:
        for named in (workflow, ""):
            with pytest.raises(InputError) as refused:
                engine.set_setting(key, 3, workflow=named)
            assert f"Thiết lập {key} thuộc về định nghĩa" in str(refused.value.vi)
            assert f"The setting {key} is part of the definition" in str(refused.value)
    assert engine.settings() == []


def test_one_that_was_written_past_the_front_door_is_refused_when_it_is_read(june):
    with june.engine.transaction() as tx:
        row = {"unit_path": OLD, "workflow": "annual@2022", "key": "count_first_day", "value": "true"}
        tx.execute(tx.tables.setting.insert(), row)
    with pytest.raises(InputError, match="The setting count_first_day is part of the definition annual@2022"):
        june.act("list_managed", date(2025, 6, 3), june.ids())


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("agreement_bass", "households", "There is no setting “agreement_bass”"),
        ("agreement_base", "everybody", "is not a value of it"),
        ("silence_override", "yes", "is not a value of it"),
        ("back_dating_days", -1, "is not a value of it"),
        ("back_dating_days", True, "is not a value of it"),
        ("correction_roles", [], "is not a value of it"),
    ],
)
def test_a_setting_that_would_mean_nothing_is_refused(engine, key, value, said):
    with pytest.raises(InputError, match=said):
        engine.set_setting(key, value)
    with pytest.raises(InputError, match=said):
        Rasoat.bind(engine.database, keys=engine.keys, settings={key: value})


def test_settings_from_the_command_line(june, monkeypatch):
    assert run(june, "workflows", "set", "silence_override", "true", "--workflow", "annual@2022")[0] == 0
    _, out, _ = run(june, "workflows", "settings", "--json")
    stored = {"unit_path": "", "workflow": "annual@2022", "key": "silence_override", "value": True}
    assert json.loads(out) == {"settings": [stored]}
    code, _, err = run(june, "workflows", "set", "count_first_day", "true")
    assert (code, "bị từ chối" in err) == (2, True)
    assert run(june, "workflows", "set", "silence_override", "oui")[0] == 2
    for tongue, own, foreign in (("vi", "Không có thiết lập", "no setting"), ("en", "no setting", "Không có")):
        monkeypatch.setenv("RASOAT_LANG", tongue)
        code, _, err = run(june, "workflows", "set", "nope", "1")
        assert (code, own in err, foreign in err) == (2, True, False)
    assert run(june, "workflows", "unset", "silence_override", "--workflow", "annual@2022")[0] == 0
    assert run(june, "workflows", "settings")[1] == ""


def test_migrating_from_the_front_door(june):
    june.to_posted(june.ids(), date(2025, 6, 20))
    june.to_settled(date(2025, 6, 26))
    june.move_to(date(2025, 7, 1), 9)
    tried = june.engine.migrate(PLAN, actor="admin", dry_run=True)
    assert (tried.written, tried.moved, tried.blocked) == (False, len(june.ids()), ())
    assert june.engine.case(june.ids()[0]).workflow.id == "annual@2022"
    first = june.engine.migrate(PLAN, actor="admin", round_code=ROUND, batch=1, max_batches=1)
    assert (first.moved, first.stopped_short) == (3, True)
    rest = june.engine.migrate(PLAN, actor="admin", answers={"pending_at_district": "keep_term"})
    assert (rest.moved, rest.stopped_short, dict(rest.plan.chosen)) == (3, False, {"pending_at_district": "keep_term"})
    assert {june.engine.case(i).workflow.id for i in june.ids()} == {"annual@2025"}


def test_a_migration_refuses_what_it_does_not_know(june):
    with pytest.raises(NotFoundError, match="no migration plan 'nope'"):
        june.engine.migrate("nope", actor="admin")
    with pytest.raises(NotFoundError, match="no round 'nope'"):
        june.engine.migrate(PLAN, actor="admin", round_code="nope")
    with pytest.raises(InputError, match="leaves no choice"):
        june.engine.migrate(PLAN, actor="admin", answers={"nope": "x"})


def test_rehearsing_from_the_front_door_and_the_command_line(june):
    june.whole()
    found = june.engine.rehearse(ROUND, workflow="annual@2025")
    assert (found.cases, len(found.differences)) == (len(june.ids()), len(june.ids()))
    _, out, _ = run(june, "rehearse", "--round", ROUND, "--workflow", "annual@2025", "--json")
    assert len(json.loads(out)["differences"]) == len(june.ids())
    with pytest.raises(InputError, match="part of the definition"):
        june.engine.rehearse(ROUND, settings={"count_first_day": True})
    with pytest.raises(NotFoundError, match="no round"):
        june.engine.rehearse("nope")
