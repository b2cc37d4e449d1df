"""What the check finds in the five plans, and in plans made to show one oddity each."""

from __future__ import annotations

from datetime import date

import pytest

from rasoat.foundation.messages import codes
from rasoat.workflows.plans import (
    SEVERITIES,
    Act,
    Duty,
    Finding,
    Kind,
    LegalDocument,
    Level,
    Milestone,
    PartialDate,
    Plan,
    Severity,
    Source,
    check_plan,
    find_plan,
    has_errors,
    shipped_plans,
)


def stone(key: str, text: str, *acts: Act, kind: Kind = Kind.WINDOW, within: str | None = None) -> Milestone:
    duties = tuple(Duty(act, (Level.COMMUNE,), "việc") for act in acts or (Act.FOLLOW_UP,))
    return Milestone(key, text, kind, duties, within)


def plan(*milestones: Milestone, year: int = 2024) -> Plan:
    document = LegalDocument("UBND tỉnh Mẫu", "1/KH-UBND", PartialDate(year, 8, 1))
    basis = (LegalDocument("Thủ tướng Chính phủ", "24/2021/QĐ-TTg"),)
    return Plan("mau", "Kế hoạch", "Mẫu", Level.PROVINCE, year, document, Source("Mẫu"), None, basis, milestones)


def found(of: Plan, *ignored: str) -> list[tuple[str, str | None, str | None]]:
    hidden = {"source.remark", "season.beyond", *ignored}
    return [(each.code, each.milestone, each.replacement) for each in check_plan(of) if each.code not in hidden]


def one(of: Plan, code: str) -> Finding:
    (finding,) = [each for each in check_plan(of) if each.code == code]
    return finding


def test_dien_bien_2022():
    assert found(find_plan("dien-bien-2022")) == [
        ("recognition.undated", None, "14/12/2022"),
        ("date.year_length", "preparation", "05/9/2022"),
        ("date.end_missing", "preparation", "từ ngày 05/9/2022 đến ngày 20/9/2022"),
        ("sequence.gap", "review", "31/10/2022"),
        ("season.starts_late", "review", None),
        ("date.impossible", "summary", "30/11/2022"),
        ("report.official_late", "approval", "19/12/2022"),
    ]


def test_bac_ninh_2021():
    assert found(find_plan("bac-ninh-2021")) == [
        ("basis.not_in_force", None, None),
        ("sequence.gap", "provincial-preparation", "20/8/2021"),
        ("sequence.adjoining", "review", None),
        ("date.order", "quick-report", "18/10/2021"),
        ("sequence.touching", "preliminary-report", None),
        ("report.before_recognition", "provincial-approval", None),
        ("sequence.adjoining", "recognition", None),
        ("recognition.after_approval", "recognition", None),
        ("recognition.after_approval", "recognition", None),
    ]


def test_hai_duong_2024():
    assert found(find_plan("hai-duong-2024")) == [
        ("document.incomplete", None, None),
        ("basis.none", None, None),
        ("sequence.gap", "plan", "30/6/2024"),
        ("sequence.gap", "training", "31/8/2024"),
        ("recognition.after_season", "recognition", "14/12/2024"),
        ("recognition.after_approval", "recognition", None),
        ("sequence.nested", "district-report", None),
    ]


def test_quan_hoa_2020_stands_under_older_law():
    assert found(find_plan("quan-hoa-2020")) == [
        ("season.other_law", None, None),
        ("sequence.nested", "training", "review"),
    ]


def test_quang_ngai_2023_lacks_number_and_day():
    assert found(find_plan("quang-ngai-2023")) == [("document.incomplete", None, None)]
    assert "số và ngày ban hành" in one(find_plan("quang-ngai-2023"), "document.incomplete").text.vi


def test_plans_with_faulty_dates_have_errors_and_the_others_do_not():
    faulty = {key for key, each in shipped_plans().items() if has_errors(check_plan(each))}
    assert faulty == {"dien-bien-2022", "bac-ninh-2021"}


def test_a_finding_on_a_suggested_day_says_that_it_assumes_it():
    assert one(find_plan("bac-ninh-2021"), "sequence.touching").assumed
    assert not one(find_plan("hai-duong-2024"), "recognition.after_season").assumed


def test_an_oddity_of_the_source_is_kept_as_a_remark():
    remarks = [each for each in check_plan(find_plan("dien-bien-2022")) if each.code == "source.remark"]
    assert any("14/5/2020" in each.text.vi for each in remarks)


def test_every_finding_carries_both_languages_and_a_suggestion():
    for each in (found for plan in shipped_plans().values() for found in check_plan(plan)):
        assert each.text.vi != each.text.en
        assert each.suggestion.vi
        assert each.suggestion.en


def test_every_code_has_its_severity_and_its_two_sentences():
    named = {key.removeprefix("plan.").rpartition(".")[0] for key in codes() if key.startswith("plan.")}
    for code in SEVERITIES:
        assert {f"plan.{code}.text", f"plan.{code}.fix"} <= codes()
        assert code in named


def test_phases_that_share_more_than_a_day_overlap():
    of = plan(stone("a", "Từ ngày 01/9 đến 20/9/2024"), stone("b", "Từ ngày 15/9 đến 30/9/2024"))
    assert found(of) == [("sequence.overlap", "b", "14/9/2024")]
    assert "15/9/2024–20/9/2024" in one(of, "sequence.overlap").text.en


