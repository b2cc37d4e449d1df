"""A round's events as XES and CSV, and the commands that draw, export, move and rehearse, on both databases."""

from __future__ import annotations

import csv
import io
import json
import warnings
from datetime import date

import pytest
from lxml import etree
from typer.testing import CliRunner

from rasoat.cli import app
from rasoat.engine.exporting.eventlog import traces
from rasoat.engine.exporting.logfiles import COLUMNS, write_csv, write_xes
from rasoat.engine.exporting.petri import pnml
from rasoat.engine.migrating import settled
from rasoat.engine.moving import Migration
from rasoat.workflows.migrations import shipped_migrations
from tests.support.regimes import ROUND, JuneRound

XES = "{http://www.xes-standard.org/}"
PLAN = "2025-07-01.annual"


@pytest.fixture
def june(database_url, tmp_path):
    started = JuneRound.open(database_url, tmp_path)
    yield started
    started.engine.close()


@pytest.fixture
def whole(june):
    june.whole()
    return june


def written(june, write, **options):
    file = io.StringIO()
    with june.engine.database.read() as tx:
        count = write(traces(tx, june.engine.library, june.ids(), **options), file)
    return count, file.getvalue()


def xes(june, **options):
    return written(june, lambda found, file: write_xes(found, file, name=ROUND), **options)


def test_xes_has_a_trace_for_every_case_and_an_event_for_every_fact_on_record(whole):
    count, text = xes(whole)
    log = etree.fromstring(text.encode())
    found = log.findall(f"{XES}trace")
    assert count == len(found) == len(whole.ids())
    for trace in found:
        view = whole.engine.case(int(value(trace, "concept:name")))
        events = trace.findall(f"{XES}event")
        assert [value(e, "rasoat:to") for e in events] == [e.to_state for e in view.events]
        assert [value(e, "rasoat:occurred_on") for e in events] == [e.occurred_on.isoformat() for e in view.events]
        assert value(events[0], "concept:name") == "opened"
        stamps = [value(e, "time:timestamp") for e in events]
        assert stamps == sorted(stamps)
        assert all(stamp.endswith("+07:00") for stamp in stamps)


def value(element, key):
    return next(child.get("value") for child in element if child.get("key") == key)


def test_csv_has_a_line_for_every_fact(whole):
    count, text = written(whole, write_csv)
    lines = list(csv.DictReader(io.StringIO(text)))
    events = [e for i in whole.ids() for e in whole.engine.case(i).events]
    assert count == len(whole.ids())
    assert tuple(lines[0]) == COLUMNS
    assert [(int(r["case"]), int(r["seq"]), r["to_state"]) for r in lines] == [
        (e.case_id, e.seq, e.to_state) for e in events
    ]
    roles = {r["activity"]: r["role"] for r in lines}
    assert (roles["survey"], roles["give_opinion"], roles["opened"]) == ("enumerator", "superior_chair", "")


def test_no_name_of_a_household_is_in_a_log(whole):
    assert "Chủ hộ" not in xes(whole)[1]
    assert "Chủ hộ" not in written(whole, write_csv)[1]


def test_only_cases_that_have_ended_are_written_if_asked(june):
    june.must("list_managed", date(2025, 6, 3), june.ids(1))
    assert xes(june)[0] == len(june.ids())
    assert xes(june, finished=True)[0] == 0


def test_each_event_of_a_moved_case_names_the_definition_it_happened_under(june):
    june.must("list_managed", date(2025, 6, 3), june.ids())
    june.move_to(date(2025, 7, 1), 9)
    plan = settled(shipped_migrations()[PLAN], {})
    Migration(june.engine.database, june.engine.engine, plan).apply("admin")
    june.must("survey", date(2025, 7, 2), june.ids())
    lines = list(csv.DictReader(io.StringIO(written(june, write_csv)[1])))
    assert [(r["activity"], r["workflow"]) for r in lines[:4]] == [
        ("opened", "annual@2022"),
        ("list_managed", "annual@2022"),
        (f"migration:{PLAN}", "annual@2025"),
        ("survey", "annual@2025"),
    ]


