"""python-statemachine over ORM objects: a machine instance for each case and act."""

from __future__ import annotations

from typing import TYPE_CHECKING

from statemachine import State, StateMachine

from benchmarks.contenders.orm import Case, note, sessions
from benchmarks.contenders.workload import STATES, TRIGGERS, arrows

if TYPE_CHECKING:
    from collections.abc import Callable


class Review(StateMachine):
    registered = State(initial=True)
    listed = State()
    surveyed = State()
    agreed = State()
    posted = State()
    settled = State()
    summarised = State()
    recognised = State(final=True)
    list_managed = registered.to(listed)
    survey = listed.to(surveyed)
    meet = surveyed.to(agreed)
    post = agreed.to(posted)
    posting_ended = posted.to(settled)
    summarise = settled.to(summarised)
    recognise = summarised.to(recognised)


def run(path: str, cases: int, at_once: int, begin: Callable[[], None]) -> int:
    assert {name for name, _, _ in arrows()} <= set(dir(Review))
    make = sessions(path)
    with make.begin() as session:
        session.add_all([Case(id=i + 1, state=STATES[0]) for i in range(cases)])
    begin()
    for trigger in TRIGGERS:
        for first in range(1, cases + 1, at_once):
            with make.begin() as session:
                for case in session.query(Case).filter(Case.id.between(first, first + at_once - 1)):
                    Review(model=case).send(trigger)
                    note(session, case, trigger)
    with make() as session:
        assert session.query(Case).filter_by(state=STATES[-1]).count() == cases
    return cases * len(TRIGGERS)
