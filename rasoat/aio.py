"""The engine for hosts that await: every call of `Rasoat`, done in a thread of the engine's own.

Cancelling an awaiting task never tears an act apart. A call that still waits for a thread is not made; one that has
begun runs to its end and commits or not, and its answer is lost: repeat it with the same `idempotency_key`.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import partial, wraps
from typing import TYPE_CHECKING, Any, Concatenate, Generic, ParamSpec, Self, TypeVar

from .api import Rasoat

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine, Iterator

    from .persistence.database import Tx
    from .persistence.subscribing import Subscriber

__all__ = ["AsyncRasoat"]

_Given = ParamSpec("_Given")
_Answer = TypeVar("_Answer")


def _in_thread(
    call: Callable[Concatenate[Rasoat, _Given], _Answer],
) -> Callable[Concatenate[AsyncRasoat, _Given], Coroutine[Any, Any, _Answer]]:
    """Return `call` as a coroutine of `AsyncRasoat` with the same parameters and the same answer."""

    @wraps(call)
    async def awaited(self: AsyncRasoat, /, *args: _Given.args, **kwargs: _Given.kwargs) -> _Answer:
        return await self.run(partial(call, self.sync, *args, **kwargs))

    return awaited


def _streamed(
    call: Callable[Concatenate[Rasoat, _Given], Iterator[_Answer]],
) -> Callable[Concatenate[AsyncRasoat, _Given], AsyncIterator[_Answer]]:
    """Return `call` as an asynchronous generator: one reading transaction, one answer at a time."""

    @wraps(call)
    async def stream(self: AsyncRasoat, /, *args: _Given.args, **kwargs: _Given.kwargs) -> AsyncIterator[_Answer]:
        reading = _Reading(call(self.sync, *args, **kwargs))
        self._readings.add(reading)
        try:
            while found := await self.run(reading.next):
                yield found[0]
        finally:
            if reading in self._readings:
                self._readings.discard(reading)
                await asyncio.shield(self.run(reading.close))

    return stream


def _opened(call: Callable[_Given, Rasoat]) -> Callable[_Given, Coroutine[Any, Any, AsyncRasoat]]:
    """Return what opens an `AsyncRasoat` with the parameters that open a `Rasoat`."""

    @wraps(call)
    async def opened(*args: _Given.args, **kwargs: _Given.kwargs) -> AsyncRasoat:
        return AsyncRasoat(await asyncio.to_thread(call, *args, **kwargs))

    return opened


class _Reading(Generic[_Answer]):
    """An iterator that threads share: a stream that is given up is closed only when its last step has ended."""

    def __init__(self, answers: Iterator[_Answer]) -> None:
        self._answers = answers
        self._lock = threading.Lock()

    def next(self) -> tuple[_Answer] | None:
        """Return the next answer, None at the end."""
        with self._lock:
            return next(((answer,) for answer in self._answers), None)

    def close(self) -> None:
        """End the iterator's transaction."""
        with self._lock:
            if isinstance(self._answers, Generator):
                self._answers.close()


