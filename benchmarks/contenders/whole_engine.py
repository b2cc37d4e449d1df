"""Rà soát itself, with everything on: ten acts a case, forms, guards, mandates, terms, outbox and event chain."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.reviews import BEATS, Review, commune

if TYPE_CHECKING:
    from collections.abc import Callable


def run(path: str, cases: int, at_once: int, begin: Callable[[], None]) -> int:
    review = Review.start(f"sqlite:///{path}")
    groups = [review.open_round(n + 1, 1, at_once, commune(n)) for n in range(cases // at_once)]
    begin()
    for beat in BEATS:
        for ids in groups:
            assert len(review.fire(beat, ids).accepted) == at_once
    review.database.dispose()
    return len(groups) * at_once * len(BEATS)
