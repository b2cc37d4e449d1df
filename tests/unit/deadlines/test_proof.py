from __future__ import annotations

import json
from datetime import date

from rasoat.deadlines.calendar import DayKind
from rasoat.deadlines.proof import Step, prove
from rasoat.deadlines.releases import calendar
from rasoat.deadlines.terms import Counting, Term, Unit
from rasoat.foundation.clock import end_of

LATEST = calendar()
OPINION = Term(5, Unit.WORKING_DAYS, article="QĐ 24/2021/QĐ-TTg Đ4 k5")
ROUND = Term(15, Unit.CALENDAR_DAYS, article="QĐ 24/2021/QĐ-TTg Đ5 k2")


def test_each_day_over_the_new_year_is_counted_or_skipped_for_its_reason() -> None:
    told = [
        (each.day.day, each.step, each.number, each.fact.kind)
        for each in prove(OPINION, date(2025, 12, 31), LATEST).days
    ]
    assert told == [
        (31, Step.START, None, DayKind.WORKING),
        (1, Step.SKIPPED, None, DayKind.HOLIDAY),
        (2, Step.SKIPPED, None, DayKind.SWAPPED_OFF),
        (3, Step.SKIPPED, None, DayKind.WEEKEND),
        (4, Step.SKIPPED, None, DayKind.WEEKEND),
        (5, Step.COUNTED, 1, DayKind.WORKING),
        (6, Step.COUNTED, 2, DayKind.WORKING),
        (7, Step.COUNTED, 3, DayKind.WORKING),
        (8, Step.COUNTED, 4, DayKind.WORKING),
        (9, Step.COUNTED, 5, DayKind.WORKING),
    ]


def test_a_calendar_term_shows_the_days_over_which_it_rolled() -> None:
    days = prove(ROUND, date(2026, 8, 15), LATEST).days
    assert [each.number for each in days[:17]] == [None, *range(1, 16), None]
    assert [(each.day, each.step) for each in days[-4:]] == [
        (date(2026, 8, 31), Step.ROLLED),
        (date(2026, 9, 1), Step.ROLLED),
        (date(2026, 9, 2), Step.ROLLED),
        (date(2026, 9, 3), Step.ROLLED),
    ]


def test_the_term_is_over_at_24_00_in_vietnam() -> None:
    proof = prove(OPINION, date(2025, 12, 31), LATEST)
    assert proof.due_at == end_of(date(2026, 1, 9))
    assert proof.as_dict()["due_at"] == "2026-01-10T00:00:00+07:00"


def test_past_the_horizon_the_proof_is_provisional_and_says_so() -> None:
    firm, open_ended = (prove(OPINION, day, LATEST) for day in (date(2026, 12, 24), date(2026, 12, 28)))
    assert (firm.due_on, firm.provisional) == (date(2026, 12, 31), False)
    assert (open_ended.due_on, open_ended.provisional) == (date(2027, 1, 5), True)
    assert "TẠM TÍNH" in open_ended.render("vi")
    assert "TẠM TÍNH" not in firm.render("vi")
    assert open_ended.render("vi").count("[dự kiến]") == 1 + 5


def test_over_a_proposed_swap_the_proof_is_provisional_and_names_the_proposal() -> None:
    """23/11 against 28/11/2026 is proposed and not decided: counted as if it were not, and said."""
    proof = prove(OPINION, date(2026, 11, 23), LATEST)
    assert (proof.due_on, proof.provisional) == (date(2026, 12, 1), True)
    assert proof.as_dict()["undecided"] == ["2026-11-28"]
    page = proof.render("vi")
    assert "TẠM TÍNH" in page
    assert "Đề xuất làm bù cho ngày nghỉ 23/11/2026; chưa có quyết định" in " ".join(page.split())
    assert "Đề xuất tháng 9/2026" in page, "the source of the proposal stands among the sources"
    assert [words.vi for words in proof.provisos] == [
        "TẠM TÍNH: thứ Bảy, 28/11/2026 – Đề xuất làm bù cho ngày nghỉ 23/11/2026; chưa có quyết định."
    ]


