"""What an official reads is in their language and in words: days, statuses, states, fields, household codes."""

from __future__ import annotations

from pathlib import Path
from shutil import copytree

import pytest
from typer.testing import CliRunner

from rasoat import Rasoat
from rasoat.cli import app
from rasoat.commands._fields import read_fields, texts_of
from rasoat.commands.importing import _brief
from rasoat.engine.forms import form
from rasoat.engine.openings import said as opening_facts
from rasoat.foundation.messages import text

RUNNER = CliRunner()
VILLAGE = Path(__file__).parents[3] / "docs" / "tutorial"
COMMITTEE = ("--actor", "BCD", "--role", "committee:42/446/18766")
ENUMERATOR = ("--actor", "RSV", "--role", "enumerator:42/446/18766")
HEAD = ("--actor", "TT", "--role", "village_head:42/446/18766/01")


def run(*words: str) -> tuple[int, str, str]:
    done = RUNNER.invoke(app, list(words))
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code, done.stdout, done.stderr


@pytest.fixture
def surveyed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copytree(VILLAGE, tmp_path / "v")
    monkeypatch.chdir(tmp_path / "v")
    monkeypatch.setenv("RASOAT_DATABASE_URL", "sqlite:///v.db")
    for words in (
        ("import", "don-vi.csv", "--kind", "units"),
        ("import", "danh-sach.csv", "--round", "R", "--started-on", "26/09/2022"),
        ("act", "list_managed", "--round", "R", "--on", "27/09/2022", *COMMITTEE),
        ("act", "survey", "--round", "R", "--on", "03/10/2022", "--rows", "phieu-b.json", *ENUMERATOR),
    ):
        code, _, err = run(*words)
        assert code == 0, err


def meet(*fields: str, more: tuple[str, ...] = ()) -> tuple[int, str, str]:
    given = [word for field in fields for word in ("--field", field)]
    return run("act", "meet", "--round", "R", "--state", "surveyed", "--on", "07/10/2022", *HEAD, *given, *more)


VOTES = ("attendees=8", "in_favour=5", "copies=2", "signed_by_chair=true", "signed_by_households=true")


@pytest.mark.usefixtures("surveyed")
def test_a_refusal_names_the_household_and_says_what_is_missing_in_words() -> None:
    code, _, err = meet(*VOTES, "signed_by_secretary=false")
    assert code == 1
    assert "HB-001: Biên bản họp dân thiếu chữ ký: thư ký." in err
    assert (
        "HB-001: The minutes lack the signature of: the secretary."
        in meet(*VOTES, "signed_by_secretary=false", more=("--lang", "en"))[2]
    )


@pytest.mark.usefixtures("surveyed")
def test_a_field_that_does_not_fit_is_told_in_the_reader_s_language() -> None:
    wrong = meet("attendees=x", *VOTES[1:])[2]
    assert "attendees = “x”; yêu cầu: một số nguyên" in wrong
    assert "Input should be" not in wrong
    missing = meet("attendees=8")[2]
    assert "in_favour = “”; yêu cầu: phải có trường này" in missing


@pytest.mark.usefixtures("surveyed")
def test_the_same_command_again_is_answered_alike_though_its_cases_have_moved_on() -> None:
    once = (*VOTES, "signed_by_secretary=true")
    key = ("--idempotency-key", "k1")
    first = meet(*once, more=key)
    assert first[0] == 0
    assert first[1].startswith("2 → ")
    assert "agreed" not in first[1]
    assert meet(*once, more=key) == first
    assert meet("attendees=9", *once[1:], more=key)[0] == 1, "another body under the key is refused"


@pytest.mark.usefixtures("surveyed")
def test_a_document_s_number_may_be_digits_only() -> None:
    engine = Rasoat.open("sqlite:///v.db", create=False)
    case = engine.case("HB-001").case.id
    typed = ["number=012"]
    assert read_fields(typed, texts_of(engine, "report", [case])) == {"number": "012"}
    assert read_fields(typed, texts_of(engine, "report")) == {"number": "012"}
    assert read_fields(["attendees=12"], texts_of(engine, "meet", [case])) == {"attendees": 12}
    engine.close()
    code, _, err = run("act", "report", "--round", "R", "--on", "07/10/2022", *COMMITTEE, "--field", "number=12")
    assert code == 1
    assert "refused.form" not in err


