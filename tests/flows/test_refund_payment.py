"""Refunding: reserved before Stripe is asked, never more than there is, whoever asks at once."""

import asyncio
from datetime import timedelta

import pytest

from payment_service.domain.errors import PaymentNotRefundable, RefundExceedsRemaining
from payment_service.domain.moment import REFUND_LOOKS_S
from payment_service.domain.payment import Payment
from payment_service.domain.refund import Refund, RefundStatus
from payment_service.domain.stripe_errors import ErrorClass, RefusedByStripe
from payment_service.flows.refund_payment import refund_payment
from payment_service.ports import StoreUnavailable
from tests.flows.buying import (
    DECLINING,
    always,
    faults,
    open_watched_shop,
    order,
    pay,
    payment_of,
    quiet,
    refunds,
    requests,
    soon,
    unreachable,
)
from tests.parts.shop import Shop, open_shop
from tests.parts.virtual_time import run

REFUND = ("POST", "/v1/refunds")


async def refund(
    shop: Shop,
    amount_minor: int | None = 6_000,
    *,
    id: str = "ref_1",
    wait_s: float = 10,
) -> tuple[Payment, Refund]:
    return await refund_payment(
        shop.world,
        await payment_of(shop),
        refund_id=id,
        amount_minor=amount_minor,
        reason=None,
        deadline=soon(shop, wait_s),
    )


async def paid_shop(card: str = "pm_card_visa") -> Shop:
    shop = await open_shop()
    await pay(shop, order(card))
    await quiet(shop)
    return shop


def test_a_refund_that_is_refused_leaves_nothing_behind() -> None:
    async def main() -> None:
        shop, store = await open_watched_shop()
        await pay(shop)
        await quiet(shop)
        store.writes.clear()

        with pytest.raises(RefundExceedsRemaining):
            await refund(shop, 10_001)

        assert store.writes == []

    run(main)


def test_a_refund_costs_two_writes_the_note_where_it_is_and_one_call() -> None:
    async def main() -> None:
        shop, store = await open_watched_shop()
        await pay(shop)
        await quiet(shop)
        store.writes.clear()

        payment, made = await refund(shop)

        assert (made.status, made.amount_minor) == (RefundStatus.SUCCEEDED, 6_000)
        assert (payment.refunded_minor, payment.refundable_minor) == (6_000, 4_000)
        assert store.writes == [("refund_places", 0), ("payments", 3), ("payments", 4)]
        assert requests(shop)[1:] == ["/v1/refunds"]
        assert [(r["amount"], r["metadata"]) for r in refunds(shop)] == [
            (
                6_000,
                {
                    "service": "payment-service",
                    "order_id": "ord_1",
                    "idempotency_key": f"{payment.uid}-ref_1",
                },
            )
        ]

    run(main)


def test_without_an_amount_all_that_is_left_is_given_back() -> None:
    async def main() -> None:
        shop = await paid_shop()
        await refund(shop)

        payment, made = await refund(shop, None, id="ref_2")

        assert (made.amount_minor, payment.refundable_minor) == (4_000, 0)

    run(main)


def test_the_same_refund_again_is_the_same_refund() -> None:
    async def main() -> None:
        shop = await paid_shop()

        _, first = await refund(shop)
        _, again = await refund(shop)

        assert (again.stripe_refund_id, len(refunds(shop))) == (first.stripe_refund_id, 1)

    run(main)


def test_of_50_refunds_of_60_percent_at_once_exactly_one_succeeds() -> None:
    async def main() -> None:
        shop = await paid_shop()

        answers = await asyncio.gather(
            *(refund(shop, id=f"ref_{number}") for number in range(50)), return_exceptions=True
        )

        assert [type(a) for a in answers].count(RefundExceedsRemaining) == 49
        assert [r["amount"] for r in refunds(shop)] == [6_000]
        payment = await payment_of(shop)
        assert (payment.refunded_minor, payment.refundable_minor) == (6_000, 4_000)
        assert requests(shop)[1:] == ["/v1/refunds"]

    run(main)


def test_two_refunds_that_fit_together_both_succeed_at_once() -> None:
    async def main() -> None:
        shop = await paid_shop()

        await asyncio.gather(refund(shop, id="ref_1"), refund(shop, 4_000, id="ref_2"))

        assert sorted(r["amount"] for r in refunds(shop)) == [4_000, 6_000]
        assert (await payment_of(shop)).refundable_minor == 0

    run(main)


