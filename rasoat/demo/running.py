"""Drive a round from its files with a simulated clock; the real worker code fires what falls due in between."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from ..foundation.clock import FrozenClock, legal_date, start_of
from ..foundation.errors import InputError, StorageError
from ..importing.registering import household_of
from ..persistence.rounds import cases_in_states
from ..persistence.wakeups import next_wake_at
from .acts import Happening, actors_of, happenings, paths_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..api import Rasoat
    from ..engine.values import Refusal
    from ..persistence.rounds import RoundRow
    from .files import RoundFiles

__all__ = ["Played", "plan_of", "play"]


@dataclass(slots=True)
class Played:
    """What the round did: acts and worker runs, how many cases moved, what was refused."""

    round: RoundRow
    acts: int = 0
    moves: int = 0
    fired: int = 0
    rungs: int = 0
    breaches: int = 0
    refused: list[Refusal] = field(default_factory=list)


def plan_of(files: RoundFiles) -> tuple[str, date]:
    """Return number and day of the commune's plan, which opens the round."""
    commune = next(u.code for u in files.units.versions() if u.level == "commune")
    found = [d for d in files.documents if d.kind == "plan" and d.unit == commune]
    if not found or found[0].number is None:
        msg = f"{files.folder}: van-ban.csv holds no plan of commune {commune}"
        raise InputError(msg)
    return found[0].number, found[0].issued_on


def play(
    engine: Rasoat, clock: FrozenClock, files: RoundFiles, progress: Callable[[int, int, str], None] | None = None
) -> Played:
    """Play every act of `files` in the order of entry, moving `clock` to each and to each wake-up in between."""
    paths, acts = paths_of(files), happenings(files)
    actors = actors_of(files, paths)
    played = Played(_set_up(engine, clock, files, paths))
    for done, happening in enumerate(acts, 1):
        _let_time_pass(engine, clock, happening.recorded_at, played)
        codes = _concerned(engine, played.round, happening, paths)
        outcome = engine.fire_many(happening.request(codes, actors[happening.actor]))
        played.acts += 1
        played.moves += len(outcome.accepted)
        played.refused += outcome.refused
        if progress is not None:
            progress(done, len(acts), happening.trigger)
    return played


def _set_up(engine: Rasoat, clock: FrozenClock, files: RoundFiles, paths: dict[str, str]) -> RoundRow:
    number, day = plan_of(files)
    clock.move_to(start_of(day) + timedelta(hours=7))
    engine.load_units(files.units)
    commune = next(u.code for u in files.units.versions() if u.level == "commune")
    opened = engine.open_round(
        f"{commune}-{day.year}", "annual", paths[commune], day, ends_on=date(day.year, 12, 14), plan=number
    )
    registered = engine.register_households([household_of(h, paths) for h in files.listed])
    if registered.refused:
        doubles = ", ".join(f"{d.code} = {d.other_code}" for d in registered.refused)
        msg = f"households listed twice: {doubles}"
        raise InputError(msg)
    engine.put_forward(opened.code, {h.code: {"origin": h.origin} for h in files.listed}, day)
    return opened


def _let_time_pass(engine: Rasoat, clock: FrozenClock, until: datetime, played: Played) -> None:
    previous = None
    while True:
        with engine.database.read() as tx:
            wake = next_wake_at(tx)
        if wake is None or wake > until:
            break
        if wake == previous:
            msg = f"what is due at {wake.isoformat()} stays due after the worker ran; its log says why"
            raise StorageError(msg)
        previous = wake
        clock.move_to(max(wake, clock.now()))
        ran = engine.run_due()
        played.fired += ran.fired
        played.rungs += ran.rungs
        played.breaches += ran.breaches
    clock.move_to(max(until, clock.now()))


def _concerned(engine: Rasoat, opened: RoundRow, happening: Happening, paths: dict[str, str]) -> dict[str, int]:
    with engine.database.read() as tx:
        if happening.households is not None:
            return cases_in_states(tx, opened.id, codes=happening.households)
        village = paths[happening.village] if happening.village else None
        return cases_in_states(tx, opened.id, unit_path=village, states=happening.states)


def middle_day(files: RoundFiles) -> date:
    """Return the working day before the superior's opinion came: the day on which a late one is overdue."""
    opinion = next(d.issued_on for d in files.documents if d.kind == "opinion")
    return legal_date(start_of(opinion) - timedelta(days=1))
