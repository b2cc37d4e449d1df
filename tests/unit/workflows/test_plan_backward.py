"""Backward planning over the real calendar, on dates worked out by hand."""

from __future__ import annotations

from datetime import date

import pytest

from rasoat.deadlines.releases import calendar
from rasoat.deadlines.terms import Term, Unit
from rasoat.foundation.errors import CalendarError, DefinitionError, InputError
from rasoat.workflows.plans.backward import becomes_impossible_on, chain, forward, latest_days, outlook
from rasoat.workflows.plans.progress import load_progress
from rasoat.workflows.plans.steps import Binding, Opens, annual_steps, load_steps, steps_from
from rasoat.workflows.rows import RowsRefusedError

END = date(2024, 12, 14)  # a Saturday
STEPS = annual_steps()
CALENDAR = calendar(as_known_on=date(2026, 9, 30))


def days(*, complaint: bool, end: date = END) -> dict[str, tuple[date, date]]:
    return {
        each.step.key: (each.safe, each.possible) for each in latest_days(end, STEPS, CALENDAR, complaint=complaint)
    }


def test_the_annual_steps_carry_the_terms_of_article_4():
    terms = {step.key: (step.term.length, step.binding, step.term.article) for step in STEPS if step.term}
    act = "QĐ 24/2021/QĐ-TTg Điều 4 khoản"
    assert terms == {
        "posting": (3, Binding.MINIMUM, f"{act} 4 điểm a"),
        "recheck": (7, Binding.MAXIMUM, f"{act} 4 điểm b"),
        "reposting": (3, Binding.MINIMUM, f"{act} 4 điểm b"),
        "opinion": (5, Binding.MAXIMUM, f"{act} 5 điểm b"),
    }
    assert [step.key for step in chain(STEPS, complaint=False)] == ["meeting", "posting", "opinion", "recognition"]


def test_without_a_complaint_posting_on_monday_2_december_is_still_safe():
    # posted Mon 2/12, over Thu 5/12; report received Fri 6/12, opinion by Fri 13/12; recognised that day
    assert days(complaint=False) == {
        "meeting": (date(2024, 12, 2), date(2024, 12, 10)),
        "posting": (date(2024, 12, 2), date(2024, 12, 10)),
        "opinion": (date(2024, 12, 6), date(2024, 12, 14)),
        "recognition": (date(2024, 12, 13), date(2024, 12, 14)),
    }


def test_with_a_complaint_on_the_last_day_posting_has_to_begin_on_18_november():
    # posted Mon 18/11, complaint Thu 21/11, re-check by Mon 2/12, re-posted to Thu 5/12, then as without one
    assert days(complaint=True) == {
        "meeting": (date(2024, 11, 18), date(2024, 12, 5)),
        "posting": (date(2024, 11, 18), date(2024, 12, 5)),
        "recheck": (date(2024, 11, 21), date(2024, 12, 10)),
        "reposting": (date(2024, 12, 2), date(2024, 12, 10)),
        "opinion": (date(2024, 12, 6), date(2024, 12, 14)),
        "recognition": (date(2024, 12, 13), date(2024, 12, 14)),
    }


def test_the_worst_case_of_the_monthly_review_is_reproduced_day_by_day():
    # posted 18/9/2026, posting ends 23/9, re-check by 02/10, re-posting ends 07/10
    row = [step for step in STEPS if step.key in {"posting", "recheck", "reposting"}]
    assert forward(date(2026, 9, 18), row, CALENDAR) == {
        "posting": (date(2026, 9, 18), date(2026, 9, 23)),
        "recheck": (date(2026, 9, 23), date(2026, 10, 2)),
        "reposting": (date(2026, 10, 2), date(2026, 10, 7)),
    }


def test_days_off_push_the_latest_day_back():
    # 24/11/2026 is a holiday since 2026: one working day fewer
    with_holiday = latest_days(date(2026, 11, 30), STEPS, CALENDAR, complaint=False)
    assert [each.safe for each in with_holiday if each.step.key == "opinion"] == [date(2026, 11, 20)]


def test_a_last_day_beyond_the_calendar_is_refused():
    with pytest.raises(CalendarError):
        latest_days(date(2105, 12, 14), STEPS, CALENDAR, complaint=False)


def test_a_village_is_lost_on_the_day_after_its_last_possible_day():
    before = outlook("A", {"meeting": date(2024, 11, 28)}, END, STEPS, CALENDAR)
    assert before is not None
    assert (before.step.key, before.safe, before.possible) == ("posting", date(2024, 12, 2), date(2024, 12, 10))
    assert before.impossible_from == date(2024, 12, 11)
    standings = {day: before.standing(date(2024, 12, day)) for day in (2, 3, 10, 11)}
    assert standings == {2: "safe", 3: "at_risk", 10: "at_risk", 11: "lost"}


def test_a_step_made_too_late_was_lost_before_it_was_made():
    late = outlook("A", {"posting": date(2024, 12, 12)}, END, STEPS, CALENDAR)
    assert late is not None
    assert (late.step.key, late.missed, late.impossible_from) == ("posting", True, date(2024, 12, 11))


