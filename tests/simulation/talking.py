"""How callers talk to the service: they ask, remember word for word what they heard, ask again.

They know no more than a caller over HTTP: a process that dies takes the answer with it.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextvars import Context, copy_context
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, TypeVar

from payment_service.domain.errors import Refusal
from payment_service.domain.payment import Payment, State
from payment_service.domain.refund import Refund, RefundStatus
from payment_service.domain.stripe_errors import ErrorClass, RefusedByStripe
from payment_service.flows.stripe_time import know_time
from payment_service.flows.world import World
from payment_service.ports import GatewayLost, StoreInDoubt, StoreLost, Unavailable
from tests.parts.virtual_time import epoch_s
from tests.simulation.inbox import taken_minor
from tests.simulation.town import Town

T = TypeVar("T")

# No answer, or none yet, or "come back later": who has patience asks again.
AGAIN = frozenset({"lost", "away", "doubt", "unavailable", "processing"})
# "It did not happen": what the service may say only when no money was or ever will be taken.
# `away` is the door's 503 and speaks of one request; the others speak of the payment or refund.
FAILED = frozenset({"declined", "rejected", "unavailable", "abandoned", "canceled", "failed"})
# What a refusal of Stripe's is told as, in one word; any other is `rejected`.
WORDS: Mapping[ErrorClass, str] = {
    ErrorClass.DECLINED: "declined",
    ErrorClass.AUTHENTICATION_REQUIRED: "declined",
    ErrorClass.ABANDONED: "abandoned",
    ErrorClass.REFUND_FAILED: "failed",
    ErrorClass.BALANCE_INSUFFICIENT: "failed",
}
TRIES_MAX = 6
PAUSE_S = 2.0
PAUSE_MAX_S = 60.0
PATIENCE_S = 55.0


@dataclass(frozen=True, slots=True)
class Said:
    """An answer in one word, with the payment and the refund that it showed, if it showed any."""

    word: str
    payment: Payment | None = None
    refund: Refund | None = None


@dataclass(frozen=True, slots=True)
class Heard:
    """One answer. money: what Stripe had taken for the order when it came. said: what it showed."""

    word: str
    asked_at: float
    heard_at: float
    money: int
    said: Said | None = None


@dataclass
class Conversation:
    """All that one client was told about one wish.

    answers: one for each time that it asked. asked: all that it asked for, by its own record; the
    names are those of the auditor's tables. made: the id of what came of it, as it was told.
    """

    wish: str
    order_id: str
    amount_minor: int
    answers: list[Heard] = field(default_factory=list)
    refund_id: str | None = None
    asked: Mapping[str, Any] = field(default_factory=dict)
    made: str | None = None

    @property
    def words(self) -> list[str]:
        """The answers in short."""
        return [answer.word for answer in self.answers]

    @property
    def last(self) -> str:
        """The last word, `lost` before any."""
        return self.answers[-1].word if self.answers else "lost"


@dataclass
class Talkers:
    """The callers of one life, and all that they were told."""

    town: Town
    retry: bool
    conversations: list[Conversation] = field(default_factory=list)
    contradictions: list[str] = field(default_factory=list)
    # What dead processes were at, each in its own context.
    _cut_off: list[tuple[Context, Coroutine[Any, Any, Any], asyncio.Task[Any]]] = field(
        default_factory=list
    )

    def close(self) -> None:
        """Throw away what dead processes were at, in its own context: what is bound is of that."""
        for context, asking, task in self._cut_off:
            if not task.done():
                context.run(asking.close)

    async def look(self, ask: Callable[[World], Awaitable[T]]) -> T | None:
        """Ask until there is an answer; None when the service refuses."""
        pause_s = PAUSE_S
        while True:
            word, value = await self._once(ask)
            if word not in AGAIN:
                return value
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * 2, PAUSE_MAX_S)  # an outage may last a day

    async def talk(self, talk: Conversation, ask: Callable[[World], Awaitable[str | Said]]) -> str:
        """Ask, again and again if need be; return the last word."""
        self.conversations.append(talk)
        for _ in range(TRIES_MAX if self.retry else 1):
            asked_at = epoch_s()
            word, answer = await self._once(ask)
            said = Said(answer) if isinstance(answer, str) else answer
            word = said.word if said else word
            money = taken_minor(self.town.engine, talk.order_id)
            talk.answers.append(Heard(word, asked_at, epoch_s(), money, said))
            self.town.trace.note("told", talk.wish, talk.order_id, word)
            if word not in AGAIN:
                break
            await asyncio.sleep(PAUSE_S)
        return talk.last

    async def _once(self, ask: Callable[[World], Awaitable[T]]) -> tuple[str, T | None]:
        """Ask the process there is; return one word, and the answer if there was one."""
        process, world = await self.town.open_door()
        context, asking = copy_context(), _asked(world, ask)
        task: asyncio.Task[Any] = asyncio.get_running_loop().create_task(asking, context=context)
        await asyncio.wait({task, process.dead}, return_when=asyncio.FIRST_COMPLETED)
        if not process.alive:
            self.town.forget(task)
            self._cut_off.append((context, asking, task))
            return "lost", None
        match task.exception():
            case None:
                return "answered", task.result()
            # Something may have been begun, and goes on by itself then.
            case StoreInDoubt() | StoreLost() | GatewayLost():
                return "doubt", None
            case Unavailable():
                return "away", None
            case RefusedByStripe(kind=ErrorClass.UNAVAILABLE):
                return "away", None
            case RefusedByStripe() as refusal:
                return WORDS.get(refusal.kind, "rejected"), None
            case Refusal() as refusal:
                return f"refused_{refusal.reason_code}", None
            case error:
                self.contradictions.append(f"a client heard of a {error!r}")
                return "broken", None


async def _asked(world: World, ask: Callable[[World], Awaitable[T]]) -> T:
    """Ask as the API does, which knows the time before it says until when there is an answer."""
    await know_time(world)
    return await ask(world)


def deadline(world: World) -> Any:
    """Return until when a caller waits for its answer."""
    return world.clock.now() + timedelta(seconds=PATIENCE_S)


def said_of(payment: Payment) -> Said:
    """Return the answer that shows a payment."""
    return Said(word_of(payment), payment)


def word_of(payment: Payment) -> str:
    """Return what a caller is told of a payment."""
    match payment.state:
        case State.ASKING | State.PROCESSING:
            return "processing"
        case State.REQUIRES_PAYMENT_METHOD | State.REQUIRES_CONFIRMATION if payment.failure:
            return str(payment.failure.kind)
        case _:
            return str(payment.state)


def word_of_refund(refund: Refund) -> str:
    """Return what a caller is told of a refund."""
    match refund.status:
        case RefundStatus.ASKING:
            return "processing"
        case RefundStatus.FAILED | RefundStatus.CANCELED:
            return "failed"
        case _:
            return str(refund.status)
