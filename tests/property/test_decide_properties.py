"""Whatever officials try, in whatever order and on whatever days, no household is recognised against the law."""

from __future__ import annotations

import json
from datetime import date, datetime, timedelta
from itertools import groupby
from random import Random
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rasoat.deadlines.releases import calendar
from rasoat.engine.checking.simulating import CASE_ID, World, everyone, open_case
from rasoat.engine.deciding import decide
from rasoat.engine.definition import StateKind
from rasoat.engine.forms import form
from rasoat.engine.values import SYSTEM, ActRequest
from rasoat.engine.views import Census, Context
from rasoat.foundation.clock import LEGAL_ZONE, end_of, legal_date
from tests.support.cases import compiled

VN = calendar()
START = date(2025, 8, 18)
ANNUAL, ENTRY = "annual@2025", "monthly-entry@2025"


class Done(NamedTuple):
    trigger: str
    day: date
    now: datetime
    said: dict[str, Any]
    behind: dict[str, int]


class Officials:
    """Officials who mostly do what comes next and now and then anything at all: seeded, so that a failure returns."""

    def __init__(self, seed: int, workflow_id: str) -> None:
        self.random = Random(seed)
        self.world = World(compiled(workflow_id), VN, {"started_on": START})
        self.workflow = self.world.workflow
        self.log: list[Done] = []
        opening = {name: self.random.choice(values) for name, values in self.workflow.opens_with.items()}
        self.simulated = open_case(self.workflow, opening, START - timedelta(days=7))

    def live(self, tries: int = 120) -> Officials:
        """Try acts until the case is over, or patience is."""
        for _ in range(tries):
            if self.workflow.states[self.simulated.case.state].kind is StateKind.END:
                break
            self._try()
        return self

    def likely(self, share: float = 0.9) -> bool:
        return self.random.random() < share

    def said(self, trigger: str) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return what an official writes into an act's form, right or wrong."""
        body, row = getattr(self, f"_{trigger}", self._numbered)()
        shape = form(self.workflow.triggers[trigger].form)
        return dict(shape.body(body)[0]), dict(shape.row(row)[0])

    def _numbered(self) -> tuple[dict[str, Any], dict[str, Any]]:
        return {"number": self.random.choice("1112")} if self.likely() else {}, {}

    def _meet(self) -> tuple[dict[str, Any], dict[str, Any]]:
        attendees = self.random.randint(0, 40)
        signed = {f"signed_by_{who}": self.likely() for who in ("chair", "secretary", "households")}
        favour = self.random.randint(0 if self.likely(0.3) else (attendees + 1) // 2, attendees)
        return {"attendees": attendees, "in_favour": favour, "copies": 2 if self.likely() else 1, **signed}, {}

    def _post(self) -> tuple[dict[str, Any], dict[str, Any]]:
        return {"at_commune_office": self.likely(), "at_village_house": self.likely()}, {}

    def _screen(self) -> tuple[dict[str, Any], dict[str, Any]]:
        return {}, {"signs": self.random.randint(0, 4), "reply": "1"}

    def _survey(self) -> tuple[dict[str, Any], dict[str, Any]]:
        b1, b2 = self.random.choice((139, 140, 141, 90)), self.random.choice((0, 20, 30, 120))
        who = self.random.choice(("RSV-1", "RSV-2"))
        return {}, {"b1": b1, "b2": b2, "area": "rural", "respondent": "head", "surveyor": who}

    def _withdraw(self) -> tuple[dict[str, Any], dict[str, Any]]:
        return {}, {"reason": "x"}

    def _complain(self) -> tuple[dict[str, Any], dict[str, Any]]:
        return {"subject_code": "x"}, {}

    def _recognise(self) -> tuple[dict[str, Any], dict[str, Any]]:
        return {name: self.random.choice("1112") for name in ("number", "opinion") if self.likely()}, {}

    def _refuse(self) -> tuple[dict[str, Any], dict[str, Any]]:
        return {name: "1" for name in ("number", "reason") if self.likely()}, {}

    def _try(self) -> None:
        case = self.simulated.case
        leaving = sorted({t.trigger for t in self.workflow.transitions if case.state in t.sources} - {"withdraw"})
        trigger = self.random.choice(leaving if self.likely(0.95) else sorted(self.workflow.triggers))
        timer = self.workflow.triggers[trigger].is_timer
        day = self._day(trigger)
        body, row = self.said(trigger)
        behind = {} if self.likely(0.7) else self.random.choice(({"posted": 1}, {"listed": 1}))
        seen = max(day, case.last_on) + timedelta(days=0 if self.likely(0.7) else 2)
        noon = datetime(seen.year, seen.month, seen.day, 12, tzinfo=LEGAL_ZONE)
        now = end_of(seen) if timer or self.likely(0.5) else noon
        actor = SYSTEM if timer else everyone(self.workflow)
        request = ActRequest(trigger, (CASE_ID,), day, actor, body, {CASE_ID: row})
        decision = self.simulated.ask(self.world, request, now, behind)
        assert bool(decision.accepted) != bool(decision.refused)
        if decision.accepted:
            self.simulated = self.simulated.after(self.world, decision.accepted[0], request, now)
            self.log.append(Done(trigger, day, now, {**body, **row}, behind))

    def _day(self, trigger: str) -> date:
        last = self.simulated.case.last_on
        dues = [d.due_on for d in self.simulated.deadlines]
        if self.workflow.triggers[trigger].is_timer and dues and self.likely():
            return min(dues)
        if last < START and trigger != "receive":
            last = START
        wild = [last - timedelta(days=2), last - timedelta(days=5), last + timedelta(days=3), *dues]
        return last + timedelta(days=self.random.randint(0, 1)) if self.likely(0.7) else self.random.choice(wild)


def lives(workflow_id: str) -> st.SearchStrategy[Officials]:
    """Cases that officials have tried their hands on."""
    return st.integers(0, 10**9).map(lambda seed: Officials(seed, workflow_id).live())


def since(log: list[Done], trigger: str) -> list[Done]:
    """What was done after the last act of a kind."""
    index = max((i for i, done in enumerate(log) if done.trigger == trigger), default=-1)
    return log[index + 1 :]


def last(log: list[Done], trigger: str) -> Done:
    return [done for done in log if done.trigger == trigger][-1]


def judge(log: list[Done], facts: dict[str, Any]) -> None:
    """The law once more, in the plainest words, on what was done and nothing else."""
    after = since(log, "survey")
    meeting, posting = last(after, "meet"), last(after, "post")
    assert 2 * meeting.said["in_favour"] >= meeting.said["attendees"] > 0
    assert posting.said["at_commune_office"]
    assert posting.said["at_village_house"]
    decision = log[-1]
    assert decision.now >= end_of(VN.add_working_days(posting.day, 3))
    survey = last(log, "survey").said
    entitled = None if survey["b1"] > 140 else "poor" if survey["b2"] >= 30 else "near_poor"
    assert facts.get("certified") == entitled


@settings(max_examples=150)
@given(life=lives(ANNUAL))
def test_no_annual_case_is_decided_against_the_law(life):
    if life.simulated.case.state in {"recognised", "not_poor"}:
        judge(life.log, facts_of(life))
        after = since(life.log, "survey")
        assert last(after, "give_opinion").said["number"] == life.log[-1].said["opinion"]
        for act in ("summarise", "report"):
            assert last(after, act).behind == {}


@settings(max_examples=100)
@given(life=lives(ENTRY))
def test_no_monthly_case_is_decided_against_the_law(life):
    if life.simulated.case.state in {"recognised", "refused"}:
        judge(life.log, facts_of(life))
        assert min(done.day for done in life.log if done.trigger == "screen") >= START
        assert (last(life.log, "survey").said["b1"] <= 140) == (life.simulated.case.state == "recognised")


@settings(max_examples=100)
@given(life=lives(ANNUAL), tries=st.integers(0, 40))
def test_the_terms_that_run_are_those_of_the_state_each_once(life, tries):
    life = Officials(life.random.randint(0, 10**9), ANNUAL).live(tries)
    workflow, state = life.workflow, life.simulated.case.state
    open_rules = sorted(d.rule for d in life.simulated.deadlines)
    assert open_rules == sorted(rule.key for rule in workflow.deadlines if state in rule.lives_in)
    assert all(len(list(rows)) == 1 for _, rows in groupby(open_rules))


@settings(max_examples=60)
@given(st.integers(0, 10**9), st.lists(st.integers(0, 25), min_size=2, max_size=6))
def test_a_batch_is_decided_as_its_cases_one_by_one(seed, patience):
    """The village's meeting is judged once for all of its households; each must get the answer it would get alone."""
    lived = [Officials(seed + n, ANNUAL).live(tries) for n, tries in enumerate(patience)]
    workflow, one = lived[0].world.compiled, lived[0]
    twice = [(life, village) for life in lived for village in ("01/00001/01", "01/00001/02")]
    cases = [life.simulated.case._replace(id=n, unit_path=village) for n, (life, village) in enumerate(twice, start=1)]
    standing = one.random.choice(cases).state
    trigger = one.random.choice([t.trigger for t in workflow.workflow.transitions if standing in t.sources] or ["meet"])
    body, row = one.said(trigger)
    day = max(case.last_on for case in cases)
    actor = SYSTEM if workflow.workflow.triggers[trigger].is_timer else everyone(workflow.workflow)
    request = ActRequest(trigger, tuple(c.id for c in cases), day, actor, body, {c.id: row for c in cases})
    level = workflow.census_levels.get(trigger, "")
    behind = Census(one.random.choice(({}, {"listed": 1}, {"settled": 2})))
    context = Context(
        now=end_of(day),
        today=legal_date(end_of(day)),
        calendar=VN,
        census={"01/00001/01": behind, "1": behind} if level else {},
        deadlines={n: life.simulated.deadlines for n, (life, _) in enumerate(twice, start=1)},
        round_days={1: {"started_on": START}},
        census_level=level,
    )
    together = decide(workflow, cases, request, context)
    alone = [decide(workflow, [case], request, context) for case in cases]
    assert [(s.case.id, s.transition.key, s.facts_text) for s in together.accepted] == [
        (s.case.id, s.transition.key, s.facts_text) for answer in alone for s in answer.accepted
    ]
    assert [(r.case_id, r.code) for r in together.refused] == [
        (r.case_id, r.code) for answer in alone for r in answer.refused
    ]
    answered = {s.case.id for s in together.accepted} | {r.case_id for r in together.refused}
    assert answered == {case.id for case in cases}


@pytest.mark.parametrize(("workflow_id", "ends"), [(ANNUAL, {"not_poor"}), (ENTRY, {"refused"})])
def test_the_officials_do_come_to_decisions_and_through_re_checks(workflow_id, ends):
    """Were every try refused, the tests above would prove nothing."""
    lived = [Officials(seed, workflow_id).live() for seed in range(60)]
    assert {life.simulated.case.state for life in lived} >= ends | {"recognised"}
    decided = [life for life in lived if life.simulated.case.state == "recognised"]
    assert len(decided) >= 10
    assert any(len([d for d in life.log if d.trigger == "post"]) > 1 for life in decided)


def facts_of(life: Officials) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(life.simulated.case.facts)
    return found
