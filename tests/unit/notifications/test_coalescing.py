from __future__ import annotations

from datetime import date
from itertools import chain

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rasoat.foundation.errors import InputError
from rasoat.foundation.messages import Text
from rasoat.notifications.alerts import group
from rasoat.notifications.coalescing import coalesce

SHARED = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


def test_missed_rungs_of_one_term_become_the_latest_one_and_all_are_settled(alert):
    rungs = [("T-2", "warning"), ("T-1", "warning"), ("T", "urgent"), ("T+1", "breach")]
    notices = group([alert(n, rung=rung, severity=severity) for rung, severity in rungs for n in (1, 2)])
    (parcel,) = coalesce(notices, limit=6)
    assert parcel.rung == "T+1"
    assert parcel.severity == "breach"
    assert not parcel.is_catch_up
    assert set(parcel.covered) == {(f"deadline:thon-1-{n}", rung) for n in (1, 2) for rung, _ in rungs}


def test_what_was_told_of_together_is_counted_as_of_the_latest_rung(alert):
    (parcel,) = coalesce(group([alert(1, rung="T-1", count=100), alert(1, rung="T", count=98)]), limit=6)
    assert parcel.notices[0].count == 98


def test_a_merged_notice_keeps_the_gravest_severity_even_if_the_latest_is_milder(alert):
    (parcel,) = coalesce(group([alert(1, rung="T+1", severity="breach"), alert(1, rung="x", severity="info")]), limit=6)
    assert parcel.severity == "breach"
    assert parcel.rung == "x"


def test_up_to_the_limit_each_village_has_its_own_message(alert):
    parcels = coalesce(group([alert(1, f"thon-{v}") for v in range(6)]), limit=6)
    assert [len(parcel.notices) for parcel in parcels] == [1] * 6


def test_a_backlog_beyond_the_limit_becomes_one_catch_up_that_settles_everything(alert):
    notices = group([alert(n, f"thon-{v}") for v in range(7) for n in range(3)])
    (parcel,) = coalesce(notices, limit=6)
    assert parcel.is_catch_up
    assert parcel.rung == "catch-up"
    assert len(parcel.covered) == 21


def test_the_catch_up_has_the_same_subject_whatever_the_order(alert):
    notices = group([alert(1, f"thon-{v}") for v in range(9)])
    (one,), (other,) = coalesce(notices, limit=2), coalesce(notices[::-1], limit=2)
    assert one.subject == other.subject


def test_a_limit_below_one_is_refused(alert):
    with pytest.raises(InputError):
        coalesce(group([alert(1)]), limit=0)


RUNGS = {
    "T-1": {},
    "T": {},
    "T+1": {"severity": "breach"},
    "breach": {"kind": "breach", "severity": "breach", "details": {"cause": None}},
    "lost": {
        "kind": "season_lost",
        "severity": "breach",
        "details": {
            "certain_on": "2022-10-25",
            "first_village": "thôn 1",
            "villages": 1,
            "pending": {"vi": "Niêm yết", "en": "Posting"},
        },
    },
}


def test_of_one_term_that_ran_out_a_desk_is_told_once_and_every_rung_is_settled(alert):
    notices = group([alert(1, rung=rung, **RUNGS[rung]) for rung in ("T-1", "T+1", "lost", "breach")])
    (parcel,) = coalesce(notices, limit=6)
    assert (parcel.notices[0].like.kind, parcel.rung, parcel.severity) == ("breach", "breach", "breach")
    assert {rung for _, rung in parcel.covered} == {"T-1", "T+1", "lost", "breach"}


def test_a_lost_season_stands_for_the_reminder_of_its_last_day(alert):
    (parcel,) = coalesce(group([alert(1, rung=rung, **RUNGS[rung]) for rung in ("lost", "T-1")]), limit=6)
    assert (parcel.notices[0].like.kind, parcel.rung) == ("season_lost", "lost")


@pytest.mark.parametrize("other", [{"step": Text("Họp dân", "Meeting")}, {"due_on": date(2022, 10, 28)}])
def test_a_breach_stands_for_no_other_term(alert, other):
    notices = group([alert(1, rung="breach", **RUNGS["breach"]), alert(1, rung="T+1", **other)])
    assert [parcel.rung for parcel in coalesce(notices, limit=6)] == ["breach", "T+1"]


def test_a_breach_of_some_does_not_stand_for_the_reminder_about_more(alert):
    some = alert(1, rung="breach", count=3, **RUNGS["breach"])
    parcels = coalesce(group([some, alert(2, rung="T+1", count=8)]), limit=6)
    assert [(parcel.rung, parcel.notices[0].count) for parcel in parcels] == [("breach", 3), ("T+1", 8)]


def test_breaches_of_several_causes_are_told_apart_and_stand_for_the_reminder_about_all(alert):
    cause = {"cause": {"vi": "do phúc tra", "en": "because of the re-check"}}
    late = alert(2, rung="breach", count=5, **(RUNGS["breach"] | {"details": cause}))
    plain = alert(1, rung="breach", count=3, **RUNGS["breach"])
    parcels = coalesce(group([plain, late, alert(3, rung="T+1", count=8)]), limit=6)
    assert [(parcel.rung, parcel.notices[0].count) for parcel in parcels] == [("breach", 3), ("breach", 5)]


@SHARED
@given(
    st.lists(st.tuples(st.integers(1, 4), st.integers(1, 6), st.sampled_from(sorted(RUNGS))), max_size=40),
    st.integers(1, 8),
)
def test_every_fact_is_settled_exactly_once_within_the_limit(alert, cases, limit):
    notices = group([alert(n, f"thon-{v}", rung=rung, **RUNGS[rung]) for n, v, rung in cases])
    parcels = coalesce(notices, limit=limit)
    assert len(parcels) <= limit
    covered = list(chain.from_iterable(parcel.covered for parcel in parcels))
    assert sorted(covered) == sorted({(f"deadline:thon-{v}-{n}", rung) for n, v, rung in cases})


@SHARED
@given(st.lists(st.tuples(st.integers(1, 4), st.sampled_from(sorted(RUNGS))), min_size=1, max_size=20))
def test_of_one_term_the_gravest_is_told_and_a_milder_thing_only_where_it_is_about_more(alert, cases):
    notices = group([alert(n, rung=rung, **RUNGS[rung]) for n, rung in cases])
    first, *others = coalesce(notices, limit=100)
    kinds = ("deadline", "season_lost", "breach")
    gravest = max((RUNGS[rung].get("kind", "deadline") for _, rung in cases), key=kinds.index)
    assert first.notices[0].like.kind == gravest
    assert all(other.notices[0].count > first.notices[0].count for other in others)
