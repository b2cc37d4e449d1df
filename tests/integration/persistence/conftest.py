"""Reviews on a database of the test's own, their connections closed when the test is over."""

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
