"""Paying an order: how many writes and calls, what the caller hears, and that money moves once."""

import asyncio
from typing import Any

import pytest

from payment_service.domain.errors import OrderAlreadyPaid, PaymentInProgress
from payment_service.domain.payment import FailureKind, Payment, State
from payment_service.flows.pay_order import ROUNDS_MAX
from payment_service.ports import (
    StoreInDoubt,
    StoreLost,
    StoreUnavailable,
    VersionConflict,
)
from tests.flows.buying import (
    AUTHENTICATING,
    DECLINING,
    VISA,
    SlowOrders,
    charges,
    intents,
    open_watched_shop,
    order,
    pay,
    payment_of,
    quiet,
    requests,
)
from tests.flows.telling import at_stripe
from tests.parts.shop import open_shop
from tests.parts.stripe_in_process import no_fault
from tests.parts.virtual_time import run


async def store_is_down() -> None:
    raise StoreUnavailable("the disk is full")


# The happy path and its price


def test_a_success_costs_two_writes_and_one_call_and_a_third_write_once_it_is_told() -> None:
    async def main() -> None:
        shop, store = await open_watched_shop(SlowOrders())

        payment = await pay(shop)

        assert (payment.state, payment.received_minor) == (State.SUCCEEDED, 10_000)
        assert store.writes == [("payments", 0), ("payments", 1)]
        assert requests(shop) == ["/v1/payment_intents"]
        assert requests(shop, "GET") == []
        await quiet(shop)
        assert store.writes == [("payments", 0), ("payments", 1), ("payments", 2)]
        assert shop.orders.statuses_of("ord_1") == ["PAYMENT RECEIVED"]
        assert (await payment_of(shop)).wake_at is None

    run(main)


def test_what_stripe_is_told_names_us_the_order_and_the_attempt() -> None:
    async def main() -> None:
        shop = await open_shop()

        payment = await pay(shop, order(metadata={"colour": "red"}))

        assert [intent["metadata"] for intent in intents(shop)] == [
            {
                "colour": "red",
                "service": "payment-service",
                "order_id": "ord_1",
                "idempotency_key": f"{payment.uid}-1-create",
                "request_id": "req_1",
            }
        ]

    run(main)


def test_50_identical_requests_at_once_are_one_payment_and_get_one_answer() -> None:
    async def main() -> None:
        shop = await open_shop()

        answers = await asyncio.gather(*(pay(shop) for _ in range(50)))
        await quiet(shop)

        assert {answer.state for answer in answers} == {State.SUCCEEDED}
        assert {(answer.uid, answer.intent_id, answer.charge_id) for answer in answers} == {
            (answers[0].uid, answers[0].intent_id, answers[0].charge_id)
        }
        assert (len(intents(shop)), len(charges(shop))) == (1, 1)
        assert requests(shop) == ["/v1/payment_intents"]
        assert shop.orders.statuses_of("ord_1") == ["PAYMENT RECEIVED"]

    run(main)


def test_an_order_that_is_paid_is_answered_without_asking_anybody() -> None:
    async def main() -> None:
        shop, store = await open_watched_shop()
        first = await pay(shop)
        await quiet(shop)

        again = await pay(shop)

        assert (again.state, again.charge_id) == (State.SUCCEEDED, first.charge_id)
        assert len(requests(shop)) == 1
        assert len(store.writes) == 3

    run(main)


@pytest.mark.parametrize("changed", [{"amount_minor": 5_000}, {"currency": "eur"}])
def test_an_order_is_not_paid_twice_on_other_terms(changed: dict[str, Any]) -> None:
    async def main() -> None:
        shop = await open_shop()
        await pay(shop)

        with pytest.raises(OrderAlreadyPaid):
            await pay(shop, order(**changed))

        assert len(charges(shop)) == 1

    run(main)


def test_while_an_order_is_being_paid_nobody_changes_its_price() -> None:
    async def main() -> None:
        shop = await open_shop()
        await pay(shop, order(AUTHENTICATING))

        with pytest.raises(PaymentInProgress):
            await pay(shop, order(amount_minor=5_000))

        assert [intent["status"] for intent in intents(shop)] == ["requires_action"]

    run(main)


# Declines


def test_after_a_decline_another_card_confirms_the_same_payment_intent() -> None:
    async def main() -> None:
        shop = await open_shop()
        declined = await pay(shop, order(DECLINING))
        assert declined.failure is not None
        assert (declined.state, declined.failure.kind) == (
            State.REQUIRES_PAYMENT_METHOD,
            FailureKind.DECLINED,
        )
        assert declined.failure.decline_code == "generic_decline"

        paid = await pay(shop, order(VISA))

        assert (paid.state, paid.intent_id) == (State.SUCCEEDED, declined.intent_id)
        assert (len(intents(shop)), len(charges(shop))) == (1, 1)
        assert requests(shop) == [
            "/v1/payment_intents",
            f"/v1/payment_intents/{paid.intent_id}/confirm",
        ]
        assert paid.payment_method_id is not None
        assert paid.payment_method_id.startswith("pm_1")

    run(main)


@pytest.mark.parametrize(
    ("key_then", "key_now", "calls"),
    [(None, None, 1), ("a", "a", 1), ("a", "b", 2), (None, "b", 2)],
)
def test_the_same_card_again_is_declined_from_memory_unless_a_new_key_says_again(
    key_then: str | None, key_now: str | None, calls: int
) -> None:
    async def main() -> None:
        shop = await open_shop()
        first = await pay(shop, order(DECLINING, key=key_then))

        again = await pay(shop, order(DECLINING, key=key_now))

        assert first.failure is not None
        assert again.failure is not None
        assert again.failure.code == first.failure.code == "card_declined"
        assert len(requests(shop)) == calls
        assert charges(shop) == []

    run(main)