def test_the_json_shape_is_the_documented_one() -> None:
    told = json.loads(json.dumps(prove(OPINION, date(2025, 12, 31), LATEST).as_dict()))
    days = told.pop("days")
    assert told == {
        "start": "2025-12-31",
        "length": 5,
        "unit": "working_days",
        "article": "QĐ 24/2021/QĐ-TTg Đ4 k5",
        "counting": {"first_day_excluded": True, "roll_end": True, "makeup_counts": True},
        "due_on": "2026-01-09",
        "due_at": "2026-01-10T00:00:00+07:00",
        "provisional": False,
        "calendar": LATEST.key,
        "confirmed_through": "2026-12-31",
        "undecided": [],
        "changes": [],
    }
    assert days[2] == {
        "day": "2026-01-02",
        "weekday": 5,
        "step": "skipped",
        "number": None,
        "kind": "swapped_off",
        "name": {
            "vi": "Nghỉ hoán đổi, làm bù ngày 10/01/2026",
            "en": "Day off in exchange, worked on 10/01/2026",
        },
        "decision": "12729/VPCP-KGVX",
        "decided_on": "2025-12-25",
        "source": "Công văn 12729/VPCP-KGVX ngày 25/12/2025",
        "tag": "FOUND",
    }


def test_the_page_tells_a_complainant_everything_in_vietnamese() -> None:
    page = prove(OPINION, date(2025, 12, 31), LATEST).render("vi", about="niêm yết thôn 3")
    for words in (
        "PHIẾU GIẢI THÍCH CÁCH TÍNH THỜI HẠN",
        "Về việc: niêm yết thôn 3",
        "Thời hạn: 5 ngày làm việc (QĐ 24/2021/QĐ-TTg Đ4 k5)",
        "Ngày cuối cùng: thứ Sáu, 09/01/2026; thời hạn kết thúc lúc 24 giờ của ngày này.",
        "thứ Sáu   02/01/2026        không tính: Nghỉ hoán đổi, làm bù ngày 10/01/2026",
        "(12729/VPCP-KGVX)",
        "thứ Sáu   09/01/2026     5  tính, ngày cuối cùng: ngày làm việc",
        "- Công văn 12729/VPCP-KGVX ngày 25/12/2025",
    ):
        assert words in page, words


def test_the_page_is_the_same_in_english() -> None:
    page = prove(ROUND, date(2026, 8, 15), LATEST).render("en")
    assert "Last day: Thursday, 03/09/2026" in page
    assert "the last day, being the next working day: working day" in page
    assert "Worked in exchange for 31/08/2026 (9441/TB-BNV)" in page


def test_the_page_states_the_rule_that_was_used() -> None:
    start = date(2026, 1, 5)
    odd = Counting(first_day_excluded=False, roll_end=False, makeup_counts=False)
    skipping = prove(Term(6, Unit.WORKING_DAYS, odd), start, LATEST).render("en")
    assert "counts as the first day" in skipping
    assert "does not count as a working day" in skipping
    assert "stays where it is" in prove(Term(5, Unit.CALENDAR_DAYS, odd), start, LATEST).render("en")
    plain = prove(OPINION, date(2026, 3, 2), LATEST).render("en")
    assert "in exchange counts" not in plain
    assert "Sources" not in plain


def test_a_long_term_is_gathered_into_runs_and_still_names_its_last_day() -> None:
    year = prove(Term(12, Unit.MONTHS), date(2025, 3, 10), LATEST).render("vi")
    assert "tính: mọi ngày, kể cả ngày nghỉ" in year
    assert "ngày cuối cùng: ngày làm việc" in year
    assert len(year.splitlines()) < 40
    weeks = prove(Term(40, Unit.WORKING_DAYS), date(2026, 1, 15), LATEST).render("vi")
    assert "16/02/2026 – thứ Sáu   20/02/2026        không tính: Tết Nguyên đán" in weeks
    assert len(weeks.splitlines()) < 64
