"""`transitions` as its tutorial shows it: a machine for each case, the case an ORM object."""

from __future__ import annotations

from typing import TYPE_CHECKING

from transitions import Machine

from benchmarks.contenders.orm import Case, note, sessions
from benchmarks.contenders.workload import STATES, TRIGGERS, arrows

if TYPE_CHECKING:
    from collections.abc import Callable


def run(path: str, cases: int, at_once: int, begin: Callable[[], None]) -> int:
    make = sessions(path)
    with make.begin() as session:
        session.add_all([Case(id=i + 1, state=STATES[0]) for i in range(cases)])
    begin()
    for trigger in TRIGGERS:
        for first in range(1, cases + 1, at_once):
            with make.begin() as session:
                for case in session.query(Case).filter(Case.id.between(first, first + at_once - 1)):
                    machine = Machine(
                        case, states=list(STATES), initial=case.state, transitions=[list(arrow) for arrow in arrows()]
                    )
                    assert machine.models
                    case.trigger(trigger)
                    note(session, case, trigger)
    with make() as session:
        assert session.query(Case).filter_by(state=STATES[-1]).count() == cases
    return cases * len(TRIGGERS)
