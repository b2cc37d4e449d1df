"""The token bucket: what it grants over any stretch of time, and what it forgets."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from rasoat.web.limits import Buckets


class Watch:
    """A clock that a test turns."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


@given(
    rate=st.floats(0.1, 50),
    burst=st.integers(1, 20),
    pauses=st.lists(st.floats(0, 3), max_size=60),
)
def test_never_more_is_granted_than_the_burst_and_what_time_brings(rate, burst, pauses):
    watch = Watch()
    buckets = Buckets(rate, burst, monotonic=watch)
    granted = 0
    for pause in pauses:
        watch.now += pause
        granted += buckets.take("a") == 0
        assert granted <= burst + rate * watch.now + 1e-6


@given(rate=st.floats(0.1, 50), burst=st.integers(1, 20))
def test_who_waits_as_long_as_told_is_let_in(rate, burst):
    watch = Watch()
    buckets = Buckets(rate, burst, monotonic=watch)
    for _ in range(burst):
        assert buckets.take("a") == 0
    wait = buckets.take("a")
    assert wait > 0
    watch.now += wait + 1e-6
    assert buckets.take("a") == 0


def test_one_callers_haste_costs_another_nothing():
    buckets = Buckets(1, 1, monotonic=Watch())
    assert buckets.take("a") == 0
    assert buckets.take("a") > 0
    assert buckets.take("b") == 0


def test_memory_is_bounded_by_forgetting_the_longest_unused():
    buckets = Buckets(1, 1, most=2, monotonic=Watch())
    for name in ("a", "b", "a", "c"):
        buckets.take(name)
    assert buckets.take("a") > 0  # was used after b, so it is still known
    assert buckets.take("b") == 0  # forgotten, so full again
