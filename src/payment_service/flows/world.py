"""What every flow needs of the outside, handed over as one value."""

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

from payment_service.domain.card_tries import Tries
from payment_service.domain.moment import Door, Moment, Policy
from payment_service.flows.changes import Changes
from payment_service.ports import (
    Clock,
    EventReader,
    Gateway,
    Ids,
    OrderProofs,
    OrderReader,
    Orders,
    Store,
    Witness,
)

# Events that one process applies at once; the rest wait in the store, or in line.
APPLY_AT_ONCE = 8
# What is cancelled gives back its claim with one write; a claim that it cannot lapses by itself.
GIVE_BACK_S_MAX = 1.0

# Some 2 MB. More at once is an attack from many sides, of which the newest are remembered.
SUSPECTS_MAX = 20_000
NEVER = datetime.min.replace(tzinfo=UTC)
# As above. A token that was refused for an order is not worth another try for this long.
TOKENS_MAX, SAME_TOKEN_AFTER = 20_000, timedelta(minutes=1)


class Background:
    """Work that goes on after its caller has the answer; drained before the process stops."""

    def __init__(self, on_error: Callable[[BaseException], None] | None = None) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()
        self._on_error = on_error

    def spawn(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Start the work. What it raises is reported, and is there for whoever awaits the task."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._finished)
        return task

    def _finished(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None and self._on_error is not None:
            self._on_error(error)

    async def drain(self, grace_s: float) -> int:
        """Wait for all of it, then cancel what is left; return how much that was.

        Takes no longer than the grace and GIVE_BACK_S_MAX.
        """
        clock = asyncio.get_running_loop()
        over_at = clock.time() + grace_s
        while self._tasks and clock.time() < over_at:  # what is waited for may begin more
            await asyncio.wait(set(self._tasks), timeout=over_at - clock.time())
        left = set(self._tasks)
        for task in left:
            task.cancel()
        if left:
            await asyncio.wait(left, timeout=GIVE_BACK_S_MAX)
        return len(left)


class Suspects:
    """To whom this process has seen a card refused, by their tallies' ids; the oldest go first.

    How often, as far as this process knows, is remembered with each.
    """

    def __init__(self, suspects_max: int = SUSPECTS_MAX) -> None:
        self._ids: dict[str, int] = {}
        self._max = suspects_max

    def __contains__(self, id: str) -> bool:
        return id in self._ids

    def refused(self, id: str) -> int:
        """Return how often, as far as it is known here."""
        return self._ids.get(id, 0)

    def add(self, id: str, refused: int | None = None) -> None:
        """Remember. refused: how often; left out: as often as before."""
        self._ids[id] = self.refused(id) if refused is None else refused
        if len(self._ids) > self._max:
            del self._ids[next(iter(self._ids))]

    def discard(self, id: str) -> None:
        """Forget."""
        self._ids.pop(id, None)


@dataclass
class Receiver:
    """How the OrderService took what this process told it last.

    refusals: how many tries in a row were not taken. is_mended: whether it takes updates again, and
    what waits is to be hastened. hastened_at: when that was done last.
    """

    refusals: int = 0
    is_mended: bool = False
    hastened_at: datetime = NEVER


class TokensTried:
    """Which callers' tokens were tried for which order, by a hash; the oldest go first."""

    def __init__(self, tries_max: int = TOKENS_MAX) -> None:
        self._tried_at: dict[bytes, datetime] = {}
        self._max = tries_max

    def may_try(self, order_id: str, token: str, now: datetime) -> bool:
        """Whether this token was not tried for this order just now; from now on it was."""
        name = sha256(f"{order_id}\0{token}".encode()).digest()
        tried_at = self._tried_at.pop(name, None)
        if tried_at is not None and now - tried_at < SAME_TOKEN_AFTER:
            self._tried_at[name] = tried_at
            return False
        self._tried_at[name] = now
        if len(self._tried_at) > self._max:
            del self._tried_at[next(iter(self._tried_at))]
        return True


class Once:
    """Work that many want at once and that is done once for all of them."""

    def __init__(self) -> None:
        self._task: asyncio.Task[None] | None = None

    async def do(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Return when the work is done, begun by us or by somebody else before."""
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(work())
        await asyncio.shield(self._task)


@dataclass(frozen=True, slots=True)
class World:
    """The ports and the policy."""

    store: Store
    gateway: Gateway
    orders: Orders
    clock: Clock
    ids: Ids
    witness: Witness
    policy: Policy
    background: Background
    # Whose mark is ours in Stripe's metadata, and whether our key is a live one.
    service: str = "payment-service"
    livemode: bool = False
    event_reader: EventReader | None = None
    # None where the shop signs nothing.
    order_proofs: OrderProofs | None = None
    # None where orders cannot be read.
    order_reader: OrderReader | None = None
    # Applying an event asks Stripe, whose limit of requests a second is shared with payers.
    appliers: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(APPLY_AT_ONCE))
    # How many walkers of this process are asking Stripe about a document, by its place.
    under_way: Counter[str] = field(default_factory=Counter)
    # How many requests of this process have to do with an idempotency key, by its record's id.
    keys_in_use: Counter[str] = field(default_factory=Counter)
    suspects: Suspects = field(default_factory=Suspects)
    tries: Tries = field(default_factory=Tries)
    receiver: Receiver = field(default_factory=Receiver)
    tokens_tried: TokensTried = field(default_factory=TokensTried)
    changes: Changes = field(default_factory=Changes)
    asking_time: Once = field(default_factory=Once)

    def moment(self, door: Door) -> Moment:
        """Now, through this door, under the policy."""
        return Moment(now=self.clock.now(), door=door, policy=self.policy)