def test_a_phase_within_a_longer_one_leaves_no_gap_behind_it():
    of = plan(
        stone("a", "Từ ngày 01/9 đến 30/9/2024"),
        stone("b", "Từ ngày 05/9 đến 10/9/2024"),
        stone("c", "Từ ngày 01/10 đến 31/10/2024"),
    )
    assert found(of) == [("sequence.nested", "b", "a")]


def test_a_missing_end_is_suggested_by_the_next_phase_not_by_what_lies_within_or_the_season():
    of = plan(
        stone("a", "Từ ngày 01/9/2024"),
        stone("season", "Từ ngày 02/9 đến hết ngày 14/12/2024", Act.SEASON),
        stone("b", "Từ ngày 05/9 đến 10/9/2024", within="a"),
        stone("c", "Từ ngày 01/10 đến 31/10/2024"),
    )
    assert one(of, "date.end_missing").replacement == "từ ngày 01/9/2024 đến ngày 30/9/2024"


def test_one_shared_day_touches():
    of = plan(stone("a", "Từ ngày 01/9 đến 20/9/2024"), stone("b", "Từ ngày 20/9 đến 30/9/2024"))
    assert found(of) == [("sequence.touching", "b", None)]


def test_a_deadline_without_a_start_runs_from_the_phase_before_it():
    before = stone("b", "Trước ngày 29/9/2024", kind=Kind.BEFORE)
    of = plan(stone("a", "Từ ngày 01/9 đến 20/9/2024"), before, stone("c", "Từ ngày 29/9 đến 30/9/2024"))
    assert found(of) == [("sequence.adjoining", "c", None)]


def test_a_nested_milestone_is_no_phase_that_the_next_one_follows():
    of = plan(
        stone("a", "Từ ngày 01/9 đến 20/9/2024"),
        stone("b", "đến hết ngày 25/9/2024", kind=Kind.UNTIL, within="a"),
        stone("c", "Trước ngày 30/9/2024", kind=Kind.BEFORE),
    )
    assert found(of) == [("sequence.outside_parent", "b", None)]


def test_a_declared_nested_milestone_must_stay_inside():
    outer = stone("a", "Từ ngày 01/12 đến 14/12/2024")
    inside = stone("b", "trước ngày 10/12/2024", kind=Kind.BEFORE, within="a")
    outside = stone("b", "trước ngày 20/12/2024", kind=Kind.BEFORE, within="a")
    assert found(plan(outer, inside)) == [("sequence.nested", "b", None)]
    assert found(plan(outer, outside)) == [("sequence.outside_parent", "b", None)]
    assert has_errors(check_plan(plan(outer, outside)))


def test_a_review_outside_the_season_is_an_error_by_article_3():
    of = plan(stone("a", "Từ ngày 20/8 đến 30/9/2024", Act.REVIEW))
    finding = one(of, "season.outside")
    assert (finding.severity, finding.replacement) == (Severity.ERROR, "01/9/2024–30/9/2024")
    assert finding.article == "QĐ 24/2021/QĐ-TTg Điều 3 khoản 1 điểm a"
    assert one(plan(stone("a", "Từ ngày 20/8 đến 30/8/2024", Act.REVIEW)), "season.outside").replacement is None


def test_preparation_before_the_season_is_only_noted():
    of = plan(stone("a", "Từ ngày 20/8 đến 30/8/2024", Act.PREPARATION))
    assert one(of, "season.beyond").severity is Severity.INFO


def test_a_season_stated_otherwise_than_in_the_law_is_an_error():
    of = plan(stone("a", "Từ ngày 01/9 đến 15/12/2024", Act.SEASON))
    assert found(of) == [("season.differs", "a", "01/9/2024–14/12/2024")]
    assert found(plan(stone("a", "Từ ngày 01/9 đến hết ngày 14/12/2024", Act.SEASON))) == []


@pytest.mark.parametrize(
    ("act", "text", "expected"),
    [
        (Act.PRELIMINARY_REPORT, "trước ngày 15/11/2024", []),
        (Act.PRELIMINARY_REPORT, "đến hết ngày 15/11/2024", [("report.preliminary_late", "a", "14/11/2024")]),
        (Act.OFFICIAL_REPORT, "trước ngày 20/12/2024", []),
        (Act.OFFICIAL_REPORT, "đến hết ngày 20/12/2024", [("report.official_late", "a", "19/12/2024")]),
    ],
)
def test_reports_to_the_ministry_end_before_the_days_of_article_7(act, text, expected):
    kind = Kind.BEFORE if text.startswith("trước") else Kind.UNTIL
    assert found(plan(stone("a", text, act, kind=kind))) == expected


def test_a_kind_declared_otherwise_than_the_text_reads_is_an_error():
    of = plan(stone("a", "đến hết ngày 20/9/2024", kind=Kind.BEFORE))
    assert found(of) == [("date.kind", "a", "until")]


def test_a_year_without_known_law_is_checked_against_no_season():
    of = plan(stone("a", "Từ ngày 20/8 đến 30/9/2027", Act.REVIEW), year=2027)
    assert found(of) == [("season.other_law", None, None)]


def test_nothing_in_a_sound_plan_is_found():
    of = plan(
        stone("review", "Từ ngày 01/9 đến 15/11/2024", Act.REVIEW),
        stone("opinion", "Từ ngày 16/11 đến 30/11/2024", Act.OPINION),
        stone("recognition", "Từ ngày 01/12 đến hết ngày 14/12/2024", Act.RECOGNITION),
    )
    assert check_plan(of) == ()
    assert of.milestone_deadlines()[-1].due_on == date(2024, 12, 14)
