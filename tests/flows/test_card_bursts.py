"""A burst of tries gains nothing: what is under way counts, and honest ones only wait."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace
from typing import Any

import pytest

from payment_service.domain.card_refusals import Kind, Suspect, with_refusal
from payment_service.domain.errors import TooManyCardRefusals
from payment_service.domain.moment import Policy
from payment_service.domain.payment import State
from payment_service.flows.confirm_payment import confirm_payment
from payment_service.flows.guard_cards import TRIED_FROM, WAIT_MAX_S, goes_on, trying
from payment_service.flows.keep_card import attach_card
from payment_service.storage.collections import CARD_TALLIES
from tests.flows.buying import DECLINING, VISA, order, pay, payment_of, requests, soon
from tests.flows.test_guard_cards import POLICY, customer_of, refuse, replica
from tests.parts.shop import Shop, open_shop
from tests.parts.stripe_in_process import InProcessStripe, open_in_process
from tests.parts.virtual_time import epoch_s, run

BURST = 40
Outcome = Any


class SlowStripe(InProcessStripe):
    """Answers after a while, so that tries are under way together. most: how many were."""

    takes_s = 0.5
    here = most = 0

    async def request_async(self, *args: Any, **more: Any) -> Any:
        self.here += 1
        self.most = max(self.most, self.here)
        try:
            await asyncio.sleep(self.takes_s)
            return await super().request_async(*args, **more)
        finally:
            self.here -= 1


async def open_slow(policy: Policy = POLICY) -> tuple[Shop, SlowStripe]:
    shop = await open_shop(policy)
    stripe = SlowStripe(shop.engine, epoch_s)
    shop.world = replace(shop.world, gateway=open_in_process(stripe))
    return shop, stripe


async def together(asked: Iterable[Awaitable[Any]]) -> list[Outcome]:
    return await asyncio.gather(*asked, return_exceptions=True)


def charges(shop: Shop) -> int:
    """Return how many charges of cards reached Stripe."""
    return requests(shop).count("/v1/payment_intents")


def test_of_a_burst_of_one_customers_declined_cards_only_as_many_as_may_be_reach_stripe() -> None:
    async def scenario() -> None:
        shop, stripe = await open_slow()
        jane = await customer_of(shop)
        before = charges(shop)

        heard = await together(
            pay(shop, order(DECLINING, id=f"burst-{n}", customer_id=jane)) for n in range(BURST)
        )

        stopped = [one for one in heard if isinstance(one, TooManyCardRefusals)]
        assert charges(shop) - before == POLICY.card_refusals_max
        assert len(stopped) == BURST - POLICY.card_refusals_max
        assert {one.details["retry_after_s"] for one in stopped} == {3600}
        assert stripe.most <= POLICY.card_refusals_max

    run(scenario)


def test_one_card_for_many_customers_and_one_address_for_many_cards_gain_no_more() -> None:
    async def scenario() -> None:
        for from_address, card in (("", DECLINING), ("192.0.2.1", "pm_card_chargeDeclined")):
            shop, _ = await open_slow()
            customers = [await customer_of(shop, f"c{n}@example.com") for n in range(12)]
            before = charges(shop)
            TRIED_FROM.set(from_address)

            await together(
                pay(shop, order(card, id=f"burst-{n}", customer_id=customer))
                for n, customer in enumerate(customers)
            )

            assert charges(shop) - before == POLICY.card_refusals_max

    run(scenario)


def test_a_burst_of_cards_that_are_saved_gains_no_more() -> None:
    async def scenario() -> None:
        shop, _ = await open_slow()
        jane = await customer_of(shop)

        heard = await together(
            attach_card(
                shop.world,
                jane,
                "pm_card_chargeDeclined",
                cardholder_name=None,
                is_default=False,
                deadline=soon(shop),
            )
            for _ in range(BURST)
        )

        attached = [path for path in requests(shop) if path.endswith("/attach")]
        assert len(attached) == POLICY.card_refusals_max
        assert sum(isinstance(one, TooManyCardRefusals) for one in heard) > BURST / 2

    run(scenario)


def test_a_burst_of_confirmations_gains_no_more() -> None:
    async def scenario() -> None:
        shop, _ = await open_slow()
        jane = await customer_of(shop)
        for number in range(BURST):
            await pay(shop, order(None, id=f"c-{number}", confirm=False, customer_id=jane))

        async def confirm(number: int) -> object:
            return await confirm_payment(
                shop.world,
                await payment_of(shop, f"c-{number}"),
                payment_method_id=DECLINING,
                return_url=None,
                request_id="req_1",
                retry_key=None,
                deadline=soon(shop),
            )

        heard = await together(confirm(number) for number in range(BURST))

        stopped = [one for one in heard if isinstance(one, TooManyCardRefusals)]
        assert len(stopped) == BURST - POLICY.card_refusals_max

    run(scenario)


def test_honest_payments_of_one_customer_at_once_all_pass_and_only_wait() -> None:
    async def scenario() -> None:
        shop, stripe = await open_slow()
        jane = await customer_of(shop)

        paid = await asyncio.gather(
            *(pay(shop, order(VISA, id=f"honest-{n}", customer_id=jane)) for n in range(BURST))
        )

        assert {one.state for one in paid} == {State.SUCCEEDED}
        assert stripe.most <= POLICY.card_refusals_max
        assert not shop.world.tries.begins(["x"], lambda _: 0)
        assert tries_left(shop, Suspect(Kind.CUSTOMER, jane).id) == 0

    run(scenario)


def test_after_a_refusal_one_less_is_under_way() -> None:
    async def scenario() -> None:
        shop, stripe = await open_slow()
        jane = await customer_of(shop)
        await refuse(shop, 2, customer_id=jane)
        stripe.most = 0

        paid = await asyncio.gather(
            *(pay(shop, order(VISA, id=f"one-{n}", customer_id=jane)) for n in range(5))
        )

        assert {one.state for one in paid} == {State.SUCCEEDED}
        assert stripe.most == 1

    run(scenario)


def test_payments_that_only_begin_try_no_card_and_wait_for_none() -> None:
    async def scenario() -> None:
        shop, stripe = await open_slow()
        jane = await customer_of(shop)

        await asyncio.gather(
            *(
                pay(shop, order(None, id=f"idle-{n}", confirm=False, customer_id=jane))
                for n in range(12)
            )
        )

        assert stripe.most == 12

    run(scenario)


def test_a_try_that_goes_on_after_its_answer_counts_until_it_is_over() -> None:
    async def scenario() -> None:
        shop, stripe = await open_slow()
        jane = await customer_of(shop)
        stripe.takes_s = 60.0
        suspect = Suspect(Kind.CUSTOMER, jane).id
        wanted = order(VISA, customer_id=jane)

        paying = asyncio.create_task(pay(shop, wanted))
        await asyncio.sleep(56)
        done, left = paying.done(), tries_left(shop, suspect)
        await shop.world.background.drain(3600)

        assert done
        assert left in {0, 1}
        assert tries_left(shop, suspect) == 0

    run(scenario)


def tries_left(shop: Shop, suspect: str) -> int:
    """Return how many are under way of a suspect."""
    return shop.world.tries.under_way(suspect)


@pytest.mark.parametrize("leaves_after_s", [0.0, 0.25])
def test_who_leaves_in_line_or_under_way_holds_nothing(leaves_after_s: float) -> None:
    async def scenario() -> None:
        shop, _ = await open_slow()
        jane = await customer_of(shop)
        paying = [
            asyncio.create_task(pay(shop, order(VISA, id=f"left-{n}", customer_id=jane)))
            for n in range(9)
        ]
        await asyncio.sleep(leaves_after_s)
        for task in paying:
            task.cancel()
        await together(paying)
        await shop.world.background.drain(60)

        assert tries_left(shop, Suspect(Kind.CUSTOMER, jane).id) == 0
        assert (await pay(shop, order(VISA, customer_id=jane))).state is State.SUCCEEDED

    run(scenario)


def test_who_waits_too_long_for_tries_of_its_own_is_told_so() -> None:
    async def scenario() -> None:
        shop, _ = await open_slow()
        with trying(shop.world) as first, trying(shop.world) as second, trying(shop.world) as third:
            for one in (first, second, third):
                await one.let(customer_id="cus_1")
            began = asyncio.get_running_loop().time()
            with trying(shop.world) as late, pytest.raises(TooManyCardRefusals) as refused:
                await late.let(customer_id="cus_1")

        assert refused.value.details["retry_after_s"] == 1
        assert asyncio.get_running_loop().time() - began == WAIT_MAX_S
        assert tries_left(shop, Suspect(Kind.CUSTOMER, "cus_1").id) == 0

    run(scenario)


def test_who_may_begin_just_as_it_leaves_gives_its_place_to_the_next() -> None:
    async def scenario() -> None:
        shop, _ = await open_slow(replace(POLICY, card_refusals_max=1))

        async def one() -> None:
            with trying(shop.world) as card_try:
                await card_try.let(customer_id="cus_1")

        with trying(shop.world) as first:
            await first.let(customer_id="cus_1")
            leaver, stayer = asyncio.create_task(one()), asyncio.create_task(one())
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        leaver.cancel()
        await together([leaver, stayer])

        assert stayer.exception() is None
        assert tries_left(shop, Suspect(Kind.CUSTOMER, "cus_1").id) == 0

    run(scenario)


def test_a_pause_that_another_process_began_stops_who_waited_here() -> None:
    async def scenario() -> None:
        shop, _ = await open_slow(replace(POLICY, card_refusals_max=2))
        jane = await customer_of(shop)
        await refuse(shop, 1, customer_id=jane)
        with trying(shop.world) as card_try:
            await card_try.let(customer_id=jane)
            late = asyncio.create_task(pay(shop, order(VISA, id="late", customer_id=jane)))
            await asyncio.sleep(0.1)
            await refuse(replica_alone(shop), 1, "there", customer_id=jane)
        with pytest.raises(TooManyCardRefusals):
            await late

    run(scenario)


def replica_alone(shop: Shop) -> Shop:
    """Return another process, which does not see what is under way in this one."""
    other = replica(shop)
    return replace(other, world=replace(other.world, tries=type(shop.world.tries)()))


def test_a_limit_that_was_lowered_below_what_was_refused_lets_one_try_at_a_time() -> None:
    async def scenario() -> None:
        shop, _ = await open_slow()
        suspect, tally = Suspect(Kind.CUSTOMER, "cus_1"), None
        for _ in range(3):
            now = shop.world.clock.now()
            tally = with_refusal(tally, suspect, now, replace(POLICY, card_refusals_max=9))
        assert tally is not None
        await shop.world.store.insert(CARD_TALLIES, replace(tally, version=0))
        shop.world.suspects.add(suspect.id)

        with trying(shop.world) as card_try:
            await card_try.let(customer_id="cus_1")

        assert shop.world.suspects.refused(suspect.id) == 2

    run(scenario)


def test_what_is_over_is_held_by_nothing_that_comes_after_it() -> None:
    async def scenario() -> None:
        shop, _ = await open_slow()
        told: list[Callable[[], None]] = []

        async def later() -> None:
            await asyncio.sleep(1)
            goes_on(asyncio.create_task(asyncio.sleep(1)))
            told.append(lambda: None)

        with trying(shop.world) as card_try:
            await card_try.let(customer_id="cus_1")
            left_behind = asyncio.create_task(later())
        await left_behind
        await asyncio.sleep(2)

        assert told
        assert tries_left(shop, Suspect(Kind.CUSTOMER, "cus_1").id) == 0

    run(scenario)
