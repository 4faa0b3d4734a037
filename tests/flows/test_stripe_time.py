"""Nothing is written or asked before it is known what time it is at Stripe."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest

from payment_service.adapters.disciplined_clock import DisciplinedClock
from payment_service.domain.moment import Door
from payment_service.domain.payment import State
from payment_service.flows.cancel import cancel
from payment_service.flows.capture import capture
from payment_service.flows.confirm_payment import confirm_payment
from payment_service.flows.keep_card import attach_card, remove_card, set_default_card
from payment_service.flows.keep_customer import create_customer
from payment_service.flows.pull_in import FarWaits, pull_in
from payment_service.flows.recover import recover
from payment_service.flows.refund_payment import refund_payment
from payment_service.flows.revive_event import revive_event
from payment_service.flows.set_up_card import set_up_card
from payment_service.flows.stripe_time import know_time, learn_time
from payment_service.flows.take_event import take_event
from payment_service.ports import GatewayUnavailable
from stripe_sandbox.faults import Fault
from tests.flows.buying import (
    VISA,
    always,
    charges,
    faults,
    order,
    pay,
    payment_of,
    quiet,
    requests,
    soon,
    unreachable,
)
from tests.flows.telling import seen_of, tell
from tests.flows.watched_store import WatchedStore
from tests.parts.shop import Shop, open_shop
from tests.parts.stripe_in_process import no_fault, open_in_process
from tests.parts.virtual_time import epoch_s, run

HOURS_25_S = 25 * 3600.0
EMAIL = "ann@example.com"


@dataclass
class Machine:
    """The clocks of the machine that the shop runs on. slept_s: how long it stood still."""

    wrong_s: float = 0.0
    slept_s: float = 0.0

    def wall_s(self) -> float:
        return epoch_s() + self.wrong_s

    def monotonic_s(self) -> float:
        return asyncio.get_running_loop().time() - self.slept_s


def move(shop: Shop, machine: Machine) -> WatchedStore:
    """Let the shop go on on a machine that has just been started; return its store, watched."""
    clock = DisciplinedClock(machine.wall_s, machine.monotonic_s)
    store = WatchedStore(shop.world.store)
    gateway = open_in_process(shop.stripe, clock)
    shop.world = replace(shop.world, clock=clock, gateway=gateway, store=store)
    return store


async def _customer(shop: Shop, email: str = EMAIL) -> str:
    customer, _ = await create_customer(shop.world, email, "Ann", deadline=soon(shop))
    assert customer.customer_id is not None
    return customer.customer_id


async def _pay(shop: Shop, _customer_id: str, _card: str) -> None:
    await pay(shop, order(id="ord_new"))


async def _pay_again(shop: Shop, _customer_id: str, _card: str) -> None:
    await pay(shop, order(id="open"))


async def _refund(shop: Shop, _customer_id: str, _card: str) -> None:
    payment = await payment_of(shop, "paid")
    deadline = soon(shop)
    await refund_payment(
        shop.world, payment, refund_id="rfd_1", amount_minor=1, reason=None, deadline=deadline
    )


async def _capture(shop: Shop, _customer_id: str, _card: str) -> None:
    payment = await payment_of(shop, "held")
    deadline = soon(shop)
    await capture(shop.world, payment, amount_minor=None, request_id="r", deadline=deadline)


async def _cancel(shop: Shop, _customer_id: str, _card: str) -> None:
    payment = await payment_of(shop, "held")
    await cancel(shop.world, payment, reason=None, request_id="r", deadline=soon(shop))


async def _confirm(shop: Shop, _customer_id: str, _card: str) -> None:
    await confirm_payment(
        shop.world,
        await payment_of(shop, "open"),
        payment_method_id=VISA,
        return_url=None,
        request_id="r",
        retry_key=None,
        deadline=soon(shop),
    )


async def _new_customer(shop: Shop, _customer_id: str, _card: str) -> None:
    await _customer(shop, "new@example.com")


async def _attach(shop: Shop, customer_id: str, _card: str) -> None:
    deadline = soon(shop)
    await attach_card(
        shop.world, customer_id, VISA, cardholder_name=None, is_default=True, deadline=deadline
    )


async def _set_default(shop: Shop, customer_id: str, card: str) -> None:
    await set_default_card(shop.world, customer_id, card, deadline=soon(shop))


async def _remove(shop: Shop, customer_id: str, card: str) -> None:
    await remove_card(shop.world, customer_id, card, deadline=soon(shop))


async def _set_up(shop: Shop, customer_id: str, _card: str) -> None:
    await set_up_card(shop.world, customer_id, request_id="r", deadline=soon(shop))


async def _event(shop: Shop, _customer_id: str, _card: str) -> None:
    seen = seen_of(shop, "payment_intent.succeeded")
    await take_event(shop.world, replace(seen, id="evt_new"), Door.WEBHOOK)


async def _revive(shop: Shop, _customer_id: str, _card: str) -> None:
    await revive_event(shop.world, seen_of(shop, "payment_intent.succeeded").id)


async def _recover(shop: Shop, _customer_id: str, _card: str) -> None:
    await recover(shop.world, shop.busy, concurrency=4)


async def _pull_in(shop: Shop, _customer_id: str, _card: str) -> None:
    await pull_in(shop.world, FarWaits())


Wish = Callable[[Shop, str, str], Awaitable[None]]
WISHES: tuple[Wish, ...] = (
    _pay,
    _pay_again,
    _refund,
    _capture,
    _cancel,
    _confirm,
    _new_customer,
    _attach,
    _set_default,
    _remove,
    _set_up,
    _event,
    _revive,
    _recover,
    _pull_in,
)


async def busy_shop() -> tuple[Shop, str, str]:
    """Return a shop in which each of the wishes could be granted, a customer and its card."""
    shop = await open_shop()
    customer_id = await _customer(shop)
    _, card = await attach_card(
        shop.world,
        customer_id,
        VISA,
        cardholder_name=None,
        is_default=True,
        deadline=soon(shop),
    )
    await pay(shop, order(id="paid"))
    await pay(shop, order(id="held", capture_method="manual"))
    await pay(shop, order(None, id="open", confirm=False))
    await tell(shop, "payment_intent.succeeded")
    await quiet(shop)
    return shop, customer_id, card.payment_method_id


@pytest.mark.parametrize("wish", WISHES, ids=lambda wish: wish.__name__)
@pytest.mark.parametrize("wrong_s", [HOURS_25_S, -HOURS_25_S, 0.0])
def test_while_stripe_does_not_say_what_time_it_is_nothing_is_written(
    wish: Wish, wrong_s: float
) -> None:
    async def main() -> None:
        shop, customer_id, card = await busy_shop()
        asked = list(shop.engine.ledger()["requests"])
        store = move(shop, Machine(wrong_s))
        shop.stripe.pick = unreachable

        with pytest.raises(GatewayUnavailable):
            await wish(shop, customer_id, card)

        assert store.writes == []
        assert shop.engine.ledger()["requests"] == asked

    run(main)


@pytest.mark.parametrize("wrong_s", [HOURS_25_S, -HOURS_25_S])
def test_what_is_written_is_in_stripes_time_whatever_the_machines_clock_says(
    wrong_s: float,
) -> None:
    async def main() -> None:
        shop = await open_shop()
        move(shop, Machine(wrong_s))

        payment = await pay(shop)

        assert payment.state is State.SUCCEEDED
        assert abs(payment.created_at.timestamp() - epoch_s()) < 2
        assert abs(payment.entered_at.timestamp() - epoch_s()) < 2

    run(main)


@pytest.mark.parametrize("wrong_s", [HOURS_25_S, -HOURS_25_S])
@pytest.mark.parametrize("jumps_to_s", [HOURS_25_S, -HOURS_25_S, 0.0])
def test_a_charge_with_a_saved_error_is_found_and_not_made_again(
    wrong_s: float, jumps_to_s: float
) -> None:
    async def main() -> None:
        shop = await open_shop()
        machine = Machine(wrong_s)
        move(shop, machine)
        shop.stripe.pick = faults("error_500_after")
        paying = asyncio.create_task(pay(shop, wait_s=0.1))
        await asyncio.sleep(0.05)
        machine.wrong_s = jumps_to_s
        await paying

        await shop.work(60)

        assert (await payment_of(shop)).state is State.SUCCEEDED
        assert len(charges(shop)) == 1
        assert shop.orders.statuses_of("ord_1") == ["PAYMENT RECEIVED"]

    run(main)


def test_many_who_need_the_time_at_once_ask_once() -> None:
    async def main() -> None:
        shop = await open_shop()
        move(shop, Machine(HOURS_25_S))
        shop.stripe.pick = lambda _method, _path: Fault("delay", delay_s=1)

        await asyncio.gather(*(know_time(shop.world) for _ in range(50)))

        assert requests(shop, "GET") == ["/v1/payment_intents"]
        await know_time(shop.world)
        assert len(requests(shop, "GET")) == 1

    run(main)


def test_whoever_gives_up_waiting_for_the_time_spoils_it_for_nobody() -> None:
    async def main() -> None:
        shop = await open_shop()
        move(shop, Machine())
        shop.stripe.pick = lambda _method, _path: Fault("delay", delay_s=1)
        leaver = asyncio.create_task(know_time(shop.world))
        stayer = asyncio.create_task(know_time(shop.world))
        await asyncio.sleep(0.5)

        leaver.cancel()
        await stayer

        assert shop.world.clock.is_known()
        assert requests(shop, "GET") == ["/v1/payment_intents"]

    run(main)


@pytest.mark.parametrize("kind", ["error_500_before", "rate_limit", "error_503_before"])
def test_any_answer_of_stripes_says_what_time_it_is(kind: Any) -> None:
    async def main() -> None:
        shop = await open_shop()
        move(shop, Machine(HOURS_25_S))
        shop.stripe.pick = always(kind, "GET")

        await know_time(shop.world)

        assert shop.world.clock.is_known()

    run(main)


def test_the_time_is_learned_in_the_background_as_soon_as_stripe_answers() -> None:
    async def main() -> None:
        shop = await open_shop()
        move(shop, Machine(-HOURS_25_S))
        shop.stripe.pick = unreachable
        learning = asyncio.create_task(learn_time(shop.world))
        await asyncio.sleep(40)
        assert not learning.done()

        shop.stripe.pick = no_fault
        await asyncio.sleep(16)

        assert learning.done()
        assert shop.world.clock.is_known()

    run(main)


def test_a_machine_that_stood_still_for_a_day_before_a_charge_sends_it_no_more() -> None:
    """By then Stripe has forgotten the key, and somebody else may have seen to it."""

    async def main() -> None:
        shop = await open_shop()
        machine = Machine()
        move(shop, machine)
        await know_time(shop.world)

        class Asleep:
            """A gateway before which the machine stands still."""

            async def ask(self, step: Any, **held: Any) -> Any:
                if type(step).__name__ == "CreateIntent" and not machine.slept_s:
                    await asyncio.sleep(HOURS_25_S)
                    machine.slept_s = HOURS_25_S
                return await gateway.ask(step, **held)

        gateway = shop.world.gateway
        shop.world = replace(shop.world, gateway=Asleep())
        await pay(shop)
        await quiet(shop)

        assert requests(shop) == []

    run(main)
