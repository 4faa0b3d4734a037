"""One caller's many requests stand in a line of their own, and nobody else's behind them."""

import asyncio
from typing import Any

import pytest

from payment_service.api.problems import TooManyRequests
from payment_service.api.shares import (
    ACTIVE_MAX,
    AT_ONCE,
    OTHERS_S,
    TICK_S,
    WAIT_MAX_S,
    Place,
    Shares,
)


class Processor:
    """A processor that is always busy, or never."""

    is_busy = True

    def __call__(self) -> float:
        return asyncio.get_running_loop().time() if self.is_busy else 0.0


def opened(
    *, under_way: int = 1000, alone: int = 1000, waiting: int = 1000, busy: bool = True
) -> Shares:
    processor = Processor()
    processor.is_busy = busy
    return Shares(under_way_max=under_way, alone_max=alone, waiting_max=waiting, used_s=processor)


async def beside_others(**limits: Any) -> Shares:
    """Return the shares of a process where somebody else has just asked."""
    shares = opened(**limits)
    (await shares.enter("somebody else")).leave()
    return shares


async def begun(shares: Shares, name: str, requests: int) -> list[asyncio.Task[Place]]:
    """Let so many come at once; return them when those have begun that do so at once."""
    tasks = [asyncio.create_task(shares.enter(name)) for _ in range(requests)]
    for _ in range(3):
        await asyncio.sleep(0)
    return tasks


def done(tasks: list[asyncio.Task[Place]]) -> list[Place]:
    return [task.result() for task in tasks if task.done()]


async def end(tasks: list[asyncio.Task[Place]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_while_the_processor_is_busy_a_flood_waits_and_whoever_has_little_begins() -> None:
    shares = await beside_others()
    flood = await begun(shares, "flood", 300)
    await asyncio.sleep(1)

    at_flood = len(done(flood))
    others = [await begun(shares, f"shop-{n}", AT_ONCE) for n in range(20)]

    assert at_flood < 20
    assert all(len(done(tasks)) == AT_ONCE for tasks in others)
    await end(flood)


async def test_while_the_processor_is_idle_as_many_begin_as_make_it_faster() -> None:
    shares = opened(busy=False)
    flood = await begun(shares, "flood", 300)
    await asyncio.sleep(1)

    assert len(done(flood)) == ACTIVE_MAX
    for place in done(flood):
        place.leave()
    await asyncio.sleep(1)
    assert len(done(flood)) == 2 * ACTIVE_MAX
    await end(flood)


async def test_what_waits_for_stripe_needs_no_processor_and_is_bounded_too() -> None:
    shares = await beside_others(under_way=100, busy=False)
    flood = await begun(shares, "flood", 300)
    for _ in range(5):
        await asyncio.sleep(1)
        (await shares.enter("somebody else")).leave()
        for place in done(flood)[shares.resting :]:
            place.waits()

    assert (len(done(flood)), shares.resting) == (100, 100)
    for place in done(flood):
        place.goes_on()
        place.leave()
        place.waits()
        place.goes_on()
    assert shares.resting == 0
    await end(flood)


async def test_who_leaves_while_it_waits_for_stripe_is_counted_once() -> None:
    shares = opened()
    place = await shares.enter("shop")
    place.waits()
    place.waits()
    assert shares.resting == 1

    place.leave()
    place.goes_on()
    place.goes_on()

    assert shares.resting == 0
    assert done(await begun(shares, "shop", AT_ONCE))


async def test_many_short_requests_are_a_flood_as_well() -> None:
    """Those that never wait for anything are never many at a time."""
    shares = await beside_others()
    at_once = 0
    for _ in range(300):
        task = asyncio.create_task(shares.enter("flood"))
        for _ in range(2):
            await asyncio.sleep(0)
        if task.done():
            at_once += 1
            task.result().leave()

    assert at_once < 20


async def test_callers_in_line_are_served_in_turn() -> None:
    shares = opened(busy=False)
    order: list[str] = []

    async def one(name: str) -> None:
        place = await shares.enter(name)
        order.append(name)
        await asyncio.sleep(0.1)
        place.leave()

    tasks = [asyncio.create_task(one("flood")) for _ in range(300)]
    tasks += [asyncio.create_task(one("other")) for _ in range(30)]
    await asyncio.gather(*tasks)

    last = max(at for at, name in enumerate(order) if name == "other")
    assert last < 2 * 30 + 2 * ACTIVE_MAX


async def test_a_caller_alone_has_all_of_the_processor_and_leaves_places_to_a_newcomer() -> None:
    shares = await beside_others(under_way=3, alone=150)
    await asyncio.sleep(OTHERS_S)
    flood = await begun(shares, "flood", 300)
    assert len(done(flood)) == ACTIVE_MAX

    while len(done(flood)) > shares.resting:
        for place in done(flood)[shares.resting :]:
            place.waits()
        await asyncio.sleep(1)

    assert len(done(flood)) == 150
    await end(flood)


async def test_who_cannot_be_told_apart_waits_only_beside_those_who_can() -> None:
    shares = opened()
    assert len(done(await begun(shares, "", 300))) == 300

    await shares.enter("shop")
    more = await begun(shares, "", 300)

    assert done(more) == []
    await end(more)


@pytest.mark.parametrize("waiting", [0, 5])
async def test_no_more_wait_than_may_and_none_for_longer_than_helps(waiting: int) -> None:
    shares = await beside_others(waiting=waiting)
    begin = asyncio.get_running_loop().time()
    flood = await begun(shares, "flood", 300)

    refused_at_once = sum(task.done() and task.exception() is not None for task in flood)
    await asyncio.gather(*flood, return_exceptions=True)

    assert asyncio.get_running_loop().time() - begin <= WAIT_MAX_S
    assert refused_at_once >= 300 - waiting - 20
    refusal = flood[-1].exception()
    assert isinstance(refusal, TooManyRequests)
    assert refusal.details["retry_after_s"] == 1


async def test_who_leaves_the_line_just_as_it_may_begin_takes_no_place() -> None:
    shares, loop = opened(busy=False), asyncio.get_running_loop()
    places: list[Place] = []
    while len(places) < ACTIVE_MAX:
        places.append(await shares.enter("shop"))
    leaver = (await begun(shares, "shop", 1))[0]
    places.pop().leave()

    loop.call_later(TICK_S, leaver.cancel)
    await asyncio.sleep(2 * TICK_S)

    assert leaver.cancelled()
    for place in places:
        place.leave()
    assert shares.callers == 0
