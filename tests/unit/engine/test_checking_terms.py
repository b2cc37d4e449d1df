"""Terms that cannot hold together are found, dated, and must be owned up to by the definition."""

from __future__ import annotations

from datetime import date

import pytest

from rasoat.deadlines.releases import calendar
from rasoat.engine.checking import Severity
from rasoat.engine.checking.timing import exceeding, timed
from tests.support.cases import library
from tests.support.definitions import altered

VN = calendar()
ENTRY = "monthly-entry@2025"


def courses(workflow_id: str, start: date, preparation: int = 0, rule: str = "decision"):
    workflow = library().workflow(workflow_id)
    return list(exceeding(workflow, workflow.deadline(rule), start, VN, preparation))


def findings(workflow):
    return {(f.code.removeprefix("check."), f.severity, f.where) for f in timed(workflow, VN)}


def test_the_monthly_review_of_september_2026_cannot_hold_its_fifteen_days_after_a_last_day_complaint():
    """The course of 15/9/2026: posted 18/9, contested 23/9, re-checked 02/10, posted till 07/10; the limit was 30/9."""
    found = next(f for f in timed(library().workflow(ENTRY), VN) if f.where == "deadlines.decision")
    told = {line.day: line.label.en for line in found.path}
    assert found.severity is Severity.NOTE
    assert (found.fields["due"], found.fields["cause"]) == (date(2026, 9, 30), "recheck")
    assert "hạn 30/09/2026, xong 08/10/2026 (8 ngày)" in found.text.vi
    assert told[date(2026, 9, 18)] == "Post in public → Posted in public"
    assert told[date(2026, 10, 2)] == "Post in public → Re-check posted in public"
    assert told[date(2026, 10, 7)] == "Posting runs out → Posting is over"
    assert next(line.label.en for line in found.path if line.day == date(2026, 9, 23)).startswith("Receive a complaint")
    assert any(line.label.en == "The round starts" and line.day == date(2026, 9, 15) for line in found.path)
    assert [line.day for line in found.path] == sorted(line.day for line in found.path)


def test_without_a_complaint_the_monthly_review_fits_every_month():
    for start in (date(2025, 1, 15), date(2026, 2, 15), date(2026, 9, 15)):
        workflow_id = ENTRY if start.year == 2026 else "monthly-entry@2022"
        assert all("recheck" in course.causes for course in courses(workflow_id, start))


def test_every_day_of_the_posting_is_tried_for_the_complaint_and_only_that_of_the_posting_itself_fits():
    """Received on 15/9: re-checked 24/9, posted till 29/9, decided 30/9, the limit. A day later it no longer fits."""
    complained = {
        line.day
        for course in courses(ENTRY, date(2026, 9, 15))
        for line in course.lines
        if line.label.en.startswith("Receive a complaint")
    }
    assert complained == {date(2026, 9, 16), date(2026, 9, 17), date(2026, 9, 18)}


def test_an_excess_the_definition_does_not_own_up_to_is_an_error_with_its_course():
    workflow = altered(ENTRY, lambda t: t["deadlines"]["decision"].pop("may_exceed"))
    found = [f for f in timed(workflow, VN) if f.where == "deadlines.decision"]
    assert [(f.code, f.severity) for f in found] == [("check.term_exceeded", Severity.ERROR)]
    assert len(found[0].path) > 8


def test_an_excuse_for_another_cause_does_not_cover_the_excess():
    def swap(table):
        excuses = table["deadlines"]["decision"]["may_exceed"]
        excuses["no_agreement"] = {"why": excuses.pop("recheck")["why"]}

    assert ("term_exceeded", Severity.ERROR, "deadlines.decision") in findings(altered(ENTRY, swap))
    assert ("excuse_unneeded", Severity.WARNING, "deadlines.decision.may_exceed") in findings(altered(ENTRY, swap))


def test_a_longer_term_needs_no_excuse():
    workflow = altered(ENTRY, lambda t: t["deadlines"]["decision"].update(length=30))
    assert ("excuse_unneeded", Severity.WARNING, "deadlines.decision.may_exceed") in findings(
        altered(
            ENTRY,
            lambda t: t["deadlines"]["decision"].update(
                length=40, may_exceed={"recheck": {"why": {"vi": "x", "en": "x"}}}
            ),
        )
    )
    assert workflow.deadline("decision").may_exceed[0].example is not None


def test_average_living_fits_but_for_tet():
    """05 + 03 working days stand against 15 calendar days: feasible but tight, and only the Tết holiday breaks it."""
    assert courses("average-living@2022", date(2022, 9, 15)) == []
    late = courses("average-living@2022", date(2023, 1, 15))
    assert {course.due for course in late} == {date(2023, 1, 30)}
    workflow = altered("average-living@2022", lambda t: t["deadlines"]["decision"].pop("may_exceed"))
    assert ("term_exceeded", Severity.ERROR, "deadlines.decision") in findings(workflow)


def test_holidays_are_no_excuse_for_what_does_not_fit_into_plain_weeks_either():
    workflow = altered("average-living@2022", lambda t: t["deadlines"]["recheck"].update(length=9))
    assert ("term_exceeded", Severity.ERROR, "deadlines.decision") in findings(workflow)


def test_the_portals_clock_is_passed_by_whoever_waits_for_the_next_round():
    late = courses(ENTRY, date(2026, 10, 15), rule="receipt")
    assert any(c.lines[0].day == date(2026, 9, 15) and c.due == date(2026, 9, 30) for c in late)
    assert all("waiting_for_round" in c.causes for c in late)


@pytest.mark.parametrize("workflow_id", library().ids())
def test_the_shipped_procedures_own_up_to_every_excess_and_to_nothing_else(workflow_id):
    assert {severity for _, severity, _ in findings(library().workflow(workflow_id))} <= {Severity.NOTE}


@pytest.mark.parametrize("workflow_id", ["annual@2022", "in-year@2016"])
def test_a_procedure_without_a_spanning_term_has_nothing_to_exceed(workflow_id):
    assert findings(library().workflow(workflow_id)) == set()
