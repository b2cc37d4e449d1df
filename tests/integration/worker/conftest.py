"""A commune's review on a database of the test's own, and what the worker left in it."""

from __future__ import annotations

import pytest

from tests.support.reviews import Review


@pytest.fixture
def start_review():
    started = []

    def start(url, **options):
        started.append(Review.start(url, **options))
        return started[-1]

    yield start
    for review in started:
        review.database.dispose()


@pytest.fixture
def review(database_url, start_review):
    return start_review(database_url)