class AsyncRasoat:
    """`Rasoat` for asyncio, over at most `threads` threads; `sync` is the engine underneath.

    ``async with await AsyncRasoat.open(url) as engine: await engine.fire(request)``. A `connection` that is given must
    be a synchronous one that nothing else uses meanwhile. `close` waits for what is being done.
    """

    def __init__(self, engine: Rasoat, *, threads: int = 4) -> None:
        self.sync = engine
        self._readings: set[_Reading[Any]] = set()
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="rasoat")

    open = staticmethod(_opened(Rasoat.open))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def run(self, call: Callable[[], _Answer]) -> _Answer:
        """Do anything else with the engine in one of its threads, with the caller's context variables."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, copy_context().run, call)

    async def in_transaction(self, work: Callable[[Tx], _Answer]) -> _Answer:
        """Do `work` in one writing transaction, in one thread: committed at its end, rolled back if it raises."""

        def done() -> _Answer:
            with self.sync.transaction() as tx:
                return work(tx)

        return await self.run(done)

    def subscribe(self, subscriber: Subscriber) -> Callable[[], None]:
        """Call `subscriber` in the running event loop after each commit; otherwise as `Rasoat.subscribe`."""
        loop = asyncio.get_running_loop()
        return self.sync.subscribe(lambda events: loop.call_soon_threadsafe(subscriber, events))

    async def close(self) -> None:
        """End streams that are still open, wait for what is being done, then close the connections."""
        while self._readings:
            await self.run(self._readings.pop().close)
        await asyncio.to_thread(self._threads.shutdown)
        await asyncio.to_thread(self.sync.close)

    register_units = _in_thread(Rasoat.register_units)
    register_households = _in_thread(Rasoat.register_households)
    open_round = _in_thread(Rasoat.open_round)
    put_forward = _in_thread(Rasoat.put_forward)
    fire_many = _in_thread(Rasoat.fire_many)
    fire = _in_thread(Rasoat.fire)
    run_due = _in_thread(Rasoat.run_due)
    case = _in_thread(Rasoat.case)
    cases_of_round = _in_thread(Rasoat.cases_of_round)
    left_out = _in_thread(Rasoat.left_out)
    overdue = _in_thread(Rasoat.overdue)
    due_between = _in_thread(Rasoat.due_between)
    states = _in_thread(Rasoat.states)
    units = _in_thread(Rasoat.units)
    today = _in_thread(Rasoat.today)
    season_end = _in_thread(Rasoat.season_end)
    household = _in_thread(Rasoat.household)
    find_by_identity = _in_thread(Rasoat.find_by_identity)
    erase_household = _in_thread(Rasoat.erase_household)
    correct = _in_thread(Rasoat.correct)
    undo = _in_thread(Rasoat.undo)
    entry = _in_thread(Rasoat.entry)
    case_as_of = _in_thread(Rasoat.case_as_of)
    cases_as_of = _streamed(Rasoat.cases_as_of)
    states_as_of = _in_thread(Rasoat.states_as_of)
    split_household = _in_thread(Rasoat.split_household)
    merge_households = _in_thread(Rasoat.merge_households)
    change_head = _in_thread(Rasoat.change_head)
    move_household = _in_thread(Rasoat.move_household)
    change_area = _in_thread(Rasoat.change_area)
    recode_commune = _in_thread(Rasoat.recode_commune)
    merge_communes = _in_thread(Rasoat.merge_communes)
    lineage = _in_thread(Rasoat.lineage)
    suspend = _in_thread(Rasoat.suspend)
    resume = _in_thread(Rasoat.resume)
    extend = _in_thread(Rasoat.extend)
    supersede = _in_thread(Rasoat.supersede)
    cancel = _in_thread(Rasoat.cancel)
    fulfil = _in_thread(Rasoat.fulfil)
    deadline = _in_thread(Rasoat.deadline)
    open_milestones = _in_thread(Rasoat.open_milestones)
    migrate = _in_thread(Rasoat.migrate)
    rehearse = _in_thread(Rasoat.rehearse)
    set_setting = _in_thread(Rasoat.set_setting)
    unset_setting = _in_thread(Rasoat.unset_setting)
    settings = _in_thread(Rasoat.settings)
    load_units = _in_thread(Rasoat.load_units)
    outlooks = _in_thread(Rasoat.outlooks)
    flag_lost = _in_thread(Rasoat.flag_lost)
    agenda = _in_thread(Rasoat.agenda)
    punctuality = _in_thread(Rasoat.punctuality)
    recalendar = _in_thread(Rasoat.recalendar)
    what_if = _in_thread(Rasoat.what_if)
    desk_feed = _in_thread(Rasoat.desk_feed)
    require_settings = _in_thread(Rasoat.require_settings)
