"""The main job: the round of Xã Cẩm Duệ, 2022, from its files to the decision, as a user runs it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from rasoat import Rasoat
from rasoat.cli import app

if TYPE_CHECKING:
    from typer.testing import Result

pytestmark = pytest.mark.xdist_group("demo")  # the round is played once for all who look at it

NOTICE_566 = {
    "poor": (87, 181),
    "near_poor": (77, 268),
    "escaped_poverty": (17, 40),
    "escaped_near_poverty": (73, 266),
}
RECHECKED_UPHELD, RECHECKED_IN_VAIN, COMPLAINED_TOO_LATE, MOVED_AWAY = (
    "18766-02-012",
    "18766-03-010",
    "18766-08-010",
    "18766-05-024",
)
FAILED_MEETING_VILLAGE = "42/446/18766/18766-07"


def run(*words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from rasoat.cli import main; main()", *words]
    environment = {**os.environ, "PYTHONSAFEPATH": "1", "COLUMNS": "120"}
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, env=environment, check=False, timeout=120)


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], Path]:
    folder = tmp_path_factory.mktemp("demo")
    done = run("demo", "--out", str(folder / "out"), "--json", cwd=folder)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout), folder / "out"


@pytest.fixture
def engine(played: tuple[dict[str, Any], Path]) -> Any:
    opened = Rasoat.open(played[0]["database"], keys="development-anywhere")
    yield opened
    opened.close()


def test_the_round_reproduces_notice_566_line_by_line(played: tuple[dict[str, Any], Path]) -> None:
    report, _ = played
    found = {f["group"]: (f["round"]["households"], f["round"]["persons"]) for f in report["figures"]}
    assert found == NOTICE_566
    assert all(f["agrees"] for f in report["figures"])
    assert report["refused"] == 0


def test_every_case_came_to_an_end(engine: Rasoat) -> None:
    totals: dict[str, int] = {}
    for line in engine.states("18766-2022"):
        totals[line.state] = totals.get(line.state, 0) + line.count
    assert totals == {"recognised": 243, "not_poor": 14, "screened_out": 9, "withdrawn": 1}


def test_a_complaint_entered_two_days_late_starts_its_term_on_the_day_it_was_received(engine: Rasoat) -> None:
    view = engine.case(RECHECKED_UPHELD)
    complaint = next(e for e in view.events if e.trigger == "complain")
    assert complaint.occurred_on == date(2022, 10, 10)
    assert complaint.recorded_at.date() == date(2022, 10, 12)
    recheck = next(d for d in view.deadlines if d.rule == "recheck")
    assert (recheck.started_on, recheck.due_on, recheck.status) == (date(2022, 10, 10), date(2022, 10, 19), "met")
    assert view.case.class_after == "poor"


def test_a_complaint_in_vain_is_rechecked_reposted_and_keeps_its_class(engine: Rasoat) -> None:
    view = engine.case(RECHECKED_IN_VAIN)
    triggers = [e.trigger for e in view.events]
    assert triggers.count("post") == 2
    scores = [json.loads(e.payload) for e in view.events if e.trigger == "survey"]
    assert len(scores) == 2
    assert view.case.class_after == "near_poor"


def test_a_complaint_after_posting_is_recorded_and_reopens_nothing(engine: Rasoat) -> None:
    view = engine.case(COMPLAINED_TOO_LATE)
    complaint = next(e for e in view.events if e.trigger == "complain")
    assert complaint.from_state == complaint.to_state
    assert "recheck" not in {e.to_state for e in view.events}


def test_the_household_that_moved_away_is_withdrawn_with_its_reason(engine: Rasoat) -> None:
    view = engine.case(MOVED_AWAY)
    assert view.case.state == "withdrawn"
    assert json.loads(view.events[-1].payload)["reason"]


def test_the_village_below_half_surveyed_and_met_again(engine: Rasoat) -> None:
    code = next(c for c in engine.cases_of_round("18766-2022", unit_path=FAILED_MEETING_VILLAGE))
    states = [e.to_state for e in engine.case(code).events]
    assert states[:8] == ["registered", "listed", "surveyed", "resurvey", "surveyed", "agreed", "posted", "settled"]


def test_the_district_was_overdue_on_a_day_in_the_middle_and_its_breach_stays_on_record(engine: Rasoat) -> None:
    lines = engine.overdue(as_of=date(2022, 11, 8))
    assert {line.rule for line in lines} == {"opinion"}
    assert {(line.owner_role, line.owner_path, line.days) for line in lines} == {("superior_chair", "42/446", 1)}
    assert sum(line.count for line in lines) == 257
    assert engine.overdue(as_of=date(2022, 11, 7)) == []
    opinion = next(d for d in engine.case(RECHECKED_UPHELD).deadlines if d.rule == "opinion")
    assert (opinion.due_on, opinion.closed_on, opinion.status) == (date(2022, 11, 7), date(2022, 11, 9), "met_late")
    assert opinion.breached_at is not None


def test_the_overdue_command_tells_unit_term_and_desk(played: tuple[dict[str, Any], Path]) -> None:
    where = ("--db", played[0]["database"], "--keys", "development", "--as-of", "08/11/2022")

    def tell(*words: str) -> Result:
        return CliRunner(env={"COLUMNS": "120"}).invoke(app, ["overdue", *words, *where])

    told = tell("--unit", "42/446/18766/18766-01", "--json")
    assert json.loads(told.stdout) == {
        "as_of": "2022-11-08",
        "overdue": [
            {
                "unit_path": "42/446/18766/18766-01",
                "workflow": "annual@2022",
                "rule": "opinion",
                "owner_role": "superior_chair",
                "owner_path": "42/446",
                "due_on": "2022-11-07",
                "count": 28,
                "days": 1,
            }
        ],
    }
    shown = tell()
    assert "Chủ tịch UBND" in shown.stdout
    assert "07/11/2022" in shown.stdout
    elsewhere = tell("--unit", "99")
    assert elsewhere.exit_code == 2
    assert "Không có đơn vị nào mang đường dẫn 99" in elsewhere.stderr


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, dict[str, bytes], Path]:
    """What the demonstration prints in a folder with a commune's own database, and what lay there before."""
    folder = tmp_path_factory.mktemp("shown")
    made = CliRunner().invoke(app, ["db", "upgrade", "--db", f"sqlite:///{folder / 'rasoat.db'}"])
    assert made.exit_code == 0, made.stderr
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    done = run("demo", "--out", str(folder), cwd=folder)
    assert done.returncode == 0, done.stderr
    return done.stdout, before, folder