def test_until_the_complaint_comes_there_was_a_way_without_one():
    done = {"posting": date(2024, 12, 10), "recheck": date(2024, 12, 13)}
    late = outlook("A", done, END, STEPS, CALENDAR)
    assert late is not None
    assert (late.step.key, late.possible, late.impossible_from) == ("recheck", date(2024, 12, 10), date(2024, 12, 13))


def test_a_complaint_early_in_a_late_posting_can_still_make_it():
    done = {"posting": date(2024, 12, 9), "recheck": date(2024, 12, 10)}
    still = outlook("A", done, END, STEPS, CALENDAR)
    assert still is not None
    assert (still.step.key, still.missed, still.impossible_from) == ("reposting", False, date(2024, 12, 11))


def test_a_village_that_was_recognised_in_time_has_nothing_left_to_miss():
    assert outlook("A", {"recognition": date(2024, 12, 14)}, END, STEPS, CALENDAR) is None
    assert becomes_impossible_on({"A": {"recognition": date(2024, 12, 14)}}, END, STEPS, CALENDAR) is None


def test_a_round_is_lost_with_its_first_village():
    progress = {"A": {"posting": date(2024, 11, 20)}, "B": {"meeting": date(2024, 11, 20)}, "C": {}}
    assert becomes_impossible_on(progress, END, STEPS, CALENDAR) == date(2024, 12, 11)
    assert becomes_impossible_on({"A": progress["A"]}, END, STEPS, CALENDAR) == date(2024, 12, 15)


def test_an_unknown_step_is_refused_with_the_known_ones():
    with pytest.raises(InputError, match=r"village A: no step is called dance; the steps are meeting, posting"):
        outlook("A", {"dance": date(2024, 12, 1)}, END, STEPS, CALENDAR)


def test_own_steps_come_as_plain_rows():
    rows = [
        {
            "key": "survey",
            "vi": "Khảo sát",
            "en": "Survey",
            "length": 10,
            "unit": "calendar_days",
            "binding": "minimum",
        },
        {"key": "meeting", "vi": "Họp", "en": "Meeting", "opens": "next_day"},
    ]
    survey, meeting = steps_from(rows)
    assert (survey.term, meeting.term, meeting.opens) == (Term(10, Unit.CALENDAR_DAYS), None, Opens.NEXT_DAY)
    # survey Mon 2/12 + 10 days = Thu 12/12, meeting Fri 13/12
    assert [each.safe for each in latest_days(END, (survey, meeting), CALENDAR, complaint=False)] == [
        date(2024, 12, 2),
        date(2024, 12, 13),
    ]


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([{"key": "a", "vi": "A"}], "step 1, en: "),
        ([{"key": "a", "vi": "A", "en": "A", "days": 3}], "step 1, days: "),
        ([{"key": "a", "vi": "A", "en": "A", "length": 0}], "step 1, length: "),
        ([{"key": "a", "vi": "A", "en": "A"}] * 2, "twice: a"),
        ([], "at least one step"),
        ([{"key": "a", "vi": "A", "en": "A", "after_complaint": True}], "a complaint needs a step before it"),
    ],
)
def test_faulty_steps_are_refused_with_their_place(rows, said):
    with pytest.raises(DefinitionError, match=said):
        steps_from(rows)


def test_a_file_of_steps_holds_nothing_else(tmp_path):
    path = tmp_path / "steps.toml"
    path.write_text('[[steps]]\nkey = "a"\n', encoding="utf-8")
    with pytest.raises(DefinitionError, match=r"expected \[\[step\]\] tables only, found steps"):
        load_steps(path)
    path.write_text("[[step", encoding="utf-8")
    with pytest.raises(InputError, match="not valid TOML"):
        load_steps(path)


def test_progress_is_read_from_a_file(tmp_path):
    path = tmp_path / "progress.csv"
    path.write_text(
        "village,step,day\nThôn 1,meeting,2024-11-28\nThôn 1,posting,29/11/2024\nThôn 2,,\n", encoding="utf-8"
    )
    assert load_progress(path, ["meeting", "posting"], through=END) == {
        "Thôn 1": {"meeting": date(2024, 11, 28), "posting": date(2024, 11, 29)},
        "Thôn 2": {},
    }


def test_each_faulty_row_of_progress_is_named(tmp_path):
    path = tmp_path / "progress.csv"
    rows = ["A,dance,2024-12-01", "A,meeting,2024-12-01", "A,meeting,2024-12-02", "A,posting,31/11/2024"]
    rows += [",meeting,2024-12-01", "B,meeting,", "B,posting,2024-12-15"]
    path.write_text("\n".join(["village,step,day", *rows]), encoding="utf-8")
    with pytest.raises(RowsRefusedError) as refused:
        load_progress(path, ["meeting", "posting"], through=END)
    assert [(fault.row, fault.column) for fault in refused.value.rows] == [
        (2, "step"),
        (4, "step"),
        (5, "day"),
        (6, "village"),
        (7, "day"),
        (8, "day"),
    ]
