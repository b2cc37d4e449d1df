"""Who acts: the office that the law names, at the level at which it stands (QĐ 24/2021/QĐ-TTg Điều 4)."""

from __future__ import annotations

from datetime import date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rasoat.deadlines.releases import calendar
from rasoat.engine.checking.simulating import open_case
from rasoat.engine.deciding import decide
from rasoat.engine.offices import office, office_held
from rasoat.engine.values import Actor, ActRequest, Mandate
from rasoat.engine.views import Context
from rasoat.foundation.clock import LEGAL_ZONE
from tests.support.cases import compiled

DAY = date(2025, 10, 20)
OLD_PATH, NEW_PATH = "42/446/18766/01", "42/18766/01"
BEFORE, AFTER = compiled("annual@2022"), compiled("annual@2025")
LEVELS = {"village": 4, "commune": 3, "district": 2, "province": 1}


def opinion(flow, village, *mandates, **settings):
    case = open_case(flow.workflow, {"class_before": "poor", "origin": "managed"}, date(2025, 9, 1)).case
    waiting = case._replace(state="awaiting_opinion", unit_path=village, facts='{"class_after":"poor"}')
    request = ActRequest("give_opinion", (waiting.id,), DAY, Actor("cb01", mandates), body={"number": "2/CV"})
    now = datetime(2025, 10, 21, 9, tzinfo=LEGAL_ZONE)
    return decide(flow, [waiting], request, Context(now, now.date(), calendar(), settings))


def codes(decision):
    return [refusal.code for refusal in decision.refused]


@pytest.mark.parametrize(
    ("flow", "village", "unit", "may"),
    [
        (BEFORE, OLD_PATH, "42/446", True),
        (BEFORE, OLD_PATH, "42", False),
        (BEFORE, OLD_PATH, "42/446/18766", False),
        (BEFORE, OLD_PATH, OLD_PATH, False),
        (AFTER, NEW_PATH, "42", True),
        (AFTER, NEW_PATH, "42/18766", False),
        (AFTER, OLD_PATH, "42/446", False),
        (AFTER, NEW_PATH, NEW_PATH, False),
    ],
)
def test_the_opinion_is_the_district_chairs_before_1_july_2025_and_the_provincial_chairs_after(
    flow, village, unit, may
):
    decision = opinion(flow, village, Mandate("superior_chair", unit))
    assert bool(decision.accepted) is may
    assert codes(decision) == ([] if may else ["refused.role"])


def test_a_chair_of_a_village_is_no_chair_of_the_commune():
    case = open_case(AFTER.workflow, {"class_before": "poor", "origin": "managed"}, date(2025, 9, 1)).case
    opined = case._replace(state="opined", unit_path=NEW_PATH, facts='{"class_after":"poor","opinion":"2"}')
    actor = Actor("cb01", (Mandate("commune_chair", NEW_PATH),))
    request = ActRequest("recognise", (opined.id,), DAY, actor, body={"number": "7", "opinion": "2"})
    now = datetime(2025, 10, 21, 9, tzinfo=LEGAL_ZONE)
    assert codes(decide(AFTER, [opined], request, Context(now, now.date(), calendar()))) == ["refused.role"]


def test_one_account_for_all_offices_below_it_is_a_setting_and_never_reaches_up():
    assert opinion(BEFORE, OLD_PATH, Mandate("superior_chair", "42"), mandates_reach_down=True).accepted
    for flow, village, unit in ((AFTER, NEW_PATH, NEW_PATH), (AFTER, OLD_PATH, "42/446"), (BEFORE, OLD_PATH, OLD_PATH)):
        held = opinion(flow, village, Mandate("superior_chair", unit), mandates_reach_down=True)
        assert codes(held) == ["refused.role"]


def test_a_path_without_a_district_has_no_district_chair():
    assert office(BEFORE.workflow, "superior_chair", NEW_PATH) is None
    assert codes(opinion(BEFORE, NEW_PATH, Mandate("superior_chair", "42"), mandates_reach_down=True)) == [
        "refused.role"
    ]


@given(
    role=st.sampled_from(sorted(BEFORE.workflow.roles)),
    depth=st.integers(1, 4),
    reach_down=st.booleans(),
    elsewhere=st.booleans(),
)
def test_a_mandate_counts_at_its_offices_level_and_below_it_only_when_it_may_reach_down(
    role, depth, reach_down, elsewhere
):
    parts = OLD_PATH.split("/")[:depth]
    unit = "/".join([*parts[:-1], parts[-1] + "9"] if elsewhere else parts)
    actor = Actor("cb01", (Mandate(role, unit),))
    own = LEVELS[BEFORE.workflow.roles[role].level]
    expected = not elsewhere and (depth == own or (reach_down and depth < own))
    held = office_held(BEFORE.workflow, actor, [role], OLD_PATH, DAY, reach_down=reach_down)
    assert (held is not None) is expected
