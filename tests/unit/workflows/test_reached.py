"""Which steps a case has reached, from the states it went through."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rasoat.engine.definition import StateKind
from rasoat.workflows.library import WorkflowLibrary
from rasoat.workflows.plans.reached import reached
from rasoat.workflows.plans.steps import annual_steps, steps_of

STEPS = annual_steps()
ANNUAL = WorkflowLibrary().workflow("annual@2022")
BEFORE = {"registered", "listed", "resurvey", "surveyed"}
DAYS = [date(2022, 10, 1) + timedelta(days=n) for n in range(40)]


def course(*states):
    return list(zip(states, DAYS, strict=False))


@st.composite
def walks(draw):
    """A way through the definition's arrows, guards left aside, with days that never go back."""
    state, day, walked = ANNUAL.initial.key, DAYS[0], []
    for _ in range(draw(st.integers(0, 25))):
        arrows = [t for t in ANNUAL.transitions if state in t.sources and t.target != "="]
        if not arrows:
            break
        state = draw(st.sampled_from(arrows)).target
        day += timedelta(days=draw(st.integers(0, 3)))
        walked.append((state, day))
    return walked


@pytest.mark.parametrize("regime", ["annual@2022", "annual@2025"])
def test_the_steps_name_every_state_from_the_agreement_on(regime):
    states = WorkflowLibrary().workflow(regime).states
    named = {state for step in STEPS for state in step.states}
    assert set(states) - named == BEFORE | {"screened_out", "withdrawn"}
    assert named <= set(states)


def test_a_monthly_round_has_no_season_to_make():
    assert steps_of("monthly-entry") is None


def test_a_complaint_after_the_report_takes_back_what_lay_behind_the_posting():
    done = reached(STEPS, ANNUAL, course("agreed", "posted", "settled", "summarised", "reported", "awaiting_opinion"))
    assert list(done) == ["meeting", "posting", "opinion"]
    states = ("agreed", "posted", "settled", "summarised", "reported", "awaiting_opinion", "recheck")
    assert reached(STEPS, ANNUAL, course(*states)) == {"meeting": DAYS[0], "posting": DAYS[1], "recheck": DAYS[6]}


def test_a_recheck_that_is_not_agreed_goes_on_from_its_first_day():
    done = reached(STEPS, ANNUAL, course("agreed", "posted", "recheck", "rechecked", "recheck", "rechecked"))
    assert done == {"meeting": DAYS[0], "posting": DAYS[1], "recheck": DAYS[2]}


def test_a_second_recheck_begins_anew():
    states = ("agreed", "posted", "recheck", "rechecked", "recheck_agreed", "reposted", "recheck")
    assert reached(STEPS, ANNUAL, course(*states))["recheck"] == DAYS[6]


def test_a_case_that_ended_without_the_steps_needs_none_of_them():
    assert reached(STEPS, ANNUAL, course("listed", "surveyed", "agreed", "withdrawn")) is None
    assert reached(STEPS, ANNUAL, course("screened_out")) is None


@given(walks())
def test_what_is_reached_fits_where_the_case_stands(walked):
    done = reached(STEPS, ANNUAL, walked)
    state = walked[-1][0] if walked else ANNUAL.initial.key
    if state in {"screened_out", "withdrawn"}:
        assert done is None
        return
    assert done is not None
    assert list(done) == [step.key for step in STEPS if step.key in done]
    assert list(done.values()) == sorted(done.values())
    if state in BEFORE:
        assert done == {}
        return
    last = next(step for step in STEPS if step.key == list(done)[-1])
    assert state in last.states
    posted = [day for entered, day in walked if entered == "posted"]
    assert done.get("posting") == (posted[-1] if posted else None)
    assert ("recognition" in done) == (ANNUAL.state(state).kind is StateKind.END)
