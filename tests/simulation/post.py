"""The post between Stripe and us: events under the faults of a plan, delivered to whoever is up.

What Stripe does by itself when its time comes (a hold lapses, a refund comes back) happens here.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Final

from payment_service.adapters.stripe.looks import EVENT_TYPES
from payment_service.domain.errors import WebhookRefused
from payment_service.domain.moment import Door
from payment_service.domain.news import SeenEvent
from payment_service.flows.stripe_time import know_time
from payment_service.flows.world import World
from payment_service.ports import Unavailable
from stripe_sandbox.engine import Engine, WebhookAttempt, WebhookFault
from stripe_sandbox.webhook_faults import WebhookFaultPlan
from tests.parts.virtual_time import epoch_s
from tests.simulation.plan import FaultCounter, Latency
from tests.simulation.process import Point, Process

SECRET: Final = "whsec_of_the_simulation"
TOLD: Final = (*(name for types in EVENT_TYPES for name in types), "payment_intent.created")
# Counted by event, as Stripe makes them.
MADE_FAULTS: Final = {
    "drop": WebhookFault("drop"),
    "duplicate": WebhookFault("duplicate"),
    "two_events": WebhookFault("two_events"),
    "delay": WebhookFault("delay", delay_s=60.0),
    "delay_for_hours": WebhookFault("delay", delay_s=20 * 3600.0),
    "reorder": WebhookFault("reorder"),
    "never_generated": WebhookFault("never_generated"),
}
# Counted by post, as they come to our door. tampered: somebody changes what Stripe has signed.
DOOR_FAULTS: Final = ("refused", "answer_lost", "tampered")
WEBHOOK_FAULTS: Final = (*MADE_FAULTS, *DOOR_FAULTS)
# The points at which they strike.
MADE, POSTED = "event", "post"
# Stripe takes a receiver that is slower than this for one that failed.
ANSWER_WITHIN_S: Final = 20.0

Door_ = tuple[Process, World]


class MadeFaults(WebhookFaultPlan):
    """The sandbox's plan of faults, by the number of the event. Sees every event there is."""

    def __init__(self, plan: dict[int, str], points: list[Point]) -> None:
        super().__init__()
        made = {number: kind for number, kind in plan.items() if kind in MADE_FAULTS}
        self.counter = FaultCounter(made, MADE, points)
        # The plan is asked only while it has rules; this one always wants to see the event.
        self.rules = [None]  # type: ignore[list-item]  # nobody looks into it
        self.newest_at = 0.0
        self._goes_on: WebhookFault | None = None

    def take(self, event_type: str) -> WebhookFault | None:
        """Return the fault of the next event. Two that change places are two in a row."""
        if event_type not in TOLD:
            return None
        self.newest_at = epoch_s()
        kind = self.counter.next()
        fault = self._goes_on if kind is None else MADE_FAULTS[kind]
        self._goes_on = fault if kind == "reorder" else None
        return fault


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """An event that was answered 200."""

    id: str
    type: str
    service: str | None


@dataclass
class Post:
    """All that is on its way. `open_doors`: the processes that could take an event now."""

    engine: Engine
    faults: MadeFaults
    arrivals: FaultCounter
    latency: Latency
    open_doors: Callable[[], list[Door_]]
    take: Callable[[World, SeenEvent, Door], Awaitable[Any]]
    forget: Callable[["asyncio.Future[Any]"], None]
    under_way: int = 0
    acknowledged: list[Acknowledged] = field(default_factory=list)
    _posted: int = 0

    async def run(self) -> None:
        """Deliver whatever is due, for ever."""
        changed = asyncio.Event()
        self.engine.webhooks.on_change = changed.set
        while True:
            changed.clear()
            now = epoch_s()
            self.engine.advance(now)
            for attempt in self.engine.due_webhooks(now):
                self.under_way += 1
                self.forget(asyncio.ensure_future(self._carry(attempt)))
            at = self._next_at()
            wait_s = None if at is None else max(at - now, 0.001)
            try:
                async with asyncio.timeout(wait_s):
                    await changed.wait()
            except TimeoutError:
                continue

    def _next_at(self) -> float | None:
        times = (self.engine.next_webhook_at(), self.engine._state.next_later_at())
        return min((at for at in times if at is not None), default=None)

    async def _carry(self, attempt: WebhookAttempt) -> None:
        await asyncio.sleep(self.latency.webhook_s())
        status = await self._hand_over(attempt)
        self.under_way -= 1
        if status == 200:
            self.acknowledged.append(_acknowledged(attempt))
        self.engine.webhook_answered(attempt, status, epoch_s())

    async def _hand_over(self, attempt: WebhookAttempt) -> int | None:
        """Post it to one of the processes that are up; return the status, None without one."""
        kind = self.arrivals.next()
        doors = self.open_doors()
        if kind == "refused" or not doors:
            return None
        self._posted += 1
        process, world = doors[self._posted % len(doors)]
        body = attempt.body + b" " if kind == "tampered" else attempt.body
        taking = asyncio.ensure_future(self._door(process, world, attempt, body))
        waits: set[asyncio.Future[Any]] = {taking, process.dead}
        await asyncio.wait(waits, timeout=ANSWER_WITHIN_S, return_when=asyncio.FIRST_COMPLETED)
        if not taking.done():
            self.forget(taking)
            return None
        # The answer is out as soon as it is there, whatever becomes of its sender.
        status = taking.result()
        return None if kind == "answer_lost" else status

    async def _door(
        self, process: Process, world: World, attempt: WebhookAttempt, body: bytes
    ) -> int:
        what = f"webhook {json.loads(attempt.body)['type']}"
        return await process.call(what, lambda: self._answer(world, attempt, body))

    async def _answer(self, world: World, attempt: WebhookAttempt, body: bytes) -> int:
        """What the endpoint does, without HTTP."""
        assert world.event_reader is not None
        signature = attempt.headers["Stripe-Signature"]
        try:
            await know_time(world)
            seen = world.event_reader.read(body, signature, world.clock.now())
        except WebhookRefused:
            return 400
        except Unavailable:
            return 503
        try:
            await self.take(world, seen, Door.WEBHOOK)
        except Unavailable:
            return 503
        return 200


def arrivals_of(plan: dict[int, str], points: list[Point]) -> FaultCounter:
    """Return the faults of a plan that strike at our door."""
    posted = {number: kind for number, kind in plan.items() if kind in DOOR_FAULTS}
    return FaultCounter(posted, POSTED, points)


def _acknowledged(attempt: WebhookAttempt) -> Acknowledged:
    body = json.loads(attempt.body)
    metadata = body["data"]["object"].get("metadata") or {}
    return Acknowledged(attempt.event_id, body["type"], metadata.get("service"))