def test_an_amount_under_way_cannot_be_refunded_by_another() -> None:
    """The reservation is in the document before Stripe knows of the refund."""

    async def main() -> None:
        shop = await paid_shop()
        shop.stripe.pick = always("delay")
        _, under_way = await refund(shop, wait_s=1)
        assert under_way.status is RefundStatus.ASKING

        with pytest.raises(RefundExceedsRemaining):
            await refund(shop, id="ref_2")

        await quiet(shop)
        assert [r["amount"] for r in refunds(shop)] == [6_000]

    run(main)


def test_what_was_not_paid_is_not_refunded_and_stripe_is_only_looked_at() -> None:
    async def main() -> None:
        shop = await paid_shop(DECLINING)

        with pytest.raises(PaymentNotRefundable):
            await refund(shop)

        assert requests(shop) == ["/v1/payment_intents"]

    run(main)


@pytest.mark.parametrize(
    "kind", ["timeout_after", "truncated_200", "error_500_after", "error_503_after_key_forgotten"]
)
def test_a_lost_answer_is_found_and_nothing_is_given_back_twice(kind: str) -> None:
    async def main() -> None:
        shop = await paid_shop()
        shop.stripe.pick = faults(kind, on=REFUND)  # type: ignore[arg-type]  # one of the names

        payment, made = await refund(shop, wait_s=60)

        assert made.status is RefundStatus.SUCCEEDED
        assert ([r["amount"] for r in refunds(shop)], payment.refundable_minor) == ([6_000], 4_000)
        assert requests(shop)[1:] == ["/v1/refunds"]

    run(main)


def test_an_error_that_stripe_saved_without_effect_releases_the_amount_in_half_a_minute() -> None:
    async def main() -> None:
        shop = await paid_shop()
        shop.stripe.pick = faults("error_500_before", on=REFUND)

        with pytest.raises(RefusedByStripe) as refused:
            await refund(shop, wait_s=60)

        assert refused.value.kind is ErrorClass.ABANDONED
        payment = await payment_of(shop)
        [made] = payment.refunds
        assert (made.status, made.failure) == (RefundStatus.FAILED, "http_500")
        assert (refunds(shop), payment.refundable_minor) == ([], 10_000)
        assert 20 <= (shop.world.clock.now() - made.created_at).total_seconds() < 40
        assert len(requests(shop, "GET")) < 12

    run(main)


def test_a_stripe_that_cannot_be_reached_gives_nothing_back_and_says_so() -> None:
    async def main() -> None:
        shop = await paid_shop()
        shop.stripe.pick = unreachable

        with pytest.raises(RefusedByStripe) as refused:
            await refund(shop, wait_s=60)

        assert refused.value.kind is ErrorClass.UNAVAILABLE
        payment = await payment_of(shop)
        [made] = payment.refunds
        assert (made.status, made.unavailable) == (RefundStatus.FAILED, True)
        assert payment.refundable_minor == 10_000

    run(main)


def test_a_pending_refund_is_followed_until_it_is_final() -> None:
    async def main() -> None:
        shop = await paid_shop("pm_card_pendingRefund")
        _, made = await refund(shop)
        assert made.status is RefundStatus.PENDING

        await shop.work(400, every_s=10)

        (settled,) = (await payment_of(shop)).refunds
        assert settled.status is RefundStatus.SUCCEEDED
        # Its bank may return it still: the next look is on the ladder of what has succeeded.
        ladder_from_s = timedelta(seconds=REFUND_LOOKS_S[0])
        assert (await payment_of(shop)).wake_at == made.created_at + ladder_from_s

    run(main)


def test_what_cannot_be_reserved_is_not_asked_of_stripe() -> None:
    async def main() -> None:
        shop, store = await open_watched_shop()
        await pay(shop)
        await quiet(shop)

        async def full() -> None:
            raise StoreUnavailable("the disk is full")

        store.before_writes.append(full)
        with pytest.raises(StoreUnavailable):
            await refund(shop)

        assert (refunds(shop), (await payment_of(shop)).refunds) == ([], ())

    run(main)
