"""Callers of the service: they ask, remember word for word what they were told, and may ask again.

They know no more than a caller over HTTP: a process that dies takes the answer with it.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, TypeVar

from payment_service.domain.customer import Customer
from payment_service.domain.errors import Refusal
from payment_service.domain.payment import Order, Payment, State, Terms
from payment_service.domain.refund import Refund, RefundStatus
from payment_service.flows.find_payment import find_payment
from payment_service.flows.keep_card import attach_card, remove_card
from payment_service.flows.keep_customer import create_customer
from payment_service.flows.refund_payment import refund_payment
from payment_service.flows.world import World
from payment_service.ports import Unavailable
from tests.parts.virtual_time import epoch_s
from tests.simulation.inbox import taken_minor
from tests.simulation.town import Town

T = TypeVar("T")

# No answer, or none yet, or "come back later": who has patience asks again.
AGAIN = frozenset({"lost", "away", "unavailable", "processing"})
# "It did not happen": what the service may say only when no money was or ever will be taken.
# `away` is the door's 503 and speaks of one request; the others speak of the payment or refund.
FAILED = frozenset({"declined", "rejected", "unavailable", "abandoned", "canceled", "failed"})
TRIES_MAX = 6
PAUSE_S = 2.0
PAUSE_MAX_S = 60.0
PATIENCE_S = 55.0


@dataclass(frozen=True, slots=True)
class Heard:
    """One answer. money: what Stripe had taken for the order when it came."""

    word: str
    asked_at: float
    heard_at: float
    money: int


@dataclass
class Conversation:
    """All that one client was told about one wish.

    answers: one for each time that it asked.
    """

    wish: str
    order_id: str
    amount_minor: int
    answers: list[Heard] = field(default_factory=list)
    refund_id: str | None = None

    @property
    def words(self) -> list[str]:
        """The answers in short."""
        return [answer.word for answer in self.answers]

    @property
    def last(self) -> str:
        """The last word, `lost` before any."""
        return self.answers[-1].word if self.answers else "lost"


@dataclass
class Clients:
    """The callers of one life."""

    town: Town
    retry: bool
    conversations: list[Conversation] = field(default_factory=list)
    emails: list[str] = field(default_factory=list)
    contradictions: list[str] = field(default_factory=list)

    async def pay(
        self, order_id: str, amount_minor: int, card: str | None, customer_id: str | None = None
    ) -> str:
        """Pay an order; return the last word."""
        talk = Conversation("pay", order_id, amount_minor)
        terms = Terms(amount_minor, "usd", customer_id)
        request_id = f"req_{len(self.conversations) + 1}"
        order = Order(order_id, terms, card, request_id, retry_key=request_id)

        async def ask(world: World) -> str:
            pay = self.town.variant.pay
            return word_of(await pay(world, order, deadline=_deadline(world), bearer_token=None))

        return await self._talk(talk, ask)

    async def refund(self, order_id: str, amount_minor: int | None, refund_id: str) -> str:
        """Refund an order; return the last word."""
        talk = Conversation("refund", order_id, amount_minor or 0, refund_id=refund_id)

        async def ask(world: World) -> str:
            payment = await find_payment(world, order_id)
            _, refund = await refund_payment(
                world,
                payment,
                refund_id=refund_id,
                amount_minor=amount_minor,
                reason=None,
                deadline=_deadline(world),
            )
            return word_of_refund(refund)

        return await self._talk(talk, ask)

    async def customer(self, email: str) -> str | None:
        """Make a customer; return Stripe's id of it, None if that is not known."""
        self.emails.append(email)
        found: list[str] = []

        async def ask(world: World) -> str:
            customer, _ = await create_customer(world, email, "A", deadline=_deadline(world))
            found.extend([customer.customer_id] if customer.customer_id else [])
            return "done" if customer.customer_id else "processing"

        await self._talk(Conversation("customer", email, 0), ask)
        return found[-1] if found else None

    async def attach(self, customer_id: str, card: str) -> str | None:
        """Attach a card; return its id, None if that is not known."""
        found: list[str] = []

        async def ask(world: World) -> str:
            _, kept = await attach_card(
                world,
                customer_id,
                card,
                cardholder_name="A B",
                is_default=False,
                deadline=_deadline(world),
            )
            found.append(kept.payment_method_id)
            return str(kept.state)

        await self._talk(Conversation("attach", customer_id, 0), ask)
        return found[-1] if found else None

    async def detach(self, customer_id: str, card_id: str) -> Customer | None:
        """Remove a card; return the customer as it is then."""
        found: list[Customer] = []

        async def ask(world: World) -> str:
            found.append(await remove_card(world, customer_id, card_id, deadline=_deadline(world)))
            return "done" if found[-1].call is None else "processing"

        await self._talk(Conversation("detach", customer_id, 0), ask)
        return found[-1] if found else None

    async def look(self, ask: Callable[[World], Awaitable[T]]) -> T | None:
        """Ask until there is an answer; None when the service refuses."""
        pause_s = PAUSE_S
        while True:
            word, value = await self._once(ask)
            if word not in AGAIN:
                return value
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * 2, PAUSE_MAX_S)  # an outage may last a day

    async def _talk(self, talk: Conversation, ask: Callable[[World], Awaitable[str]]) -> str:
        self.conversations.append(talk)
        for _ in range(TRIES_MAX if self.retry else 1):
            asked_at = epoch_s()
            word, said = await self._once(ask)
            word = said or word
            money = taken_minor(self.town.engine, talk.order_id)
            talk.answers.append(Heard(word, asked_at, epoch_s(), money))
            self.town.trace.note("told", talk.wish, talk.order_id, word)
            if word not in AGAIN:
                break
            await asyncio.sleep(PAUSE_S)
        return talk.last

    async def _once(self, ask: Callable[[World], Awaitable[T]]) -> tuple[str, T | None]:
        """Ask the process there is; return one word, and the answer if there was one."""
        process, world = await self.town.open_door()
        task: asyncio.Task[Any] = asyncio.ensure_future(_awaited(ask(world)))
        await asyncio.wait({task, process.dead}, return_when=asyncio.FIRST_COMPLETED)
        if not process.alive:
            self.town.forget(task)
            return "lost", None
        match task.exception():
            case None:
                return "answered", task.result()
            case Unavailable():
                return "away", None
            case Refusal() as refusal:
                return f"refused_{refusal.reason_code}", None
            case error:
                self.contradictions.append(f"a client heard of a {error!r}")
                return "broken", None


async def _awaited(answer: Awaitable[T]) -> T:
    return await answer


def _deadline(world: World) -> Any:
    return world.clock.now() + timedelta(seconds=PATIENCE_S)


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