def test_it_never_deletes_what_it_did_not_make(shown: tuple[str, dict[str, bytes], Path], tmp_path: Path) -> None:
    """A commune's own database has another name by default; whatever bears the demonstration's name is looked at."""
    _, before, folder = shown
    assert before.keys() >= {"rasoat.db", "rasoat.db.keys"}
    assert {name: (folder / name).read_bytes() for name in before} == before
    for held in (before["rasoat.db"], b"no database at all"):
        (tmp_path / "demo.db").write_bytes(held)
        done = CliRunner().invoke(app, ["demo", "--out", str(tmp_path), "--lang", "en"])
        assert done.exit_code == 2
        assert "is left alone" in done.stderr
        assert (tmp_path / "demo.db").read_bytes() == held


def test_certificates_go_to_poor_and_near_poor_only(engine: Rasoat) -> None:
    codes = engine.cases_of_round("18766-2022")
    with_certificate = [c for c in list(codes)[::7] if engine.case(c).certificate]
    for code in list(codes)[::7]:
        view = engine.case(code)
        assert (view.certificate is not None) == (
            view.case.state == "recognised" and view.case.class_after in ("poor", "near_poor")
        )
    assert with_certificate


def test_the_result_lists_stand_where_the_demo_says(played: tuple[dict[str, Any], Path]) -> None:
    report, folder = played
    names = sorted(Path(path).name for path in report["lists"])
    assert names == ["ho-ngheo-can-ngheo.csv", "ho-thoat-can-ngheo.csv", "ho-thoat-ngheo.csv", "phu-luc-VI.xlsx"]
    assert all((folder / name).stat().st_size > 500 for name in names)


def test_it_shows_the_round_the_timeline_the_proof_and_the_figures_in_vietnamese(
    shown: tuple[str, dict[str, bytes], Path],
) -> None:
    for part in (
        "Thôn 10",
        "18766-02-012",
        "thứ Tư, 19/10/2022",
        "Quá hạn vào ngày 08/11/2022",
        "87 / 181",
        "phu-luc-VI",
    ):
        assert part in shown[0]


def test_files_that_do_not_add_up_to_the_notice_end_with_exit_code_1(tmp_path: Path) -> None:
    from shutil import copytree

    from rasoat.demo.files import shipped

    data = tmp_path / "data"
    copytree(shipped(), data)
    notice = data / "thong-bao-566.csv"
    notice.write_text(notice.read_text(encoding="utf-8").replace(",87,181", ",88,181"), encoding="utf-8")
    done = CliRunner().invoke(app, ["demo", "--out", str(tmp_path / "out"), "--data", str(data), "--json"])
    assert done.exit_code == 1
    assert not json.loads(done.stdout)["agrees"]
