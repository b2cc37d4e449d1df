from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rasoat.foundation.errors import InputError
from rasoat.notifications.model import DeliveryFailure, PermanentFailure, TemporaryFailure
from rasoat.notifications.retrying import (
    Breaker,
    BreakerPolicy,
    RateLimit,
    RetryPolicy,
    Verdict,
    classify,
    next_attempt_at,
)

NOW = datetime(2022, 10, 27, 8, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def test_failures_are_told_apart():
    wish = timedelta(minutes=3)
    assert classify(PermanentFailure("no such user")) == Verdict(
        "permanent", None, endpoint=False, reason="no such user"
    )
    assert classify(TemporaryFailure("busy", retry_after=wish)) == Verdict(
        "temporary", wish, endpoint=False, reason="busy"
    )
    assert classify(TemporaryFailure("down", endpoint=True)).endpoint
    assert classify(DeliveryFailure("odd", endpoint=True)) == Verdict(
        "temporary", None, endpoint=True, reason="DeliveryFailure: odd"
    )


def test_what_a_channel_did_not_classify_is_tried_again_rather_than_lost():
    verdict = classify(ZeroDivisionError("oops"))
    assert verdict == Verdict("temporary", None, endpoint=False, reason="ZeroDivisionError: oops")


def waits(policy, chance=lambda: 0.5):
    found = []
    for attempts in range(1, policy.attempts):
        following = next_attempt_at(attempts, NOW, chance=chance, policy=policy)
        assert following is not None
        found.append(following - NOW)
    return found


def test_waits_grow_by_the_factor_up_to_the_longest_and_then_the_message_is_dead():
    policy = RetryPolicy(first=SECOND, factor=4, longest=timedelta(seconds=20), attempts=6)
    assert [wait.total_seconds() for wait in waits(policy)] == [1, 4, 16, 20, 20]
    assert next_attempt_at(6, NOW, chance=lambda: 0.5, policy=policy) is None


def test_the_default_schedule_spans_about_a_day():
    assert timedelta(hours=24) < sum(waits(RetryPolicy()), timedelta()) < timedelta(hours=30)


@given(st.integers(1, 9), st.integers(), st.timedeltas(-timedelta(days=3), timedelta(days=3)) | st.none())
def test_jitter_stays_in_its_band_and_the_counterparts_wish_is_not_undercut(attempts, seed, wish):
    policy = RetryPolicy()
    at = next_attempt_at(attempts, NOW, wish, chance=random.Random(seed).random)
    assert at is not None
    asked = min(max(wish or timedelta(0), timedelta(0)), policy.longest_wish)
    backoff = policy.backoff(attempts)
    assert max(asked, backoff * 0.75) <= at - NOW <= max(asked, backoff * 1.25)


def test_jitter_really_spreads():
    chance = random.Random(1).random
    assert len({next_attempt_at(3, NOW, chance=chance) for _ in range(20)}) == 20


@pytest.mark.parametrize(
    "wrong",
    [
        {"first": timedelta(0)},
        {"longest": timedelta(seconds=1)},
        {"factor": 0},
        {"attempts": 0},
        {"jitter": 1.0},
        {"jitter": -0.1},
    ],
)
def test_a_policy_that_cannot_work_is_refused(wrong):
    with pytest.raises(InputError):
        RetryPolicy(**wrong)


def test_before_the_first_attempt_there_is_no_next_one():
    with pytest.raises(InputError):
        next_attempt_at(0, NOW, chance=lambda: 0.5)


POLICY = BreakerPolicy(failures=3, rest=timedelta(seconds=60))


def broken():
    breaker = Breaker()
    for _ in range(POLICY.failures):
        breaker = breaker.failed(NOW, POLICY)
    return breaker


def test_a_breaker_opens_only_after_failures_in_a_row():
    breaker = Breaker().failed(NOW, POLICY).failed(NOW, POLICY)
    assert breaker.admit(NOW, POLICY)[0]
    assert breaker.succeeded() == Breaker()
    assert not breaker.failed(NOW, POLICY).admit(NOW, POLICY)[0]


def test_an_open_breaker_rests_then_lets_a_single_probe_pass():
    rested = NOW + POLICY.rest
    assert not broken().admit(rested - SECOND, POLICY)[0]
    admitted, probing = broken().admit(rested, POLICY)
    assert admitted
    assert not probing.admit(rested, POLICY)[0]
    assert not probing.admit(rested + POLICY.rest - SECOND, POLICY)[0]


def test_a_probe_that_succeeds_closes_and_one_that_fails_opens_anew():
    rested = NOW + POLICY.rest
    _, probing = broken().admit(rested, POLICY)
    assert probing.succeeded().admit(rested, POLICY)[0]
    assert not probing.failed(rested, POLICY).admit(rested + SECOND, POLICY)[0]


def test_a_probe_that_never_reports_is_replaced_after_another_rest():
    _, probing = broken().admit(NOW + POLICY.rest, POLICY)
    assert probing.admit(NOW + 2 * POLICY.rest, POLICY)[0]


@given(st.lists(st.tuples(st.integers(0, 90), st.booleans()), max_size=80))
def test_while_the_endpoint_is_down_few_attempts_pass(steps):
    breaker, now, failing = Breaker(), NOW, []
    for seconds, up in steps:
        now += timedelta(seconds=seconds)
        admitted, breaker = breaker.admit(now, POLICY)
        if not admitted:
            continue
        breaker = breaker.succeeded() if up else breaker.failed(now, POLICY)
        failing = [] if up else [*failing, now]
        later = failing[POLICY.failures - 1 :]
        assert all(b - a >= POLICY.rest for a, b in pairwise(later))


def take_all(limit, instants):
    full_at, granted = None, []
    for at in instants:
        full_at, wait_until = limit.take(full_at, at)
        if wait_until is None:
            granted.append(at)
    return granted


def test_a_burst_passes_and_the_next_token_comes_at_the_even_rate():
    limit = RateLimit(burst=3, period=timedelta(seconds=30))
    full_at = None
    for _ in range(3):
        full_at, wait_until = limit.take(full_at, NOW)
        assert wait_until is None
    unchanged, wait_until = limit.take(full_at, NOW)
    assert unchanged == full_at
    assert wait_until == NOW + timedelta(seconds=10)
    _, none = limit.take(full_at, wait_until)
    assert none is None


LIMITS = st.builds(RateLimit, st.integers(1, 7), st.timedeltas(timedelta(seconds=1), timedelta(hours=1)))


@given(LIMITS, st.lists(st.timedeltas(timedelta(0), timedelta(minutes=10)), max_size=60))
def test_in_no_window_more_than_a_burst_and_its_refill_pass(limit, gaps):
    instants, now = [], NOW
    for gap in gaps:
        now += gap
        instants.append(now)
    granted = take_all(limit, instants)
    for i, first in enumerate(granted):
        for j in range(i, len(granted)):
            window = granted[j] - first
            assert (j - i + 1 - limit.burst) * limit.period <= window * limit.burst


@given(LIMITS, st.integers(0, 50))
def test_who_waits_until_told_is_served(limit, attempts):
    full_at, now = None, NOW
    for _ in range(attempts):
        full_at, wait_until = limit.take(full_at, now)
        if wait_until is not None:
            now = wait_until
            full_at, wait_until = limit.take(full_at, now)
            assert wait_until is None


@pytest.mark.parametrize("wrong", [{"burst": 0}, {"period": timedelta(0)}])
def test_a_bucket_that_never_fills_is_refused(wrong):
    with pytest.raises(InputError):
        RateLimit(**wrong)