def test_50_identical_requests_with_a_bad_card_are_declined_once() -> None:
    async def main() -> None:
        shop = await open_shop()

        answers = await asyncio.gather(*(pay(shop, order(DECLINING)) for _ in range(50)))

        assert {answer.failure.code for answer in answers if answer.failure} == {"card_declined"}
        assert len(requests(shop)) == 1

    run(main)


def test_a_new_price_after_a_decline_cancels_the_old_intent_and_opens_the_next() -> None:
    async def main() -> None:
        shop = await open_shop()
        await pay(shop, order(DECLINING))

        paid = await pay(shop, order(VISA, amount_minor=5_000))
        await quiet(shop)

        assert (paid.state, paid.generation, paid.received_minor) == (State.SUCCEEDED, 2, 5_000)
        assert [(i["status"], i["amount"]) for i in intents(shop)] == [
            ("canceled", 10_000),
            ("succeeded", 5_000),
        ]
        assert shop.orders.statuses_of("ord_1") == ["PAYMENT RECEIVED"]

    run(main)


@pytest.mark.parametrize("when", ["before the look", "at the cancellation"])
def test_a_new_price_is_refused_when_the_payers_client_has_paid_the_old_one(when: str) -> None:
    """What is paid is the old price: to call that success on the new one would be a lie."""

    async def main() -> None:
        shop = await open_shop()
        first = await pay(shop, order(None))
        path = f"/v1/payment_intents/{first.intent_id}"

        def client_pays() -> None:
            at_stripe(shop, f"{path}/confirm", payment_method=VISA)

        if when == "before the look":
            client_pays()
        else:

            def just_before_the_cancellation(method: str, asked: str) -> None:
                if (method, asked) == ("POST", f"{path}/cancel"):
                    shop.stripe.pick = no_fault
                    client_pays()

            shop.stripe.pick = just_before_the_cancellation
        with pytest.raises(OrderAlreadyPaid, match="on other terms"):
            await pay(shop, order(VISA, amount_minor=5_000))
        await quiet(shop)

        assert [charge["amount"] for charge in charges(shop)] == [10_000]
        stored = await payment_of(shop)
        assert (stored.state, stored.received_minor) == (State.SUCCEEDED, 10_000)
        assert stored.terms.amount_minor == 10_000
        assert shop.orders.statuses_of("ord_1") == ["PAYMENT RECEIVED"]

    run(main)


def test_two_new_prices_at_once_take_the_money_of_one() -> None:
    async def main() -> None:
        shop = await open_shop()
        await pay(shop, order(DECLINING))

        answers = await asyncio.gather(
            *(pay(shop, order(VISA, amount_minor=amount)) for amount in (5_000, 6_000)),
            return_exceptions=True,
        )

        won = [answer for answer in answers if isinstance(answer, Payment)]
        lost = [answer for answer in answers if not isinstance(answer, Payment)]
        assert [answer.state for answer in won] == [State.SUCCEEDED]
        assert [type(answer) for answer in lost] in ([OrderAlreadyPaid], [PaymentInProgress])
        assert [charge["amount"] for charge in charges(shop)] == [won[0].received_minor]

    run(main)


def test_whoever_loses_the_race_to_begin_an_attempt_asks_stripe_for_nothing() -> None:
    async def main() -> None:
        shop, store = await open_watched_shop()
        await pay(shop, order(DECLINING))
        await quiet(shop)
        before = len(requests(shop))

        async def another_was_faster() -> None:
            await pay(shop, order("pm_card_mastercard"))

        store.before_writes.extend([None, another_was_faster])  # after the read, before the write
        paid = await pay(shop, order(VISA))
        await quiet(shop)

        assert paid.state is State.SUCCEEDED
        assert len(requests(shop)) - before == 1
        assert len(charges(shop)) == 1

    run(main)


async def somebody_writes() -> None:
    raise VersionConflict


def test_an_order_that_changes_all_the_time_is_not_waited_for_without_end() -> None:
    async def main() -> None:
        shop, store = await open_watched_shop()
        await pay(shop, order(DECLINING))
        await quiet(shop)
        store.before_writes.append(None)  # the write-ahead finds that the order is there
        store.before_writes.extend([somebody_writes] * ROUNDS_MAX)

        with pytest.raises(StoreUnavailable, match="changes too often") as told:
            await pay(shop, order(VISA))

        assert not isinstance(told.value, StoreLost)
        assert not store.before_writes

    run(main)


async def the_answer_is_lost() -> None:
    raise StoreInDoubt("a write")


@pytest.mark.parametrize(
    ("trouble", "told"), [(store_is_down, StoreLost), (the_answer_is_lost, StoreInDoubt)]
)
def test_an_older_deal_that_was_cancelled_is_not_told_as_nothing_done(
    trouble: Any, told: type[StoreUnavailable]
) -> None:
    async def main() -> None:
        shop, store = await open_watched_shop()
        await pay(shop, order(DECLINING))
        await quiet(shop)
        # The write-ahead, which is refused, the wish to cancel, and that it was done.
        store.before_writes.extend([None, None, None, trouble])

        with pytest.raises(told) as raised:
            await pay(shop, order(VISA, amount_minor=5_000))

        assert type(raised.value) is told
        assert [intent["status"] for intent in intents(shop)] == ["canceled"]

    run(main)
