"""Services with one mistake each, put in on purpose, to see that the auditor is awake.

The first four are those that good codebases of this field have made; the others take away what
this one does about it. Each wraps a port or takes the place of a flow; nothing is patched.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from payment_service.domain import corridor
from payment_service.domain.moment import Door
from payment_service.domain.news import (
    Denial,
    News,
    NoNews,
    NotExecuted,
    NothingFound,
    RefundsSeen,
    Rejected,
)
from payment_service.domain.payment import Order, Payment
from payment_service.domain.steps import (
    ConfirmIntent,
    CreateIntent,
    CreateRefund,
    FindIntent,
    FindRefunds,
    GatewayStep,
)
from payment_service.domain.wishes import open_payment
from payment_service.flows.advance import PAYMENT, claim
from payment_service.flows.pay_order import pay_order
from payment_service.flows.world import World
from payment_service.ports import (
    AlreadyExists,
    Collection,
    Gateway,
    LeaveWhile,
    StoreInDoubt,
    StoreUnavailable,
)
from payment_service.storage.collections import PAYMENTS
from tests.simulation.town import POLICY, Variant


async def ask_before_writing(
    world: World, order: Order, *, deadline: datetime, bearer_token: str | None
) -> Payment:
    """Charge a new order first and write it down afterwards."""
    if await world.store.get(PAYMENTS, order.id) is None:
        moment = world.moment(Door.REQUEST)
        claimed = claim(PAYMENT, open_payment(order, world.ids.new("pay"), moment), moment)
        assert isinstance(claimed.step, CreateIntent)
        news = await world.gateway.ask(claimed.step)
        after = corridor.decide(claimed.doc, claimed.step, news, world.moment(Door.REQUEST))
        with suppress(AlreadyExists):
            await world.store.insert(PAYMENTS, after)
    return await pay_order(world, order, deadline=deadline, bearer_token=bearer_token)


class Asking:
    """The Gateway port, with a mistake between the service and Stripe."""

    def __init__(self, gateway: Gateway, ask: Callable[[Gateway, GatewayStep], Any]) -> None:
        self._gateway = gateway
        self._ask = ask

    async def ask(self, step: GatewayStep, *, leave_while: LeaveWhile | None = None) -> News:
        """Carry out one step, wrongly."""
        news: News = await self._ask(_Held(self._gateway, leave_while), step)
        return news


class _Held:
    """The Gateway port, with what was said of when a request may leave kept in mind."""

    def __init__(self, gateway: Gateway, leave_while: LeaveWhile | None) -> None:
        self._gateway = gateway
        self._leave_while = leave_while

    async def ask(self, step: GatewayStep, *, leave_while: LeaveWhile | None = None) -> News:
        """Carry out one step."""
        return await self._gateway.ask(step, leave_while=leave_while or self._leave_while)


def asking(ask: Callable[[Gateway, GatewayStep], Any]) -> Callable[[Gateway], Gateway]:
    """Return what puts this mistake in."""
    return lambda gateway: Asking(gateway, ask)


async def doubt_is_failure(gateway: Gateway, step: GatewayStep) -> News:
    """Take a lost answer for a refusal."""
    news = await gateway.ask(step)
    if isinstance(news, NoNews) and isinstance(step, CreateIntent | ConfirmIntent | CreateRefund):
        return Rejected(Denial("processor_error", "Stripe did not answer."))
    return news


async def fresh_key(gateway: Gateway, step: GatewayStep) -> News:
    """Ask again under another key each time."""
    if isinstance(step, CreateIntent | CreateRefund) and step.attempt > 1:
        step = replace(step, key=f"{step.key}-{step.attempt}")
    return await gateway.ask(step)


async def no_look(gateway: Gateway, step: GatewayStep) -> News:
    """Never look what came of a charge before asking again."""
    if isinstance(step, FindIntent):
        return NothingFound()
    return await gateway.ask(step)


async def no_look_at_refunds(gateway: Gateway, step: GatewayStep) -> News:
    """Never look what came of a refund; a 400 on asking again then ends it as failed."""
    if isinstance(step, FindRefunds):
        return RefundsSeen(())
    return await gateway.ask(step)


async def lost_is_not_sent(gateway: Gateway, step: GatewayStep) -> News:
    """Take a time-out for a request that never arrived."""
    news = await gateway.ask(step)
    return NotExecuted("timeout") if isinstance(news, NoNews) else news


class Forgetful:
    """The Store port without notices: the OrderService is told from memory after the commit."""

    def __init__(self, store: Any) -> None:
        self._store = store

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def insert(self, collection: Collection[Any], doc: Any) -> None:
        """Write all but the notices."""
        await self._store.insert(collection, _without_notices(doc))

    async def replace(
        self, collection: Collection[Any], doc: Any, *, expected_version: int
    ) -> None:
        """Write all but the notices."""
        kept = _without_notices(doc)
        await self._store.replace(collection, kept, expected_version=expected_version)


class Certain:
    """The Store port as if a write were always known: what is in doubt is told as nothing done."""

    def __init__(self, store: Any) -> None:
        self._store = store

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def insert(self, collection: Collection[Any], doc: Any) -> None:
        """Write, and take doubt for failure."""
        with _doubt_as_nothing():
            await self._store.insert(collection, doc)

    async def replace(
        self, collection: Collection[Any], doc: Any, *, expected_version: int
    ) -> None:
        """Write, and take doubt for failure."""
        with _doubt_as_nothing():
            await self._store.replace(collection, doc, expected_version=expected_version)


@contextmanager
def _doubt_as_nothing() -> Iterator[None]:
    try:
        yield
    except StoreInDoubt as error:
        raise StoreUnavailable(str(error)) from error


def _without_notices(doc: Any) -> Any:
    return replace(doc, notices=()) if isinstance(doc, Payment) else doc


ASKED_FIRST: Final = Variant("Stripe is asked before it is written", pay=ask_before_writing)
DOUBT_FAILS: Final = Variant("doubt is taken for failure", gateway=asking(doubt_is_failure))
FROM_MEMORY: Final = Variant("the order is told from memory", store=Forgetful)
CERTAIN: Final = Variant("a write in doubt is told as not done", store=Certain)
FRESH_KEY: Final = Variant("a fresh key on each retry", gateway=asking(fresh_key))
NO_LOOK: Final = Variant("no look before asking again", gateway=asking(no_look))
BLIND_REFUNDS: Final = Variant("no look at refunds", gateway=asking(no_look_at_refunds))
LOST_IS_UNSENT: Final = Variant("a time-out is not sent", gateway=asking(lost_is_not_sent))
# Within one process walkers keep apart whatever the lease says; between processes only it does.
SHORT_LEASE: Final = Variant(
    "a lease of a second", policy=replace(POLICY, lease_s=1), keeps_apart=False
)
NO_WORKER: Final = Variant("nothing is recovered", recovers=False)


class OldCard:
    """The Gateway port, with a mistake: an order is confirmed with the card that it began with."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._first: dict[str, str] = {}

    async def ask(self, step: GatewayStep, *, leave_while: LeaveWhile | None = None) -> News:
        """Carry out one step, with the first card."""
        if isinstance(step, CreateIntent) and step.payment_method_id:
            self._first.setdefault(step.order_id, step.payment_method_id)
        if isinstance(step, ConfirmIntent):
            first = self._first.get(step.order_id, step.payment_method_id)
            step = replace(step, payment_method_id=first)
        return await self._gateway.ask(step, leave_while=leave_while)


OLD_CARD = Variant("old card charged", gateway=OldCard)
