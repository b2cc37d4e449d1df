"""The asynchronous face: the same calls, the same answers; what a cancelled task leaves behind. On both databases."""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import threading
from contextlib import aclosing
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest

from rasoat import AsyncRasoat, CountingIds, FrozenClock, Rasoat
from rasoat.foundation.clock import LEGAL_ZONE
from rasoat.foundation.errors import NotFoundError
from tests.support.embedding import COMMUNE, OPENED, UNITS, household, listing

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

NOW = datetime(2022, 9, 28, 9, tzinfo=LEGAL_ZONE)
# A transaction is a block of one thread (`in_transaction`); vault and keys belong to the engine underneath (`sync`).
ANOTHER_WAY = {"bind", "keys", "transaction", "vault"}


@pytest.fixture
def during(database_url: str) -> Callable[[Callable[[AsyncRasoat], Coroutine[Any, Any, None]]], None]:
    """Run a coroutine function with an engine that has two households in a round."""

    async def whole(story: Callable[[AsyncRasoat], Coroutine[Any, Any, None]]) -> None:
        opening = AsyncRasoat.open(database_url, keys="development-anywhere", clock=FrozenClock(NOW), ids=CountingIds())
        async with await opening as engine:
            await engine.register_units(UNITS)
            await engine.register_households([household(n) for n in range(2)])
            await engine.open_round("R", "annual", COMMUNE, OPENED)
            await engine.put_forward("R", {f"HB-{n:03}": {"origin": "managed"} for n in range(2)}, OPENED)
            await story(engine)

    return lambda story: asyncio.run(whole(story))


def public(kind: type) -> set[str]:
    return {name for name in dir(kind) if not name.startswith("_")}


def test_every_call_of_the_engine_can_be_awaited_with_the_same_parameters() -> None:
    assert public(Rasoat) - public(AsyncRasoat) == ANOTHER_WAY, "add the new call to rasoat/aio.py"
    assert public(AsyncRasoat) - public(Rasoat) == {"in_transaction", "run"}
    for name in public(Rasoat) - ANOTHER_WAY:
        awaited = getattr(AsyncRasoat, name)
        assert inspect.signature(awaited) == inspect.signature(getattr(Rasoat, name)), name
        expected = inspect.isasyncgenfunction if name == "cases_as_of" else inspect.iscoroutinefunction
        assert name == "subscribe" or expected(awaited), name


def test_acts_and_questions_answer_as_the_engine_does_and_leave_the_loop_free(during) -> None:
    async def story(engine: AsyncRasoat) -> None:
        ids = await engine.cases_of_round("R")
        done = await asyncio.gather(*(engine.fire(listing(case_id)) for case_id in ids.values()))
        assert all(outcome.ok for outcome in done)
        assert [c.count for c in await engine.states("R")] == [c.count for c in engine.sync.states("R")] == [2]
        with pytest.raises(NotFoundError):
            await engine.case("nobody")

    during(story)


def test_the_work_is_done_in_other_threads_with_the_callers_context(during) -> None:
    asked = contextvars.ContextVar("asked", default="")

    async def story(engine: AsyncRasoat) -> None:
        asked.set("request-7")
        assert await engine.run(asked.get) == "request-7"
        assert await engine.run(threading.get_ident) != threading.get_ident()

    during(story)


def test_a_transaction_over_several_calls_lives_or_dies_as_one(during) -> None:
    async def story(engine: AsyncRasoat) -> None:
        case_id = (await engine.cases_of_round("R"))["HB-000"]

        def both(tx: Any) -> None:
            assert engine.sync.fire(listing(case_id), connection=tx.connection).ok
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            await engine.in_transaction(both)
        assert (await engine.case(case_id)).case.state == "registered"
        assert (await engine.in_transaction(lambda tx: engine.sync.fire(listing(case_id), connection=tx.connection))).ok
        assert (await engine.case(case_id)).case.state == "listed"

    during(story)


def test_a_stream_may_be_given_up_and_its_transaction_is_closed(during) -> None:
    async def story(engine: AsyncRasoat) -> None:
        assert len([case async for case in engine.cases_as_of(round_code="R")]) == 2
        async with aclosing(engine.cases_as_of(round_code="R")) as cases:
            async for _ in cases:
                break
        assert engine.sync.database.engine.pool.checkedout() == 0  # type: ignore[attr-defined]  # a queue of connections

    during(story)


def test_a_stream_ends_with_its_engine(during) -> None:
    async def story(engine: AsyncRasoat) -> None:
        cases = engine.cases_as_of(round_code="R")
        assert await anext(cases)
        await engine.close()
        assert engine.sync.database.engine.pool.checkedout() == 0  # type: ignore[attr-defined]  # as above
        await cases.aclose()

    during(story)


def test_a_cancelled_act_that_has_begun_is_done_whole_and_its_key_gives_the_answer(during) -> None:
    async def story(engine: AsyncRasoat) -> None:
        case_id = (await engine.cases_of_round("R"))["HB-000"]
        begun, go_on = threading.Event(), threading.Event()
        request = listing(case_id, idempotency_key="k-1")

        def slowly() -> Any:
            begun.set()
            go_on.wait(30)
            return engine.sync.fire(request)

        task = asyncio.create_task(engine.run(slowly))
        await asyncio.to_thread(begun.wait, 30)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        go_on.set()
        again = await engine.fire(request)
        assert again.ok
        assert [e.kind for e in (await engine.case(case_id)).events] == ["opened", "step"]

    during(story)


def test_a_cancelled_call_that_waits_for_a_thread_is_never_made(database_url: str) -> None:
    async def story() -> None:
        engine = AsyncRasoat(Rasoat.open(database_url, keys="development-anywhere"), threads=1)
        begun, go_on, made = threading.Event(), threading.Event(), threading.Event()

        def hold() -> None:
            begun.set()
            go_on.wait(30)

        holding = asyncio.create_task(engine.run(hold))
        await asyncio.to_thread(begun.wait, 30)
        waiting = asyncio.create_task(engine.run(made.set))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        go_on.set()
        await holding
        await engine.close()
        assert not made.is_set()

    asyncio.run(story())


def test_subscribers_are_called_in_the_event_loop(during) -> None:
    async def story(engine: AsyncRasoat) -> None:
        told: asyncio.Queue[Any] = asyncio.Queue()
        engine.subscribe(told.put_nowait)
        await engine.fire(listing((await engine.cases_of_round("R"))["HB-000"]))
        (event,) = await asyncio.wait_for(told.get(), 30)
        assert (event.trigger, event.to_state) == ("list_managed", "listed")

    during(story)