@pytest.mark.xdist_group("pm4py")  # it takes seconds to load
def test_an_independent_tool_replays_the_log_against_the_exported_net_and_only_in_its_order(whole):
    log = xes(whole, finished=True)[1]
    fitness = replayed(whole, log)
    assert (fitness["log_fitness"], fitness["percentage_of_fitting_traces"]) == (1.0, 100.0)
    disordered = log.replace('"concept:name" value="meet"', '"concept:name" value="post"')
    assert replayed(whole, disordered)["percentage_of_fitting_traces"] == 0.0


def replayed(june, text):
    """What pm4py says of a log against the exported net; it is AGPL, so `make` installs it for the tests only."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the tool's own, and it takes an error inside for an unsound net
        import pm4py

        model, log = june.folder / "model.pnml", june.folder / "log.xes"
        model.write_text(pnml(june.engine.library.workflow("annual@2022")), encoding="utf-8")
        log.write_text(text, encoding="utf-8")
        net, start, end = pm4py.read_pnml(str(model))
        return pm4py.fitness_alignments(pm4py.read_xes(str(log)), net, start, end)


class Console:
    def __init__(self, june):
        self.options = ["--db", june.url, "--keys", f"file:{june.folder / 'keys'}"]

    def run(self, *words, code=0):
        result = CliRunner().invoke(app, [*words, *self.options])
        assert result.exit_code == code, result.output
        return result.stdout

    def json(self, *words, code=0):
        return json.loads(self.run(*words, "--json", code=code))


def test_the_log_and_a_cases_picture_are_exported_on_the_command_line(whole):
    console, out = Console(whole), whole.folder / "log.xes"
    told = console.json("log", "export", "--round", ROUND, "--out", str(out))
    assert told["cases"] == len(etree.parse(out).findall(f"{XES}trace")) == len(whole.ids())
    assert console.run("log", "export", "--round", ROUND, "--format", "csv").startswith("case,unit,workflow")
    case = str(whole.ids()[0])
    drawn = console.run("workflows", "export", "annual@2022", "--case", case)
    assert '<g class="end current" id="state-' in drawn
    console.run("workflows", "export", "annual@2025", "--case", case, code=2)
    console.run("log", "export", "--round", "nowhere", code=2)


def test_a_migration_is_judged_and_carried_out_on_the_command_line(june):
    console = Console(june)
    june.to_posted(june.ids(), date(2025, 6, 25))
    judged = console.json("migrate", "dry-run", PLAN, "--round", ROUND, "--now", "2025-06-30T09:00+07:00")
    assert (judged["written"], judged["moved"]) == (False, len(june.ids()))
    early = ("migrate", "apply", PLAN, "--actor", "admin", "--now", "2025-06-30T09:00+07:00")
    assert "only a dry run" in console.json(*early, code=2)["error"]["message"]
    day = ("--actor", "admin", "--now", "2025-07-01T09:00+07:00")
    console.run("migrate", "apply", PLAN, *day, "--choose", "pending_at_district=wait", code=2)
    blocked = console.json("migrate", "apply", PLAN, *day, code=1)
    assert {b["code"] for b in blocked["blocked"]} == {"timer_due"}
    assert blocked["rounds"] == {ROUND: {"from": "42/446/18766", "to": "42/18766"}}
    june.to_settled(date(2025, 7, 2))
    done = console.run("migrate", "apply", PLAN, "--actor", "admin", "--now", "2025-07-02T09:00+07:00")
    assert f"Chuyển {len(june.ids())} hồ sơ; 0 hồ sơ bị chặn" in done
    assert "giữ nguyên ngày cuối" not in done  # the postings are over


def test_a_round_is_rehearsed_on_the_command_line(whole):
    console = Console(whole)
    same = console.json("rehearse", "--round", ROUND)
    assert (same["cases"], same["unchanged"]) == (len(whole.ids()), len(whole.ids()))
    told = console.run("rehearse", "--round", ROUND, "--workflow", "annual@2025")
    assert "superior_chair@42/446 → superior_chair@42" in told
    console.run("rehearse", "--round", ROUND, "--setting", "silence_override=yes", code=2)
