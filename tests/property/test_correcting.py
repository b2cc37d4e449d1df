"""A corrected history is the one that would have been entered rightly at once; if there is none, it is refused."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from typing import Any, NamedTuple

from hypothesis import event, given, settings
from hypothesis import strategies as st

from rasoat.engine.timers import run_due
from rasoat.foundation.clock import LEGAL_ZONE
from rasoat.persistence.cases import load
from rasoat.persistence.deadlines import of_subjects
from tests.support.correcting import codes, fix
from tests.support.effort import effort
from tests.support.invariants import broken
from tests.support.reviews import BEATS, Beat, Review

AT_THE_END = datetime(2022, 12, 1, 9, tzinfo=LEGAL_ZONE)


class Entry(NamedTuple):
    """What may have been entered wrongly: the votes, one household's score, the day of posting or of the opinion."""

    votes: int = 85
    b1: int = 100
    posted: date = date(2022, 10, 24)
    opined: date = date(2022, 11, 4)


VALUES: dict[str, list[Any]] = {
    "votes": [30, 44, 45, 85],
    "b1": [100, 140, 141, 170],
    "posted": [date(2022, 10, day) for day in (9, 21, 24, 25, 28)],
    "opined": [date(2022, 11, day) for day in (1, 4, 8, 9, 20)],
}
SLIPS = st.sampled_from(sorted(VALUES)).flatmap(
    lambda field: st.tuples(st.just(field), st.permutations(VALUES[field]).map(lambda values: values[:2]))
)
TRIGGERS = {"votes": "meet", "b1": "survey", "posted": "post", "opined": "give_opinion"}


def beats(entry: Entry) -> list[Beat]:
    listed, surveyed, met, posted, ended, *middle, opined, recognised = BEATS

    def scored(case_id: int) -> dict[str, Any]:
        return {**surveyed.row(case_id), "b1": entry.b1 if case_id == 1 else 120}

    return [
        listed,
        replace(surveyed, row=scored),
        replace(met, body={**met.body, "in_favour": entry.votes}),
        replace(posted, day=entry.posted, entered=max(posted.at(), datetime(2022, 10, 28, tzinfo=LEGAL_ZONE))),
        ended,
        *middle,
        replace(opined, day=entry.opined, entered=datetime(2022, 11, 20, 17, tzinfo=LEGAL_ZONE)),
        replace(recognised, day=date(2022, 11, 20), entered=datetime(2022, 11, 20, 18, tzinfo=LEGAL_ZONE)),
    ]


def play(entry: Entry, upto: int, only: list[str] | None = None) -> tuple[Review, list[str], bool]:
    """Enter the acts, or those that another review took; tell which were taken, and whether all of them were."""
    review = Review.start("sqlite://")
    ids = review.open_round(1, villages=1, households=3)
    taken, every = [], True
    for beat in beats(entry)[:upto]:
        if beat.trigger == "posting_ended":
            review.move_to(replace(beat, entered=datetime(2022, 10, 28, 18, tzinfo=LEGAL_ZONE)))
            run_due(review.database, review.engine)
        elif only is None or beat.trigger in only:
            ok = review.fire(beat, ids).ok
            taken += [beat.trigger] if ok else []
            every = every and ok
    review.clock.move_to(AT_THE_END)
    run_due(review.database, review.engine)
    return review, taken, every


def standing(review: Review) -> Any:
    with review.database.read() as tx:
        cases = [(c.id, c.state, c.class_after, c.facts, c.last_on) for c in load(tx, [1, 2, 3])]
        terms = [row for row in of_subjects(tx, [1, 2, 3]) if row.status != "superseded"]
        return cases, sorted((t.subject_id, t.rule, t.started_on, t.due_on, t.status, str(t.closed_on)) for t in terms)


@settings(max_examples=effort(30))
@given(SLIPS, st.sampled_from(VALUES["b1"]), st.integers(3, len(BEATS)))
def test_what_is_corrected_stands_as_if_entered_rightly_at_once(slip, score, upto):
    field, (said, meant) = slip
    wrong = Entry(b1=score)._replace(**{field: said})
    right = wrong._replace(**{field: meant})
    review, taken, _ = play(wrong, upto)
    if TRIGGERS[field] not in taken:
        return
    before = standing(review)
    outcome = fix(review, 1, TRIGGERS[field], **change(field, right))
    run_due(review.database, review.engine)
    assert broken(review.database, review.engine.library) == []
    rightly, _, every = play(right, upto, only=taken)
    event(f"{field}: {'corrected' if outcome.ok else sorted(codes(outcome))}")
    assert outcome.ok == every
    assert standing(review) == (standing(rightly) if every else before)


def change(field: str, entry: Entry) -> dict[str, Any]:
    return {
        "votes": {"body": {"in_favour": entry.votes}},
        "b1": {"rows": {1: {"b1": entry.b1}}},
        "posted": {"occurred_on": entry.posted},
        "opined": {"occurred_on": entry.opined},
    }[field]
