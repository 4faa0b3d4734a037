"""Waiting for a turn in front of Stripe: the budget on the running event loop, and its metrics."""

import asyncio
import random
from dataclasses import dataclass

import stripe
import structlog
from prometheus_client import Counter, Gauge, Histogram

from payment_service.adapters.stripe.budget import Budget, Whose
from payment_service.adapters.stripe.news import code_of, retry_after_s
from payment_service.ports import ASKED_BY, MAY_WAIT

# What a wait may use up of a request's time limit. What is left must be enough for Stripe's slow
# answers (20 of 25 s for a charge), since a request that is cut off is in doubt.
WAIT_SHARE = 0.2

_log = structlog.get_logger("stripe_gateway")

WAITED = Histogram(
    "payment_service_stripe_waited_seconds",
    "How long requests to Stripe waited for their turn; those that did not wait are not counted.",
    ["whose"],
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2, 5),
)
NOT_SENT = Counter(
    "payment_service_stripe_turns_refused",
    "Requests to Stripe that were not sent, since their turn would have come too late.",
    ["whose"],
)
WAITING = Gauge("payment_service_stripe_waiting", "Requests to Stripe that wait for their turn.")
REFUSED = Counter(
    "payment_service_stripe_rate_limited", "Stripe's refusals for too many requests.", ["scope"]
)
_NAMES = {Whose.PAYER: "payer", Whose.BACKGROUND: "background"}


class NoTurn(Exception):
    """The request was not sent: its turn would have come too late. wait_s: by how much to wait."""

    def __init__(self, wait_s: float) -> None:
        super().__init__("no turn in time")
        self.wait_s = wait_s


@dataclass(frozen=True, slots=True)
class Turn:
    """A request that may be sent. at: when, by the loop's clock. waited_s: how long that took."""

    endpoint: str
    at: float
    waited_s: float


class Turns:
    """Gives turns on the running event loop."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._futures: dict[int, asyncio.Future[float]] = {}
        self._timer: asyncio.TimerHandle | None = None

    async def take(self, endpoint: str, *, limit_s: float) -> Turn:
        """Wait for the turn of a request that may take `limit_s`. Raises NoTurn, soon."""
        now = asyncio.get_running_loop().time()
        whose = Whose.BACKGROUND if MAY_WAIT.get() else Whose.PAYER
        if self._futures:  # the timer may be late, and whoever waits comes first
            self._give(now)
        caller = ASKED_BY.get().name
        if self._budget.takes_at_once(endpoint, whose, now, caller):
            return Turn(endpoint, now, 0.0)
        patience_s = limit_s * WAIT_SHARE
        wait_s = self._budget.wait_s(endpoint, whose, now, caller)
        if wait_s > patience_s:
            raise _too_late(whose, wait_s)
        try:
            at = await self._wait(endpoint, whose, caller, patience_s)
        except (OverflowError, TimeoutError):
            raise _too_late(whose, wait_s) from None
        WAITED.labels(_NAMES[whose]).observe(at - now)
        return Turn(endpoint, at, at - now)

    def answered(self, turn: Turn) -> None:
        """Hear that Stripe did not refuse it for too many requests."""
        self._budget.accepted(turn.endpoint, sent_at=turn.at)

    def refused(self, turn: Turn, error: stripe.StripeError) -> None:
        """Hear of a 429: a rate goes slower for a while; a lock on one object is no rate."""
        reason = str((error.headers or {}).get("Stripe-Rate-Limited-Reason", ""))
        if code_of(error) == "lock_timeout" or reason == "resource-specific":
            return
        scope = "account" if reason.startswith("global") else "endpoint"
        REFUSED.labels(scope).inc()
        now = asyncio.get_running_loop().time()
        slower = self._budget.rate_of(None if scope == "account" else turn.endpoint).refused(
            now,
            sent_at=turn.at,
            retry_after_s=retry_after_s(error),
            spread=random.random(),  # noqa: S311 - jitter, not a secret
        )
        if slower:
            _log.warning("stripe.slowed", endpoint=turn.endpoint, scope=scope, reason=reason)

    async def _wait(self, endpoint: str, whose: Whose, caller: str, patience_s: float) -> float:
        loop = asyncio.get_running_loop()
        waiter = self._budget.enter(endpoint, whose, caller)
        future: asyncio.Future[float] = loop.create_future()
        self._futures[waiter.number] = future
        WAITING.set(len(self._futures))
        self._plan(loop.time())
        try:
            async with asyncio.timeout(patience_s):
                return await future
        finally:
            if self._futures.pop(waiter.number, None) is not None:  # it had no turn, and gives up
                self._budget.leave(waiter)
            WAITING.set(len(self._futures))

    def _on_time(self) -> None:
        self._timer = None
        self._give(asyncio.get_running_loop().time())

    def _give(self, now: float) -> None:
        for waiter in self._budget.turns(now):
            future = self._futures.pop(waiter.number)
            if not future.done():
                future.set_result(now)
        self._plan(now)

    def _plan(self, now: float) -> None:
        at = self._budget.next_at(now)
        if self._timer is not None:
            if at is not None and self._timer.when() <= at:
                return  # it comes earlier, and plans anew
            self._timer.cancel()
            self._timer = None
        if at is not None:
            self._timer = asyncio.get_running_loop().call_at(at, self._on_time)


def _too_late(whose: Whose, wait_s: float) -> NoTurn:
    NOT_SENT.labels(_NAMES[whose]).inc()
    return NoTurn(wait_s)