def test_a_day_that_does_not_exist_is_named_with_what_was_probably_meant() -> None:
    for words in (("due", "31/11/2022", "3"), ("overdue", "--as-of", "31/11/2022")):
        code, _, err = run(*words)
        assert code == 2
        assert "30/11/2022" in err
    assert "does not exist" not in run("due", "31/11/2022", "3")[2]
    assert "is not a day that" in run("due", "31/11/2022", "3", "--lang", "en")[2]


def test_days_stand_as_each_language_writes_them() -> None:
    said = text("refused.future", day="2022-10-28", today="2022-10-27")
    assert "28/10/2022" in said.vi
    assert "2022-10-28" in said.en


def test_every_bound_a_form_sets_is_told_in_both_languages() -> None:
    _, faults = form("meeting").body({"attendees": 0, "in_favour": -1, "copies": "2", "minutes": "x"})
    for fault in faults:
        said = text("refused.form", field=fault.field, value=fault.value, expected=fault.expected)
        assert "Input should" not in said.en + said.vi
        assert "Extra inputs" not in said.en + said.vi


def test_a_long_list_of_refusals_is_counted_and_begun() -> None:
    many = [{"code": f"H-{n}", "other": "H-0", "by": "identity"} for n in range(200)]
    assert str(_brief(many)).startswith("200 (H-0 ~ H-0 (identity); ")
    assert len(str(_brief(many))) < 200


@pytest.mark.usefixtures("surveyed")
def test_what_is_on_record_is_told_in_words() -> None:
    code, told, _ = run("history", "HB-001", "--lang", "vi")
    assert code == 0
    assert "mở hồ sơ →" in told
    assert "registered" not in told
    _, shown, _ = run("household", "show", "HB-001", "--purpose", "đối chiếu", "--actor", "BCD", "--lang", "vi")
    assert "hộ nghèo" in shown
    assert " male" not in shown
    assert "female" not in shown
    assert "cơ sở dữ liệu" in run("--lang", "vi", "db", "revision")[1]
    assert "thời hạn" in run("--lang", "vi", "worker", "--once")[1]
    again = run("--lang", "vi", "import", "don-vi.csv", "--kind", "units")[1]
    assert again.startswith("tệp: don-vi.csv, đơn vị: 4")


@pytest.mark.usefixtures("surveyed")
def test_a_past_in_which_a_case_was_not_open_is_refused_in_both_languages() -> None:
    code, out, _ = run("history", "HB-001", "--as-of", "01/01/2020", "--json")
    assert code == 2
    assert "chưa mở vào ngày 01/01/2020" in out


def test_offices_levels_and_truths_are_told_in_words() -> None:
    said = text("clock.refused.authority", actor="x", unit="42", roles="committee, supervisor")
    assert said.vi.endswith("cần vai trò: Ban Chỉ đạo cấp xã (committee), người giám sát (supervisor).")
    assert "cấp trên cấp thôn" in text("registry.parent_unknown", unit="1", parent="2", level="village").vi
    assert opening_facts({"former": (True, False)}) == "former: true, false"


@pytest.mark.usefixtures("surveyed")
@pytest.mark.parametrize(
    ("words", "known"),
    [
        (("overdue", "--role", "nope"), "committee"),
        (("overdue", "--workflow", "nope"), "annual@2022"),
        (("outbox", "list", "--status", "nope"), "dead"),
        (("outbox", "list", "--facts", "--status", "sent"), "told"),
        (("workflows", "unset", "nope"), "silence_override"),
    ],
)
def test_a_name_that_nothing_has_is_refused_with_those_there_are(words: tuple[str, ...], known: str) -> None:
    code, _, err = run("--lang", "vi", *words)
    assert code == 2
    assert "không có; đã biết:" in err.replace("\n", " ")
    assert known in err
    assert run("overdue", "--role", "committee", "--workflow", "annual")[0] == 0
